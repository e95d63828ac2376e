"""Situations: a payment that ends as it should, and one that does not."""

import re

from .findings import Finding, failed, passed, situation, unknown
from .judge import Judge, NotJudged, give
from .portone import Json

ASK = (
    "Before anything is called paid, let the server ask GET /payments/{paymentId} with its "
    "API secret."
)
REDIRECT: Json = {"windowType": {"mobile": "REDIRECTION"}}
NO_REDIRECT = "The request has no redirectUrl, which most PGs need on a phone."


@situation(
    "honest-paid",
    "An honest payment is shown as paid",
    "Nothing else is judged until this works: look at the requests and at the server's log.",
)
def honest_paid(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    seen = judge.evidence(buyer, shown)
    judge.is_honest_paid = shown.state == "paid"
    return passed(seen) if judge.is_honest_paid else failed(seen)


@situation(
    "webhook-lost",
    "Without any webhook the browser's return is enough",
    "Settle when the browser comes back, too: a webhook can be late or lost.",
)
def webhook_lost(judge: Judge) -> Finding:
    """From here on the sandbox sends none, unless the merchant needs them."""
    judge.portone.set("webhooks", order="off")
    buyer, shown = judge.attempt()
    seen = judge.evidence(buyer, shown)
    if shown.state != "paid":
        return failed(seen)
    judge.webhook_order = "off"
    return passed(seen)


@situation("asked-before-paid", "The server asked PortOne before the page said paid", ASK)
def asked_before_paid(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    seen = judge.evidence(buyer, shown)
    if shown.state != "paid":
        return unknown(seen)
    calls = judge.calls(buyer.payment_id)
    asked = [each for each in calls if each.method == "GET" or each.path.endswith("/confirm")]
    return passed(seen) if any(each.status == 200 for each in asked) else failed(seen)


@situation(
    "right-credentials",
    "The server's calls have the right API secret and store",
    "Send `Authorization: PortOne <API secret>`, and `storeId` where one is sent.",
)
def right_credentials(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    calls, seen = judge.calls(buyer.payment_id), judge.evidence(buyer, shown)
    if not calls:
        return unknown(seen)
    return failed(seen) if any(each.status in (401, 403) for each in calls) else passed(seen)


@situation("declined", "A declined payment is not shown as paid", ASK)
def declined(judge: Judge) -> Finding:
    return _not_paid(judge, "decline")


@situation("window-closed", "A closed payment window is not shown as paid", ASK)
def window_closed(judge: Judge) -> Finding:
    return _not_paid(judge, "cancel")


@situation(
    "pending",
    "A payment that the PG decides later is not shown as paid",
    "Call a payment paid only if PortOne's status is PAID; PAY_PENDING is to be waited for.",
)
def pending(judge: Judge) -> Finding:
    return _not_paid(judge, "pend")


def _not_paid(judge: Judge, outcome: str) -> Finding:
    buyer, shown = judge.attempt(outcome)
    seen = judge.evidence(buyer, shown)
    if not buyer.results:
        return unknown(seen)
    return failed(seen) if shown.state == "paid" else passed(seen)


@situation(
    "discount",
    "A payment that the PG gives a discount on is shown as paid",
    "Compare your price with `amount.total`; `amount.paid` is less after a PG's discount.",
)
def discount(judge: Judge) -> Finding:
    buyer, shown = judge.attempt("discount")
    seen = judge.evidence(buyer, shown)
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(seen)
    return passed(seen) if shown.state == "paid" else failed(seen)


@situation(
    "cancelled-meanwhile",
    "A payment that was cancelled before the browser came back is not shown as paid",
    "Look at the status that PortOne gives, not only at whether it knows the payment.",
)
def cancelled_meanwhile(judge: Judge) -> Finding:
    def cancel(result: Json, request: Json) -> None:
        judge.portone.act(request["paymentId"], "cancel")

    buyer, shown = judge.attempt(after=cancel)
    seen = judge.evidence(buyer, shown)
    if not buyer.results:
        return unknown(seen)
    return failed(seen) if shown.state == "paid" else passed(seen)


@situation(
    "redirect-paid",
    "A payment by redirect, on a phone, is shown as paid",
    "Set redirectUrl, and settle there as after requestPayment: its query has the paymentId.",
)
def redirect_paid(judge: Judge) -> Finding:
    buyer = judge.new_buyer(on_phone=True)
    buyer.open()
    _, shown = judge.attempt(changes=REDIRECT, buyer=buyer)
    seen = judge.evidence(buyer, shown)
    if not buyer.requests[-1].get("redirectUrl"):
        return unknown(f"{NO_REDIRECT} {seen}")
    if buyer.thrown:
        return unknown(f"PortOne refused the redirect. {seen}")
    return passed(seen) if shown.state == "paid" else failed(seen)


@situation(
    "approved-but-sdk-failed",
    "A payment that PortOne approved is not called failed because the browser says so",
    "Let the server ask PortOne also when requestPayment answers with a code: the connection may "
    "have broken after the approval.",
)
def approved_but_sdk_failed(judge: Judge) -> Finding:
    def lose(result: Json, request: Json) -> Json:
        return give({**result, "code": "UnknownError", "message": "The window was closed."})

    buyer, shown = judge.attempt(after=lose)
    seen = judge.evidence(buyer, shown)
    if not buyer.results:
        return unknown(seen)
    if shown.state == "neither" and not judge.shop.failed:
        return unknown(f"{seen} Without --failed it can't be told whether that means failed.")
    return failed(seen) if shown.state == "failed" else passed(seen)


@situation(
    "retry",
    "After a declined payment the buyer can pay, under another paymentId",
    "Make a new paymentId for each attempt, and leave a way to try again.",
)
def retry(judge: Judge) -> Finding:
    buyer, _ = judge.attempt("decline")
    first = buyer.payment_id
    if not buyer.can_pay():
        buyer.open()
    if not buyer.can_pay():
        raise NotJudged("No button to pay again; --pay may name it besides: '#pay, #retry'.")
    buyer, shown = judge.attempt(buyer=buyer)
    seen = f"First {first}, declined; then: {judge.evidence(buyer, shown)}"
    is_new = buyer.payment_id != first
    return passed(seen) if shown.state == "paid" and is_new else failed(seen)


@situation(
    "payment-ids",
    "Each attempt has a paymentId of its own that nobody can guess",
    "Make it on the server, from a random number of at least 64 bits.",
)
def payment_ids(judge: Judge) -> Finding:
    ids: list[str] = []
    buyer = None
    for _ in range(4):
        buyer, _ = judge.attempt("cancel", before=lambda request: {"action": "never"})
        ids.append(buyer.payment_id)
    seen = f"Four buyers' attempts: {', '.join(ids)}."
    if len(set(ids)) < len(ids) or not all(ids):
        return failed(f"{seen} They are not all different.")
    parts = _varying(ids)
    if max(map(len, parts)) < 8:
        return failed(f"{seen} They differ in {', '.join(parts)} only.")
    if all(re.fullmatch("[0-9]+", each) for each in parts):
        numbers = sorted(map(int, parts))
        if numbers == list(map(int, parts)) and numbers[-1] - numbers[0] < 10**8:
            return failed(f"{seen} They only count up, as a counter or a clock does.")
    return passed(seen)


def _varying(ids: list[str]) -> list[str]:
    """The ids without what all of them begin and end with."""
    shortest = min(map(len, ids))
    start = next((i for i in range(shortest) if len({each[i] for each in ids}) > 1), shortest)
    rest = [each[start:] for each in ids]
    shortest = min(map(len, rest))
    end = next((i for i in range(shortest) if len({each[-1 - i] for each in rest}) > 1), shortest)
    return [each[: len(each) - end] for each in rest]
