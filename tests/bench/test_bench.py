"""The benchmark still runs, and its JSON has every figure.

What it measures is not judged here: it is too short.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench import postgresql

ROOT = Path(__file__).parents[2]
SHOP_ONLY = {"repeat", "webhook", "redirect", "create", "page", "start"}
SLOW = {"page idle", "page slow", "page worst", "slow 200", "slow 503"}
ON_POSTGRESQL = ("shop-pg", "obvious-pg")


def bench(folder, *options):
    """Run it for a moment; returns its JSON and its table."""
    file = folder / "bench.json"
    brief = ["--rounds", "1", "--seconds", "0.5", "--unpaid", "20", "--delay", "5", "--json", file]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", *brief, *options],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0
    assert not [path for path in folder.iterdir() if path != file], "the databases are left behind"
    return json.loads(file.read_text()), ran.stdout


def figures(found):
    return {(row["name"], row["site"], row["orders"]) for row in found["figures"]}


@pytest.mark.exhaustive
def test_every_figure(tmp_path):
    found, table = bench(tmp_path, "--orders", "20", "40")
    sites = {(site, n) for site in ("shop", "floor", "obvious", "sdk") for n in (20, 40)}
    expected = {(name, *site) for name in ("delayed", "latency") for site in sites}
    if postgresql.programs():
        sites |= {(site, 20) for site in ON_POSTGRESQL}
        assert found["postgresql"].items() >= {"fsync": "on", "synchronous_commit": "on"}.items()
    assert set(found["left_out"]) == set(ON_POSTGRESQL) - {site for site, _ in sites}
    expected |= {(name, *site) for name in ("complete", "memory", "peak") for site in sites}
    expected |= {(name, "shop", n) for name in SHOP_ONLY | SLOW for n in (20, 40)}
    expected |= {(f"complete {name}", *site) for name in ("p99", "cpu") for site in sites}
    expected |= {
        (f"delayed {name}", site, n)
        for name in ("p99", "cpu")
        for site in ("shop", "floor", "obvious", "sdk")
        for n in (20, 40)
    }
    expected |= {("latency", "portone", 0), ("start", "packages", 0), ("peak", "packages", 0)}
    assert figures(found) == expected
    assert all(
        row["min"] <= row["median"] <= row["max"] for row in found["figures"] + found["ratios"]
    )
    assert found["durability"].items() >= {"journal_mode": "wal", "synchronous": 2}.items()
    ratios = {row["name"]: row["median"] for row in found["ratios"]}
    assert ratios["calls of PortOne by repeats"] == 0
    assert 0 < ratios["connections to PortOne per worker thread"] <= 1
    assert {
        "complete: shop / sdk",
        "complete: shop / obvious",
        "page while PortOne is slow / idle",
    } < set(ratios)
    assert all(name in table for name in ratios)


@pytest.mark.exhaustive
def test_without_the_shop_there_is_nothing_to_compare(tmp_path):
    found, _ = bench(
        tmp_path, "--orders", "20", "--sites", "floor", "sdk", "--only", "complete", "slow", "start"
    )
    measured = {
        (name, site, 20)
        for name in ("complete", "complete p99", "complete cpu", "memory", "peak")
        for site in ("floor", "sdk")
    }
    assert figures(found) == measured | {("start", "packages", 0), ("peak", "packages", 0)}
    assert found["ratios"] == []
