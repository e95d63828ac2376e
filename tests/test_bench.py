"""The benchmark still runs, and its JSON has every figure. What it measures is not judged here: it is too short."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHOP_ONLY = {"repeat", "webhook", "redirect", "create", "page", "start"}


@pytest.mark.long
def test_every_figure(tmp_path):
    options = ["--rounds", "1", "--seconds", "0.5", "--orders", "20", "40", "--unpaid", "20", "--delay", "5", "--json"]
    ran = subprocess.run(
        [sys.executable, "-m", "tests.bench", *options, tmp_path / "bench.json"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=300,
    )  # fmt: skip
    assert ran.returncode == 0
    found = json.loads((tmp_path / "bench.json").read_text())
    figures = {(row["name"], row["site"], row["orders"]) for row in found["figures"]}
    everywhere = {"complete", "latency", "memory", "peak"}
    expected = {(name, site, n) for name in everywhere for site in ("shop", "floor", "obvious") for n in (20, 40)}
    expected |= {(name, "shop", n) for name in SHOP_ONLY for n in (20, 40)}
    expected |= {("latency", "portone", 0), ("start", "packages", 0), ("peak", "packages", 0)}
    assert figures == expected
    assert all(row["min"] <= row["median"] <= row["max"] for row in found["figures"] + found["ratios"])
    assert found["durability"].items() >= {"journal_mode": "wal", "synchronous": 2}.items()
    assert [row["median"] for row in found["ratios"] if row["name"] == "calls of PortOne by repeats"] == [0]
    assert not [path for path in tmp_path.iterdir() if path.name != "bench.json"], "the databases are left behind"
    assert "complete: shop / obvious" in ran.stdout
