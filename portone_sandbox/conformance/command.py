"""`portone-sandbox conformance`: the arguments, the sandbox, and one check after another."""

import argparse
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack

import requests

from . import browser, report
from .buyer import Buyer
from .findings import Finding, Result, Situation, unknown
from .judge import Judge
from .own_sandbox import running_sandbox
from .plan import Shop
from .portone import PortOne, Unusable
from .situations import load

EXIT_FAILED, EXIT_WRONG_USE = 1, 2
START_SECONDS = 300  # for the merchant to be started with the settings that were printed
HONEST = "honest-paid"
DEPENDENT = "An honest payment is not shown as paid, so nothing else can be told apart."


def main(argv: Sequence[str]) -> int:
    """Exit status: 1 if a check failed, 2 for wrong use or no usable page, else 0."""
    try:
        options = _parser().parse_args(argv)
    except SystemExit as error:
        return EXIT_WRONG_USE if error.code else 0
    try:
        results = _judge(options)
    except (browser.Missing, Unusable, requests.RequestException) as error:
        print(f"portone-sandbox conformance: {error}", file=sys.stderr)
        return EXIT_WRONG_USE
    print(report.summary(results))
    if options.json:
        report.save(results, options.json)
    return EXIT_FAILED if any(each.finding.passed is False for each in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="portone-sandbox conformance",
        description="Drive a merchant's page through situations in which integrations go wrong.",
    )
    add = parser.add_argument
    add("url", metavar="URL", help="the merchant's page with the button to pay")
    add("--pay", required=True, metavar="SELECTOR", help="the button to pay")
    add("--paid", required=True, metavar="SELECTOR", help="what is shown only for a paid order")
    add("--failed", metavar="SELECTOR", help="what is shown only for a failed payment")
    add("--webhook", metavar="URL", help="where the merchant takes PortOne's webhooks")
    add("--sandbox", metavar="BASE", help="a running sandbox that the merchant uses already")
    add("--json", metavar="FILE", help="write the report there, too")
    add(
        "--patience",
        type=float,
        default=Shop._field_defaults["patience"],
        metavar="SECONDS",
        help="a page without a request for so long is done (default: %(default)s)",
    )
    add("--only", metavar="NAME", action="append", help="this check only; may be repeated")
    return parser


def _judge(options: argparse.Namespace) -> list[Result]:
    situations = load()
    names = [each.name for each in situations]
    for name in options.only or []:
        if name not in names:
            raise Unusable(f"--only: there is no check {name}. They are: {', '.join(names)}.")
    shop = Shop(options.url, options.pay, options.paid, options.failed, options.patience)
    with ExitStack() as stack:
        started = stack.enter_context(browser.chromium())
        base = options.sandbox or stack.enter_context(running_sandbox(options.webhook))
        portone = PortOne(base)
        _wait_for_merchant(shop.url, START_SECONDS if not options.sandbox else 10)
        judge = Judge(started, shop, portone, options.webhook)
        stack.callback(portone.set, "webhooks", order=None)
        stack.callback(portone.restore)
        portone.restore()
        _prepare(judge)
        return [
            _run(judge, each)
            for each in situations
            if not options.only or each.name in (*options.only, HONEST)
        ]


def _run(judge: Judge, situation: Situation) -> Result:
    finding: Finding
    if situation.name != HONEST and not judge.is_honest_paid:
        finding = unknown(DEPENDENT)
    else:
        finding = judge.run(situation)
    result = Result(situation, finding)
    print(report.line(result), flush=True)
    return result


def _prepare(judge: Judge) -> None:
    """Unusable if the page is not as the arguments say. An honest payment is made one by card."""
    buyer = judge.new_buyer()
    try:
        _check_page(buyer, judge.shop)
        request = judge.honest_request()
    finally:
        judge.close_buyers()
    if request.get("payMethod") != "CARD":
        print(f"The page asks for {request.get('payMethod')}; the judge pays by CARD instead.")
        judge.base_changes = {"payMethod": "CARD", "virtualAccount": None}


def _check_page(buyer: Buyer, shop: Shop) -> None:
    buyer.open()
    if not buyer.can_pay():
        raise Unusable(f"{shop.url} shows nothing that --pay {shop.pay!r} selects.")
    state = buyer.shown().state
    if state != "neither":
        raise Unusable(f"--{state} selects something before anything was paid: choose another.")


def _wait_for_merchant(url: str, seconds: float) -> None:
    """Until the address answers anything."""
    end = time.monotonic() + seconds
    while True:
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.get(url, timeout=10, verify=False)
                return
        except requests.RequestException as error:
            if time.monotonic() > end:
                raise Unusable(f"{url} does not answer: {type(error).__name__}.") from None
            time.sleep(0.5)
