"""A host's settings: the database it did not choose, and what a start warns of."""

import logging

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import NullPool, create_engine, inspect

import merchant
import portone_sandbox
from tests.conftest import BUYER
from tests.databases import new_database
from tests.hosts.conftest import ACCOUNT

LIVE = {**ACCOUNT, "PORTONE_ALLOW_TEST": "0"}
WEBHOOK_SECRET = "whsec_" + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTA="


@pytest.mark.database
def test_a_host_without_flask_sqlalchemy_has_the_database_that_database_url_names(
    config, buyer, tmp_path
):
    url = config.pop("SQLALCHEMY_DATABASE_URI")
    app = Flask(__name__)
    app.config.from_mapping(config, DATABASE_URL=url)
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert inspect(create_engine(url, poolclass=NullPool)).has_table("merchant_payment")


def test_without_one_it_is_a_file_in_the_hosts_instance_folder(config, buyer, tmp_path):
    del config["SQLALCHEMY_DATABASE_URI"]
    app = Flask(__name__, instance_path=str(tmp_path / "instance"))
    app.config.from_mapping(config)
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert (tmp_path / "instance" / "merchant.db").exists()


def test_the_hosts_own_setting_for_flask_sqlalchemy_counts_more(config, buyer, tmp_path):
    app = Flask(__name__)
    app.config.from_mapping(config, DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert not (tmp_path / "other.db").exists()


@pytest.mark.database
def test_with_flask_sqlalchemy_of_its_own_the_hosts_database_is_used_and_database_url_is_not(
    config, buyer, tmp_path
):
    app = Flask(__name__)
    app.config.from_mapping(config, DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    buyer(app).pay()
    assert not (tmp_path / "other.db").exists()


def starts(settings, tmp_path):
    app = Flask(__name__)
    app.config.from_mapping(settings, SQLALCHEMY_DATABASE_URI=new_database(tmp_path))
    SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    client = app.test_client()
    assert [client.get("/shop/").status_code for _ in range(2)] == [200, 200]


def warned_of_secret(caplog):
    return [
        each
        for each in caplog.records
        if each.levelno >= logging.WARNING and "PORTONE_WEBHOOK_SECRET" in each.getMessage()
    ]


def test_a_live_shop_without_a_webhook_secret_is_warned_once_at_start(tmp_path, caplog):
    starts(LIVE, tmp_path)
    assert len(warned_of_secret(caplog)) == 1


def test_our_own_site_is_warned_too(tmp_path, caplog):
    merchant.create_app({**LIVE, "DATABASE_URL": new_database(tmp_path)})
    assert len(warned_of_secret(caplog)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {**LIVE, "PORTONE_WEBHOOK_SECRET": WEBHOOK_SECRET},
        ACCOUNT,  # it accepts test payments: nobody's money
        portone_sandbox.settings("/sandbox"),
    ],
)
def test_nobody_else_is_warned(tmp_path, caplog, settings):
    starts(settings, tmp_path)
    assert warned_of_secret(caplog) == []


def test_a_host_whose_database_is_away_at_its_start_takes_payments_once_it_is_there(
    config, buyer, tmp_path
):
    """Its own tests and commands may create the app with settings whose database nobody has
    started.
    """
    folder = tmp_path / "not yet"
    app = Flask(__name__)
    app.config.from_mapping(config, SQLALCHEMY_DATABASE_URI=f"sqlite:///{folder}/host.db")
    SQLAlchemy(app)
    merchant.init_app(app, "/shop")
    host = buyer(app)
    body = {"productId": "waffle-trainer", "payMethod": "CARD", "buyer": BUYER}
    answer = host.post("/orders", body)
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "DATABASE_UNAVAILABLE")
    folder.mkdir()
    host.pay()
