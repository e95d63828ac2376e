"""How fast is the sandbox?

    .venv/bin/python -m tests.bench.sandbox

prints how long the fixture takes to start and a payment to be made, and how many payments a second
several processes make: each in a sandbox of its own as under pytest-xdist, all on one SQLite file,
and all through one `portone-sandbox serve`. The figures depend on the machine.
"""

import argparse
import json
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import requests

from portone_sandbox.sandbox import Sandbox
from portone_sandbox.testing import PortOne, Server
from tests.portone_sandbox.client import payment_request

ROOT = Path(__file__).parents[2]
START = """
import time
began = time.perf_counter()
from portone_sandbox.testing import Server
imported = time.perf_counter()
import urllib.request
with Server() as server, server.sandbox() as portone:
    urllib.request.urlopen(portone.url + "/control/channels").read()
    print(imported - began, time.perf_counter() - imported)
"""


def pay_alone(number, count):
    """Gives the seconds of each payment."""
    with Server() as server, server.sandbox() as portone:
        return [pay(portone, f"payment-{number}x{each}") for each in range(count)]


def pay_in_file(number, count, file):
    sandbox = Sandbox(file)
    try:
        portone = PortOne("http://localhost", None, sandbox)
        return [pay(portone, f"payment-{number}x{each}") for each in range(count)]
    finally:
        sandbox.close()


def pay(portone, payment_id):
    began = time.perf_counter()
    portone.pay(payment_request(paymentId=payment_id))
    return time.perf_counter() - began


def pay_over_http(number, count, base):
    seconds = []
    with requests.Session() as session:
        for each in range(count):
            body = {
                "request": payment_request(paymentId=f"payment-{number}x{each}"),
                "outcome": "approve",
            }
            began = time.perf_counter()
            session.post(f"{base}/control/payments", json=body, timeout=60).raise_for_status()
            seconds.append(time.perf_counter() - began)
    return seconds


def together(processes, function, *arguments):
    """Prints the rate of several processes, without the time that they take to start."""
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(time.sleep, [0.5] * processes))  # so that each process is there
        began = time.perf_counter()
        runs = [pool.submit(function, number, *arguments) for number in range(processes)]
        seconds = [each for run in runs for each in run.result()]
        total = time.perf_counter() - began
    print(f"  {len(seconds) / total:7.0f} payments/s, median {median(seconds) * 1000:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--payments", type=int, default=500, help="of each process")
    options = parser.parse_args()
    count, processes = options.payments, options.processes
    run = [sys.executable, "-c", START]
    output = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    imported, started = map(float, output.split())
    print(
        f"fixture: import {imported * 1000:.0f} ms, start to first answer {started * 1000:.0f} ms"
    )
    print(f"portone.pay: median {median(pay_alone(0, count)) * 1000:.2f} ms")
    print(f"{processes} processes, each with its own sandbox:")
    together(processes, pay_alone, count)
    with TemporaryDirectory() as folder:
        print(f"{processes} processes on one SQLite file:")
        together(processes, pay_in_file, count, f"{folder}/sandbox.db")
        print(f"{processes} processes through one portone-sandbox serve, on a file:")
        command = [sys.executable, "-m", "portone_sandbox", "serve", "--port", "0", "--print-json"]
        command += ["--database", f"{folder}/served.db"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        with subprocess.Popen(command, cwd=ROOT, **pipes) as server:
            try:
                base = json.loads(server.stdout.readline())["PORTONE_API_BASE"]
                together(processes, pay_over_http, count, base)
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
