"""How fast is the shop, beside the least and beside the obvious that one could write?

    .venv/bin/python -m tests.bench

Four sites run under gunicorn, with 2 workers of 4 threads each: the shop, the published way
(sdk.py), which stores nothing, the obvious version (obvious.py) and the floor (floor.py). Each but
the second has its own copy of the same stored orders, once per number of them, and commits durably:
SQLite in WAL mode with synchronous=FULL. Where PostgreSQL's server is installed, shop and obvious
version run on one as well (postgresql.py), with 4 workers and the least number of orders. PortOne
is a stand-in on loopback (portone.py), and the load comes from another process (load.py). The sites
take turns within each round, another one first each time, so a ratio is of neighbours: the ratios
are what counts, the figures themselves depend on the machine. Needs Linux.

Does the shop leak memory? 100,000 completes tell, in the ratio "memory: last round / first": --only
complete --sites shop --rounds 50 --unpaid 2000 --seconds 60 --orders 1000
"""

import argparse
import json
import os
import platform
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
from typing import NamedTuple

import standardwebhooks

from merchant.lookup_limit import STAYS_SLOW_SECONDS

from . import database, load, postgresql, report
from .portone import CHANNEL, SECRET, STORE

ROOT = Path(__file__).parents[2]
WEBHOOK_SECRET = "whsec_" + "YmVuY2htYXJr" * 2
CONNECTIONS = 32  # enough for all workers, whichever of them takes a connection
BUYER_CONNECTIONS = 16  # at a time, each for one request: buyers who complete a payment
BUYERS, SLOW_MS = 64, 2000  # while PortOne is slow
THREADS = 4
PACKAGES = "import flask, requests, flask_sqlalchemy, dotenv, pytest"
BUYER = {"name": "홍길동", "email": "buyer@example.com", "phone": "010-1234-5678"}
NEW_ORDER = {"productId": "waffle-trainer", "payMethod": "CARD", "windowType": "", "buyer": BUYER}
PAID, FORM = b'"status":"PAID"', b'id="order-form"'


class Kind(NamedTuple):
    app: str
    workers: int
    database: str | None


SITES = {
    "shop": Kind("wsgi:app", 2, "sqlite"),
    "sdk": Kind("tests.bench.sdk:app", 2, None),
    "obvious": Kind("tests.bench.obvious:app", 2, "sqlite"),
    "floor": Kind("tests.bench.floor:app", 2, "sqlite"),
    "shop-pg": Kind("wsgi:app", 4, "postgresql"),
    "obvious-pg": Kind("tests.bench.obvious:app", 4, "postgresql"),
}


# The requests of each figure: a function of (order id, payment id), and what every good answer
# contains


def complete(order_id, payment_id):
    return post("/payment/complete", {"orderId": order_id, "paymentId": payment_id})


def redirect(_, payment_id):
    return load.http(
        "GET", f"/payment-redirect?paymentId={payment_id}&transactionType=PAYMENT&txId=tx"
    )


def webhook(_, payment_id):
    data = {"storeId": STORE, "paymentId": payment_id, "transactionId": "tx"}
    body = json.dumps(
        {"type": "Transaction.Paid", "timestamp": "2026-01-01T00:00:00Z", "data": data}
    )
    now = datetime.now(timezone.utc)
    signature = standardwebhooks.Webhook(WEBHOOK_SECRET).sign("msg_1", now, body)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": int(now.timestamp()),
        "webhook-signature": signature,
    }
    return load.http("POST", "/payment/webhook", body.encode(), headers)


def post(path, body):
    return load.http("POST", path, json.dumps(body, ensure_ascii=False).encode())


FIGURES = {  # name: (sites, which orders, request, expected)
    "complete": (SITES, "unpaid", complete, PAID),
    "delayed": (["shop", "sdk", "obvious", "floor"], "unpaid", complete, PAID),
    "latency": (["shop", "sdk", "obvious", "floor"], "unpaid", complete, PAID),
    "repeat": (["shop"], "paid", complete, PAID),
    "webhook": (["shop"], "paid", webhook, b'"received":true'),
    "redirect": (["shop"], "unpaid", redirect, b" 303 "),
    "create": (["shop"], "paid", lambda *_: post("/orders", NEW_ORDER), b" 201 "),
    "page": (["shop"], "paid", lambda *_: load.http("GET", "/"), FORM),
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
    """One site under gunicorn on a free port.

    `orders`: what its database holds, None if it has none.
    """

    def __init__(self, stack, kind, url, orders, log, portone_port):
        self.orders, self.threads = orders, kind.workers * THREADS
        self.environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith("PORTONE_")
            },
            "PORTONE_STORE_ID": STORE,
            "PORTONE_CHANNEL_KEY": CHANNEL,
            "PORTONE_API_SECRET": SECRET,
            "PORTONE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "PORTONE_API_BASE": f"http://127.0.0.1:{portone_port}",
            "DATABASE_URL": url,
        }
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port, fd = listener.getsockname()[1], listener.fileno()
        size = ["--workers", str(kind.workers), "--threads", str(THREADS)]
        command = [sys.executable, "-m", "gunicorn", *size, "--bind", f"fd://{fd}", kind.app]
        log = stack.enter_context(log.open("w"))
        gunicorn = running(command, env=self.environment, stdout=log, stderr=log, pass_fds=[fd])
        self.pid = stack.enter_context(gunicorn).pid
        listener.close()

    def check(self, completed):
        """Are so many orders stored as paid? Raises RuntimeError.

        Without a database there is nothing to check.
        """
        if self.orders and (paid := self.orders.count_paid()) != completed:
            raise RuntimeError(f"{paid} orders are paid, {completed} were completed")

    def reset(self):
        if self.orders:
            self.orders.reset()

    def cpu_ms(self):
        """The processor time that the workers have used so far."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        ticks = 0
        for worker in workers:
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # user and system
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def memory(self, name):
        """The mean over the workers, in MiB. name: VmRSS (resident now) or VmHWM (at its peak)."""
        workers = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sum(memory_of(worker, name) for worker in workers) / len(workers)


def memory_of(pid, name):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def start(code, environment):
    """Run Python code in a new process; returns how long it took there (ms), and the memory at its
    peak (MiB).
    """
    code = (
        f"import time; started = time.perf_counter()\n{code}\nprint((time.perf_counter() - started) * 1000)\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    milliseconds, kibibytes = ran.stdout.split()
    return float(milliseconds), float(kibibytes) / 1024


def control(portone_port, delay_ms):
    """Set PortOne's delay; returns what it was asked since the last time: {"calls": …,
    "connections": […]}.
    """
    with socket.create_connection(("127.0.0.1", portone_port)) as connection:
        answer = load.exchange(connection, load.http("GET", f"/control/{delay_ms}"))
    return json.loads(answer.partition(b"\r\n\r\n")[2])


def commit_ms(file):
    """How long one durable commit to a new file takes here, in ms: the median of 200."""
    times = []
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE counter (n)"
        )
        connection.execute("INSERT INTO counter VALUES (0)")
        for _ in range(200):
            started = time.perf_counter()
            connection.execute("UPDATE counter SET n = n + 1")
            times.append((time.perf_counter() - started) * 1000)
    return median(times)


# What is measured


class Bench:
    """`samples`: {(figure, site, number of orders): [a value per round]}. `sites`: by name and
    number of orders.
    """

    def __init__(self, options, stack, folder):
        self.options, self.stack, self.folder = options, stack, folder
        self.samples, self.completed, self.connections = {}, {}, {}
        self.calls = 0  # of PortOne, for repeats
        self.number = 0  # of the round
        self.machine = {"cpus": len(os.sched_getaffinity(0)), "python": platform.python_version()}
        command = [sys.executable, "-m", "tests.bench.portone"]
        portone = stack.enter_context(running(command, stdout=subprocess.PIPE, text=True))
        self.portone_port = int(portone.stdout.readline())
        self.load = stack.enter_context(ProcessPoolExecutor(1, get_context("spawn")))
        self.sites, self.ids, self.prepared = {}, {}, {}
        self.postgresql, self.left_out = self.start_postgresql()
        for number in options.orders:
            self.prepare(number)
        os.sync()  # else the kernel writes the copies out while commits are timed
        self.commit_ms = commit_ms(folder / "commit.db")

    def start_postgresql(self):
        """(its server or None, {site: why it is left out})"""
        names = [name for name in self.options.sites if SITES[name].database == "postgresql"]
        if not names or "complete" not in self.options.only:
            return None, {}
        if programs := postgresql.programs():
            return postgresql.Server(self.stack, programs), {}
        return None, dict.fromkeys(names, "PostgreSQL's server programs are not installed")

    def prepare(self, number):
        """Make so many orders, and start the sites with copies of them."""
        started = time.perf_counter()
        template = self.folder / f"{number}.db"
        self.modes = database.make(template, number, self.options.unpaid)
        self.ids[number] = database.ids(template, number)
        self.prepared[number] = time.perf_counter() - started
        for name in self.options.sites:
            kind = SITES[name]
            if kind.database == "postgresql" and (
                not self.postgresql or number != min(self.options.orders)
            ):
                continue
            url = self.copy(template, name, kind.database)
            orders = database.Orders(url, self.ids[number]["unpaid"]) if url else None
            log = self.folder / f"{name}-{number}.log"
            self.sites[name, number] = Site(self.stack, kind, url, orders, log, self.portone_port)
        template.unlink()

    def copy(self, template, name, kind):
        """The URL of a site's own copy of the orders; empty for a site without a database."""
        if kind == "sqlite":
            return (
                f"sqlite:///{shutil.copy(template, template.with_stem(f'{name}-{template.stem}'))}"
            )
        return self.postgresql.copy(template, name) if kind else ""

    def run(self):
        for (_, orders), site in self.sites.items():  # connections, compiled statements
            self.ask(site, orders, "unpaid", complete, PAID, min(1, self.options.seconds))
        for number in range(self.options.rounds):
            print(f"round {number + 1} of {self.options.rounds}", file=sys.stderr)
            self.number = number
            for figure in self.options.only:
                self.round(figure)
            for (name, orders), site in self.sites.items():
                self.add("memory", name, orders, site.memory("VmRSS"))
        for (name, orders), site in self.sites.items():
            self.add("peak", name, orders, site.memory("VmHWM"))

    def turns(self, names):
        """The sites of these names, as (name, number of orders, site).

        In each round another one is first.
        """
        names, sizes = (
            turned(list(values), self.number) for values in (names, self.options.orders)
        )
        found = [
            (name, orders, self.sites.get((name, orders))) for name in names for orders in sizes
        ]
        return [turn for turn in found if turn[2]]

    def round(self, figure):
        if figure == "start":
            return self.round_of_starts()
        if figure == "slow":
            return self.round_of_buyers()
        names, which, request, expected = FIGURES[figure]
        one_by_one = figure == "latency"
        all_once = figure in {"complete", "delayed"}
        connections = 1 if one_by_one else BUYER_CONNECTIONS if all_once else CONNECTIONS
        delay = self.options.delay if figure in {"delayed", "latency"} else 0
        control(self.portone_port, delay)
        if one_by_one:
            asking = [load.http("GET", "/payments/any")]
            direct = self.submit(
                load.run, self.portone_port, asking, 1, self.options.seconds, b'"PAID"', True
            )
            self.add("latency", "portone", 0, direct["latency"])
        for name, orders, site in self.turns(names):
            control(self.portone_port, delay)
            cpu = site.cpu_ms()
            result = self.ask(
                site, orders, which, request, expected, self.options.seconds, connections, all_once
            )
            asked = control(self.portone_port, 0)
            if all_once:
                self.add(f"{figure} p99", name, orders, result["p99"])
                self.add(f"{figure} cpu", name, orders, (site.cpu_ms() - cpu) / result["sent"])
            if figure == "repeat":
                self.calls += asked["calls"]
            if figure == "complete":
                if asked["calls"] != result["sent"]:
                    raise RuntimeError(
                        f"{name} asked PortOne {asked['calls']} times for {result['sent']} completes"
                    )
                self.completed[name, orders] = (
                    self.completed.get((name, orders), 0) + result["sent"]
                )
                self.connections.setdefault((name, orders), set()).update(asked["connections"])
            value = result["latency"] - direct["latency"] if one_by_one else result["rate"]
            self.add(figure, name, orders, value)

    def round_of_buyers(self):
        """Pages, without buyers and with many of them while PortOne takes its time."""
        page, seconds = load.http("GET", "/"), self.options.seconds
        for name, orders, site in self.turns(["shop"]):
            requests = [complete(*ids) for ids in self.ids[orders]["unpaid"]]
            idle = self.submit(load.run, site.port, [page], 1, seconds, FORM, True)
            control(self.portone_port, SLOW_MS)
            # Long enough for buyers to be told to wait, and to be back.
            found = self.submit(
                load.crowd, site.port, page, FORM, requests, BUYERS, 4 * seconds, PAID
            )
            control(self.portone_port, 0)
            site.check(found["200"])
            site.reset()
            time.sleep(STAYS_SLOW_SECONDS)  # until then look-ups are bounded
            self.add("page idle", name, orders, idle["latency"])
            self.add("page slow", name, orders, found["page"]["latency"])
            self.add("page worst", name, orders, found["page"]["slowest"])
            self.add("slow 200", name, orders, found["200"])
            self.add("slow 503", name, orders, found["503"])

    def round_of_starts(self):
        milliseconds, mebibytes = start(PACKAGES, os.environ)
        self.add("start", "packages", 0, milliseconds)
        self.add("peak", "packages", 0, mebibytes)
        for name, orders, site in self.turns(["shop"]):
            milliseconds, _ = start("import wsgi", site.environment)
            self.add("start", name, orders, milliseconds)

    def ask(
        self,
        site,
        orders,
        which,
        request,
        expected,
        seconds,
        connections=CONNECTIONS,
        all_once=False,
    ):
        """Measure one site; afterwards it is as it was before.

        all_once: each order once, until all are done.
        """
        requests = [request(*ids) for ids in self.ids[orders][which]]
        again, seconds = which == "paid", 300 if all_once else seconds
        result = self.submit(
            load.run, site.port, requests, connections, seconds, expected, again, all_once
        )
        if which == "unpaid":
            site.check(result["sent"])
        site.reset()
        return result

    def submit(self, function, *arguments):
        return self.load.submit(function, *arguments).result()

    def add(self, figure, site, orders, value):
        self.samples.setdefault((figure, site, orders), []).append(value)


def turned(values, number):
    first = number % len(values)
    return values[first:] + values[:first]


def main():
    names = [*FIGURES, "slow", "start"]
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds",
        type=float,
        default=2,
        help="at most, for each figure of each site in each round",
    )
    parser.add_argument(
        "--orders",
        type=int,
        nargs="+",
        default=[1000, 1_000_000],
        help="paid orders that are stored",
    )
    parser.add_argument(
        "--unpaid", type=int, default=1000, help="orders besides, for first-time completes"
    )
    parser.add_argument(
        "--delay", type=int, default=50, help="PortOne's, in ms, for delayed and latency"
    )
    parser.add_argument(
        "--only", nargs="+", choices=names, default=names, metavar="FIGURE", help=", ".join(names)
    )
    parser.add_argument(
        "--sites", nargs="+", choices=SITES, default=[*SITES], metavar="SITE", help=", ".join(SITES)
    )
    parser.add_argument(
        "--json", type=Path, default=ROOT / "instance" / "bench.json", help="where the results go"
    )
    options = parser.parse_args()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    # Next to the results, since the system's own temporary folder may be in memory, where a commit
    # costs nothing.
    with TemporaryDirectory(dir=options.json.parent) as folder, ExitStack() as stack:
        bench = Bench(options, stack, Path(folder))
        bench.run()
        found = report.results(bench, options)
    options.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print("\n".join(report.table(found)))
    print(f"\nAll of it, round by round: {options.json}")


if __name__ == "__main__":
    main()
