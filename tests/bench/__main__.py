"""How fast is the shop, beside the least and beside the obvious that one could write?

    .venv/bin/python -m tests.bench

Three sites run under gunicorn, with 2 workers of 4 threads each: the shop, the floor (floor.py) and the obvious
version (obvious.py). Each has its own copy of the same stored orders, once per number of them, and all commit durably:
SQLite in WAL mode with synchronous=FULL. PortOne is a stand-in on loopback (portone.py), and the load comes from
another process (load.py). The sites take turns within each round, so a ratio is of neighbours: the ratios are what
counts, the figures themselves depend on the machine. Needs Linux.
"""

import argparse
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timezone
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import standardwebhooks

from . import database, load, report
from .portone import CHANNEL, SECRET, STORE

ROOT = Path(__file__).parents[2]
SITES = {"shop": "wsgi:app", "floor": "tests.bench.floor:app", "obvious": "tests.bench.obvious:app"}
WEBHOOK_SECRET = "whsec_" + "YmVuY2htYXJr" * 2
CONNECTIONS = 32  # enough for both workers, whichever of them takes a connection
PACKAGES = "import flask, requests, flask_sqlalchemy, dotenv, pytest"
BUYER = {"name": "홍길동", "email": "buyer@example.com", "phone": "010-1234-5678"}
NEW_ORDER = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER}
PAID = b'"status":"PAID"'


# The requests of each figure: a function of (order id, payment id), and what every good answer contains


def complete(order_id, payment_id):
    return post("/payment/complete", {"orderId": order_id, "paymentId": payment_id})


def redirect(_, payment_id):
    return load.http("GET", f"/payment-redirect?paymentId={payment_id}&transactionType=PAYMENT&txId=tx")


def webhook(_, payment_id):
    data = {"storeId": STORE, "paymentId": payment_id, "transactionId": "tx"}
    body = json.dumps({"type": "Transaction.Paid", "timestamp": "2026-01-01T00:00:00Z", "data": data})
    now = datetime.now(timezone.utc)
    signature = standardwebhooks.Webhook(WEBHOOK_SECRET).sign("msg_1", now, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": int(now.timestamp()), "webhook-signature": signature}
    return load.http("POST", "/payment/webhook", body.encode(), headers)


def post(path, body):
    return load.http("POST", path, json.dumps(body, ensure_ascii=False).encode())


FIGURES = {  # name: (sites, which orders, request, expected)
    "complete": (SITES, "unpaid", complete, PAID),
    "latency": (SITES, "unpaid", complete, PAID),
    "repeat": (["shop"], "paid", complete, PAID),
    "webhook": (["shop"], "paid", webhook, b'"received":true'),
    "redirect": (["shop"], "unpaid", redirect, b" 303 "),
    "create": (["shop"], "paid", lambda *_: post("/orders", NEW_ORDER), b" 201 "),
    "page": (["shop"], "paid", lambda *_: load.http("GET", "/"), b'id="order-form"'),
}


# What runs


@contextmanager
def running(command, **options):
    """A process that is ended with the block."""
    process = subprocess.Popen(command, cwd=ROOT, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


class Site:
    """One site under gunicorn on a free port, with a database of its own."""

    def __init__(self, stack, app, file, paid, portone_port):
        self.orders = database.Orders(file, paid)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PORTONE_")},
            "PORTONE_STORE_ID": STORE, "PORTONE_CHANNEL_KEY": CHANNEL, "PORTONE_API_SECRET": SECRET,
            "PORTONE_WEBHOOK_SECRET": WEBHOOK_SECRET, "PORTONE_API_BASE": f"http://127.0.0.1:{portone_port}",
            "DATABASE_URL": f"sqlite:///{file}",
        }  # fmt: skip
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port, fd = listener.getsockname()[1], listener.fileno()
        command = [sys.executable, "-m", "gunicorn", "--workers", "2", "--threads", "4", "--bind", f"fd://{fd}"]
        log = stack.enter_context(file.with_suffix(".log").open("w"))
        gunicorn = running([*command, app], env=self.environment, stdout=log, stderr=log, pass_fds=[fd])
        self.pid = stack.enter_context(gunicorn).pid
        listener.close()

    def memory(self, name):
        """The mean over the workers, in MiB. name: VmRSS (resident now) or VmHWM (at its peak)."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(memory_of(worker, name) for worker in workers) / len(workers)


def memory_of(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def start(code, environment):
    """Run Python code in a new process; returns how long it took there (ms), and the memory at its peak (MiB)."""
    code = (
        f"import time; started = time.perf_counter()\n{code}\nprint((time.perf_counter() - started) * 1000)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    milliseconds, kibibytes = ran.stdout.split()
    return float(milliseconds), float(kibibytes) / 1024


def control(portone_port, delay_ms):
    """Set PortOne's delay; returns how many payments it was asked about since the last time."""
    with socket.create_connection(("127.0.0.1", portone_port)) as connection:
        answer = load.exchange(connection, load.http("GET", f"/control/{delay_ms}"))
    return json.loads(answer.partition(b"\r\n\r\n")[2])["calls"]


def commit_ms(file):
    """How long one durable commit takes here, in ms: the median of 200."""
    times = []
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        for _ in range(200):  # an even number, and the row is as it was
            started = time.perf_counter()
            connection.execute("UPDATE merchant_payment SET cancelled_amount = 1 - cancelled_amount WHERE rowid = 1")
            times.append((time.perf_counter() - started) * 1000)
    return median(times)


# What is measured


class Bench:
    """`samples`: {(figure, site, number of orders): [a value per round]}."""

    def __init__(self, options, stack, folder):
        self.options, self.samples, self.completed = options, {}, {}
        self.calls = 0  # of PortOne, for repeats
        command = [sys.executable, "-m", "tests.bench.portone"]
        portone = stack.enter_context(running(command, stdout=subprocess.PIPE, text=True))
        self.portone_port = int(portone.stdout.readline())
        self.load = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        self.sites, self.prepared = {}, {}
        for number in options.orders:
            started = time.perf_counter()
            template = folder / f"{number}.db"
            self.modes = database.make(template, number, options.unpaid)
            files = {name: folder / f"{name}-{number}.db" for name in SITES}
            for file in files.values():
                shutil.copy(template, file)
            template.unlink()
            self.prepared[number] = time.perf_counter() - started
            for name, app in SITES.items():
                self.sites[name, number] = Site(stack, app, files[name], number, self.portone_port)
        os.sync()  # else the kernel writes the copies out while commits are timed
        self.commit_ms = commit_ms(files["floor"])

    def run(self):
        for site in self.sites.values():  # connections, compiled statements
            self.ask(site, "unpaid", complete, PAID, min(1, self.options.seconds))
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr)
            for figure in self.options.only:
                self.round(figure)
            for (name, orders), site in self.sites.items():
                self.add("memory", name, orders, site.memory("VmRSS"))
        for (name, orders), site in self.sites.items():
            self.add("peak", name, orders, site.memory("VmHWM"))

    def round(self, figure):
        if figure == "start":
            return self.round_of_starts()
        names, which, request, expected = FIGURES[figure]
        one_by_one = figure == "latency"
        connections, delay = (1, self.options.delay) if one_by_one else (CONNECTIONS, 0)
        control(self.portone_port, delay)
        if one_by_one:
            asking = [load.http("GET", "/payments/any")]
            direct = self.submit(self.portone_port, asking, 1, self.options.seconds, b'"PAID"', True)["latency"]
            self.add("latency", "portone", 0, direct)
        for name in names:
            for orders in self.options.orders:
                site = self.sites[name, orders]
                control(self.portone_port, delay)
                result = self.ask(site, which, request, expected, self.options.seconds, connections)
                if figure == "repeat":
                    self.calls += control(self.portone_port, 0)
                if figure == "complete":
                    self.completed[name, orders] = self.completed.get((name, orders), 0) + result["sent"]
                value = result["latency"] - direct if one_by_one else result["rate"]
                self.add(figure, name, orders, value)

    def round_of_starts(self):
        milliseconds, mebibytes = start(PACKAGES, os.environ)
        self.add("start", "packages", 0, milliseconds)
        self.add("peak", "packages", 0, mebibytes)
        for orders in self.options.orders:
            milliseconds, _ = start("import wsgi", self.sites["shop", orders].environment)
            self.add("start", "shop", orders, milliseconds)

    def ask(self, site, which, request, expected, seconds, connections=CONNECTIONS):
        """Measure one site; afterwards it is as it was before."""
        requests = [request(*ids) for ids in getattr(site.orders, which)]
        result = self.submit(site.port, requests, connections, seconds, expected, which == "paid")
        if which == "unpaid" and site.orders.count_paid() != result["sent"]:
            raise RuntimeError(f"{site.orders.count_paid()} orders are paid, {result['sent']} were completed")
        site.orders.reset()
        return result

    def submit(self, *arguments):
        return self.load.submit(load.run, *arguments).result()

    def add(self, figure, site, orders, value):
        self.samples.setdefault((figure, site, orders), []).append(value)


def main():
    names = [*FIGURES, "start"]
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="at most, for each figure of each site in each round")
    parser.add_argument("--orders", type=int, nargs="+", default=[1000, 1_000_000], help="paid orders that are stored")
    parser.add_argument("--unpaid", type=int, default=1000, help="orders besides, for first-time completes")
    parser.add_argument("--delay", type=int, default=50, help="PortOne's, in ms, while latency is measured")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="FIGURE", help=", ".join(names))
    parser.add_argument("--json", type=Path, default=ROOT / "instance" / "bench.json", help="where the results go")
    options = parser.parse_args()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    # Next to the results, since the system's own temporary folder may be in memory, where a commit costs nothing.
    with TemporaryDirectory(dir=options.json.parent) as folder, ExitStack() as stack:
        bench = Bench(options, stack, Path(folder))
        bench.run()
        found = report.results(bench, options)
    options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(report.table(found)))
    print(f"\nAll of it, round by round: {options.json}")


if __name__ == "__main__":
    main()
