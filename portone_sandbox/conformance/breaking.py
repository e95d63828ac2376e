"""Situations: PortOne's API does not answer while the browser comes back."""

import time

from .buyer import Buyer
from .findings import Finding, failed, passed, situation, unknown
from .judge import NOT_CALLED, Judge, NotJudged
from .plan import Plan, Shown
from .portone import Json

NOT_KNOWN = (
    "If PortOne can't be asked, nothing is known: show neither paid nor failed, say that the "
    "payment is being confirmed, and ask again (page, webhook, or a job)."
)
RECOVER = "Ask again when PortOne answers: from the page, on the webhook, and from a job."
RETRY_FACTOR = 4  # a page that asks again makes pauses: so much more patience is needed


def _broken(judge: Judge, fault: str, calls: int | None = None) -> tuple[Buyer, Shown]:
    """A payment is approved, and from then on the API has the fault."""

    def break_api(result: Json, request: Json) -> None:
        judge.portone.set("outage", fault=fault, calls=calls)

    buyer, shown = judge.attempt(after=break_api, quiet=judge.shop.patience * RETRY_FACTOR)
    if not buyer.results:
        raise NotJudged("The payment window gave no result.")
    return buyer, shown


def _says_nothing(judge: Judge, fault: str) -> Finding:
    buyer, shown = _broken(judge, fault)
    seen = judge.evidence(buyer, shown)
    if shown.state == "neither" and not judge.shop.failed:
        return unknown(f"{seen} Without --failed it can't be told whether that means failed.")
    return passed(seen) if shown.state == "neither" else failed(seen)


@situation("api-error", "While PortOne answers 500, the page says nothing final", NOT_KNOWN)
def api_error(judge: Judge) -> Finding:
    return _says_nothing(judge, "500")


@situation(
    "api-drops",
    "While PortOne's connections break, the page says nothing final",
    NOT_KNOWN,
)
def api_drops(judge: Judge) -> Finding:
    return _says_nothing(judge, "drop")


@situation(
    "api-garbled",
    "While PortOne's answers are cut, the page says nothing final",
    NOT_KNOWN,
)
def api_garbled(judge: Judge) -> Finding:
    return _says_nothing(judge, "garbled")


@situation(
    "api-hangs",
    "While a call of PortOne hangs, the merchant still serves its page to others",
    "Give calls of PortOne a timeout, hold no lock or connection meanwhile, and serve several "
    "requests at once.",
)
def api_hangs(judge: Judge) -> Finding:
    other = judge.new_buyer()

    def hang(result: Json, request: Json) -> None:
        judge.portone.set("outage", fault="hang", calls=1)

    buyer = judge.new_buyer()
    buyer.open()
    judge.portone.set("window", outcome="approve")
    if not buyer.pay(Plan(judge.base_changes, after=hang)):
        raise NotJudged(NOT_CALLED)
    if not buyer.wait_for(buyer.is_asking, 15):
        raise NotJudged("The page did not ask its server after the payment.")
    began = time.monotonic()
    other.open()
    seconds = time.monotonic() - began
    seen = (
        f"While the server waited for PortOne about {buyer.payment_id}, the page "
        f"{'came' if other.can_pay() else 'did not come'} after {seconds:.1f} s."
    )
    return passed(seen) if other.can_pay() and seconds < 8 else failed(seen)


@situation(
    "api-slow",
    "An answer of PortOne that takes five seconds is waited for",
    "Give calls of PortOne a timeout of at least ten seconds, or ask again.",
)
def api_slow(judge: Judge) -> Finding:
    buyer, shown = _broken(judge, "slow", calls=1)
    seen = judge.evidence(buyer, shown)
    return passed(seen) if shown.state == "paid" else failed(seen)


@situation(
    "api-recovers",
    "After an outage the payment is shown as paid",
    RECOVER,
)
def api_recovers(judge: Judge) -> Finding:
    buyer, shown = _broken(judge, "500", calls=1)
    judge.portone.restore()
    way = "by itself"
    if shown.state != "paid" and judge.webhook_url:
        answer = judge.webhooks.send(buyer.payment_id, buyer.results[-1]["txId"])
        way = f"after a webhook (answered {answer}) and a reload"
        shown = buyer.reload()
    elif shown.state != "paid":
        way = "after a reload"
        shown = buyer.reload()
    seen = f"The first call failed; then {way}: {judge.evidence(buyer, shown)}"
    if shown.state == "paid":
        return passed(seen)
    if shown.state == "failed":
        return failed(seen)
    return unknown(f"{seen} The page may have no place that shows the order's state.")


@situation(
    "api-lags",
    "A payment that PortOne still shows as READY for three seconds is not called failed",
    "Treat READY like an outage: not paid yet, and to be asked about again.",
)
def api_lags(judge: Judge) -> Finding:
    buyer, shown = judge.attempt("slow")
    seen = judge.evidence(buyer, shown)
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(seen)
    if shown.state == "neither" and not judge.shop.failed:
        return unknown(f"{seen} Without --failed it can't be told whether that means failed.")
    return failed(seen) if shown.state == "failed" else passed(seen)
