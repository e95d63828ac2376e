"""The channels: their settings for a merchant, their facts, and how the console shows them."""

import itertools
import json
import os
import re
import subprocess
import sys

import pytest
import requests

import portone_sandbox
from portone_sandbox import channels, demand_rules, demand_texts
from tests.portone_sandbox.client import ROOT, open_window


def settings(monkeypatch, **environ):
    for name in ("SANDBOX_PG", "SANDBOX_LIVE", "SANDBOX_MANUAL_APPROVAL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = portone_sandbox.settings("/sandbox")
    names = ("PORTONE_CHANNEL_KEY", "PORTONE_PG", "PORTONE_CHANNELS", "PORTONE_ALLOW_TEST")
    return {name: found[name] for name in names if name in found}


def test_by_default_it_is_toss_payments(monkeypatch):
    assert settings(monkeypatch) == {
        "PORTONE_CHANNEL_KEY": channels.DEFAULT_CHANNEL,
        "PORTONE_PG": "TOSSPAYMENTS",
        "PORTONE_ALLOW_TEST": "1",
    }


@pytest.mark.parametrize("name", channels.PGS)
def test_a_pg_is_picked_by_its_name(monkeypatch, name):
    picked = settings(monkeypatch, SANDBOX_PG=name)
    assert picked["PORTONE_PG"] == name
    assert channels.CHANNELS[picked["PORTONE_CHANNEL_KEY"]]["pgProvider"] == name
    assert channels.CHANNELS[picked["PORTONE_CHANNEL_KEY"]]["type"] == "TEST"


@pytest.mark.parametrize("names", ["KCP_V2 KAKAOPAY", "kcp_v2,KAKAOPAY", " KCP_V2, KAKAOPAY "])
def test_several_are_a_list(monkeypatch, names):
    keys = channels.KEYS_BY_PG
    assert settings(monkeypatch, SANDBOX_PG=names) == {
        "PORTONE_CHANNELS": f"KCP_V2={keys['KCP_V2']} KAKAOPAY={keys['KAKAOPAY']}",
        "PORTONE_ALLOW_TEST": "1",
    }


def test_the_live_channel_is_for_a_shop_that_takes_no_test_payments(monkeypatch):
    picked = settings(monkeypatch, SANDBOX_LIVE="1")
    assert picked == {
        "PORTONE_CHANNEL_KEY": channels.LIVE_CHANNEL,
        "PORTONE_PG": "TOSSPAYMENTS",
        "PORTONE_ALLOW_TEST": "0",
    }
    assert channels.CHANNELS[channels.LIVE_CHANNEL]["type"] == "LIVE"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"SANDBOX_PG": "KCP"}, "KCP_V2"),
        ({"SANDBOX_PG": "HYPHEN"}, "HYPHEN"),
        ({"SANDBOX_LIVE": "yes"}, "SANDBOX_LIVE"),
        ({"SANDBOX_LIVE": "1", "SANDBOX_PG": "KCP_V2"}, "SANDBOX_PG"),
        ({"SANDBOX_LIVE": "1", "SANDBOX_MANUAL_APPROVAL": "1"}, "SANDBOX_LIVE"),
        ({"SANDBOX_MANUAL_APPROVAL": "1", "SANDBOX_PG": "KCP_V2"}, "SANDBOX_PG"),
    ],
)
def test_what_is_wrong_is_named_at_the_start(monkeypatch, tmp_path, environ, named):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=named):
        portone_sandbox.create_app(tmp_path / "sandbox.db")


def test_keys_are_unique_and_readable():
    assert len({each["id"] for each in channels.CHANNELS.values()}) == len(channels.CHANNELS)
    for key in channels.CHANNELS:
        assert re.fullmatch(r"channel-key-5a4db0c5-0000-4000-8000-0000000001?\d\d|.*000[123]", key)


def test_every_fact_has_a_rule_a_sentence_and_a_page():
    effects = json.loads(
        (channels.Path(channels.__file__).with_name("channels.json")).read_text("utf-8")
    )["effects"]
    for pg in channels.PGS.values():
        for check in pg["checks"]:
            assert check["rule"] in demand_rules.RULES
            assert check["effect"] in effects
            assert channels.page_of(pg, check).startswith("https://")
            for language in ("en", "ko"):
                assert check["path"] in demand_texts.sentence(check, language)


@pytest.mark.parametrize(("language", "summary"), [("ko", "요구 사항"), ("en", "demands")])
def test_the_console_shows_what_each_channel_demands(base, language, summary):
    page = requests.get(f"{base}/console/channels?lang={language}", timeout=10).text
    listed = requests.get(f"{base}/?lang={language}", timeout=10).text
    for key, channel in channels.CHANNELS.items():
        assert f'data-channel="{key}"' in page and f'data-channel="{key}"' in listed
        name = channels.pg_of(channel)["name"][language]
        assert f"<b>{name}</b>" in page and f"<b>{name}</b>" in listed
    assert page.count(summary) >= len(channels.CHANNELS)
    assert "bypass.kcp_v2.shop_user_id" in page and "pg/v2/kcp-v2?v=v2" in page


def test_the_sdk_knows_the_windows_of_the_channels(base):
    source = requests.get(f"{base}/v2/browser-sdk.js", timeout=10).text
    [known] = re.findall(r"const WINDOW_TYPES = (.*);", source)
    key = channels.KEYS_BY_PG["NAVERPAY"]
    assert json.loads(known)[key] == {"pc": "POPUP", "mobile": "REDIRECTION"}
    assert channels.KEYS_BY_PG["KCP_V2"] not in json.loads(known)


@pytest.mark.parametrize(
    "url", ["myshop://payment", "myshop://payment?order=1", "kr.shop.app://back"]
)
def test_a_window_goes_back_into_an_app(base, url):
    opened = open_window(base, "REDIRECTION", redirectUrl=url).json()
    form = {"outcome": "approve"}
    answer = requests.post(
        f"{base}{opened['url']}/outcome", data=form, allow_redirects=False, timeout=10
    )
    location = answer.headers["Location"]
    assert location.startswith(url) and "paymentId=payment1" in location


@pytest.mark.parametrize("url", ["data://x", "javascript://x", "myshop:payment", "myshop://", "x"])
def test_what_is_no_address_of_an_app_or_a_site_is_refused(base, url):
    answer = open_window(base, redirectUrl=url)
    assert answer.status_code == 400 and "redirectUrl" in answer.json()["message"]


def test_every_key_is_printed_at_the_start(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "portone_sandbox", "run", "--port", "0"],
        cwd=ROOT,
        env={**os.environ, "SANDBOX_DATABASE": str(tmp_path / "sandbox.db"), "SANDBOX_PG": "KPN"},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        lines = iter(server.stdout.readline, "")
        printed = list(itertools.takewhile(lambda line: "Webhooks go" not in line, lines))
        server.terminate()
    assert f"PORTONE_CHANNEL_KEY={channels.KEYS_BY_PG['KPN']}\n" in printed
    assert "PORTONE_PG=KPN\n" in printed
    assert all(any(key in line for line in printed) for key in channels.CHANNELS)
