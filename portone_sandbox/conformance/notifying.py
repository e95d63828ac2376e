"""Situations: webhooks, true and forged. The judge signs and sends them itself.

PortOne sends version 2024-04-25: https://developers.portone.io/opi/ko/integration/webhook/readme-v2
"""

import time
from collections.abc import Sequence

from .buyer import Buyer
from .findings import Finding, failed, passed, situation, unknown
from .judge import NEVER, Judge, NotJudged, give, result_of
from .portone import Answer, Call, Json
from .repeating import difference, lasting_text

VERIFY = (
    "Verify webhook-id, webhook-timestamp and webhook-signature over the raw body before anything "
    "else (PortOne's SDKs have `webhook.verify`), and refuse what is older than five minutes."
)
SETTLE = "On each webhook ask PortOne about the payment, settle, then answer 2xx."
ASK_SECONDS = 3  # for a merchant that answers a webhook first and asks afterwards


def _unreturned(judge: Judge) -> tuple[Buyer, Json]:
    """A payment whose buyer has not come back. Returns its record."""
    records: list[Json] = []

    def pay(request: Json) -> Json:
        records.append(judge.pay_elsewhere(request))
        return NEVER

    judge.portone.set("webhooks", order="off")
    buyer, _ = judge.attempt(before=pay, quiet=0.3)
    return buyer, records[0]


def _asked(judge: Judge, payment_id: str, before: int = 0) -> list[Call]:
    end = time.monotonic() + ASK_SECONDS
    while len(calls := judge.calls(payment_id)) <= before and time.monotonic() < end:
        time.sleep(0.1)
    return calls[before:]


def _sent(judge: Judge, record: Json, **how: object) -> Answer:
    return judge.webhooks.send(record["id"], record["transactionId"], **how)  # type: ignore[arg-type]


def _seen(judge: Judge, answers: list[Answer], payment_id: str, calls: list[Call]) -> str:
    asked = _listed(calls) or "nothing"
    return f"Payment {payment_id}: answered {_listed(answers)}; the server asked PortOne {asked}."


def _listed(things: Sequence[object]) -> str:
    return ", ".join(map(str, things))


@situation("webhook-settles", "A webhook is answered 2xx, and PortOne is asked", SETTLE, True)
def webhook_settles(judge: Judge) -> Finding:
    _, record = _unreturned(judge)
    answer = _sent(judge, record)
    calls = _asked(judge, record["id"])
    seen = _seen(judge, [answer], record["id"], calls)
    return passed(seen) if answer.is_success and calls else failed(seen)


@situation(
    "webhook-alone",
    "A buyer who never came back finds the payment paid",
    "Settle on the webhook, and show the stored state when the buyer opens the page again.",
    True,
)
def webhook_alone(judge: Judge) -> Finding:
    buyer, record = _unreturned(judge)
    answer = _sent(judge, record)
    judge.portone.set("outage", fault="500")  # what is shown now was stored before
    shown = buyer.reload()
    seen = f"The webhook was answered {answer}; then, without PortOne, {shown}."
    if shown.state == "paid":
        return passed(seen)
    return failed(seen) if shown.state == "failed" or not answer.is_success else unknown(seen)


@situation("webhook-first", "A webhook before the browser is back does no harm", SETTLE, True)
def webhook_first(judge: Judge) -> Finding:
    answers: list[Answer] = []

    def notify(result: Json, request: Json) -> None:
        answers.append(judge.webhooks.send(request["paymentId"], result["txId"]))

    buyer, shown = judge.attempt(after=notify)
    seen = f"The webhook was answered {_listed(answers)}; {judge.evidence(buyer, shown)}"
    return passed(seen) if shown.state == "paid" and answers[0].is_success else failed(seen)


@situation(
    "webhook-twice-at-once",
    "The same webhook five times at once, and the browser with it, does no harm",
    "Settle in one transaction that changes the payment only if it is still as it was read.",
    True,
)
def webhook_twice_at_once(judge: Judge) -> Finding:
    answers: list[Answer] = []

    def notify(result: Json, request: Json) -> None:
        answers.extend(judge.webhooks.send_at_once(request["paymentId"], result["txId"], 5))

    buyer, shown = judge.attempt(after=notify)
    cancels = [each for each in judge.calls(buyer.payment_id) if each.path.endswith("/cancel")]
    seen = f"Answered {_listed(answers)}; {judge.evidence(buyer, shown)}"
    is_well = all(each.is_success for each in answers) and shown.state == "paid" and not cancels
    return passed(seen) if is_well else failed(seen)


@situation(
    "webhook-repeated",
    "A webhook that comes again changes nothing and is answered 2xx",
    SETTLE,
    True,
)
def webhook_repeated(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    if not buyer.results:
        raise NotJudged("The payment window gave no result.")
    send, id = judge.webhooks.send, f"repeated-{buyer.payment_id}"
    text = lasting_text(buyer)
    answers = [send(buyer.payment_id, buyer.results[-1]["txId"], id=id) for _ in range(3)]
    buyer.reload()
    text_after = buyer.paid_text()
    seen = f"Answered {_listed(answers)}. {judge.evidence(buyer, shown)}"
    if text is not None and text != text_after:
        return failed(f"{seen} The page changed: {difference(text, text_after)}.")
    return passed(seen) if all(each.is_success for each in answers) else failed(seen)


@situation("webhook-unsigned", "A webhook without a signature is refused", VERIFY, True)
def webhook_unsigned(judge: Judge) -> Finding:
    return _refused(judge, signature=None)


@situation("webhook-wrong-signature", "A webhook with a wrong signature is refused", VERIFY, True)
def webhook_wrong_signature(judge: Judge) -> Finding:
    return _refused(judge, signature="wrong")


@situation("webhook-body-changed", "A webhook changed after it was signed is refused", VERIFY, True)
def webhook_body_changed(judge: Judge) -> Finding:
    return _refused(judge, signature="of another body")


@situation("webhook-old", "A webhook that was signed an hour ago is refused", VERIFY, True)
def webhook_old(judge: Judge) -> Finding:
    return _refused(judge, age=3600)


def _refused(judge: Judge, **how: object) -> Finding:
    """About a payment that is paid, so that a merchant who takes it has something to do."""
    buyer, record = _unreturned(judge)
    answer = _sent(judge, record, **how)
    calls = [] if not answer.is_success else _asked(judge, record["id"])
    seen = _seen(judge, [answer], record["id"], calls)
    if answer.status is None or answer.status >= 500:
        return failed(f"{seen} A fault of the server is no refusal: PortOne would send it again.")
    if not answer.is_success:
        return passed(seen)
    judge.portone.set("outage", fault="500")  # what is shown now was stored before
    if calls or buyer.reload().state == "paid":
        return failed(f"{seen} It was acted on.")
    return unknown(f"{seen} It was accepted, and can have been ignored.")


@situation(
    "webhook-claims-paid",
    "A signed webhook that calls an unpaid payment paid is not believed",
    "Take only the paymentId from a webhook, and ask PortOne for the rest.",
    True,
)
def webhook_claims_paid(judge: Judge) -> Finding:
    buyer = judge.new_buyer()
    buyer.open()
    answers: list[Answer] = []
    calls: list[Call] = []

    def claim(result: Json, request: Json) -> Json:
        answers.append(judge.webhooks.send(request["paymentId"], result["txId"]))
        calls.extend(_asked(judge, request["paymentId"]))
        return give(result_of(request, result["txId"]))

    judge.attempt("decline", after=claim, buyer=buyer)
    shown = buyer.shown() if buyer.shown().state == "paid" else buyer.reload()
    seen = f"The webhook was answered {_listed(answers)}; {judge.evidence(buyer, shown)}"
    if shown.state == "paid":
        return failed(seen)
    if not answers or (answers[0].is_success and not calls):
        return unknown(f"{seen} It was accepted without asking; whether it was believed is open.")
    return passed(seen)


@situation(
    "webhook-during-outage",
    "A webhook is not answered 2xx while PortOne can't be asked",
    "Answer 5xx when the payment could not be settled: PortOne then sends the webhook again.",
    True,
)
def webhook_during_outage(judge: Judge) -> Finding:
    _, record = _unreturned(judge)
    judge.portone.set("outage", fault="500")
    answer = _sent(judge, record)
    before = len(judge.calls(record["id"]))
    judge.portone.restore()
    if not answer.is_success:
        return passed(_seen(judge, [answer], record["id"], judge.calls(record["id"])))
    later = _asked(judge, record["id"], before)
    seen = _seen(judge, [answer], record["id"], judge.calls(record["id"]))
    return passed(f"{seen} It asked again by itself.") if later else failed(seen)


@situation(
    "webhook-unknown",
    "Webhooks of a type or a payment that the merchant does not know are no fault of its server",
    "PortOne adds types without notice: answer 2xx, or 4xx, to what is not yours, never 5xx.",
    True,
)
def webhook_unknown(judge: Judge) -> Finding:
    _, record = _unreturned(judge)
    answers = [
        _sent(judge, record, type="Transaction.SomethingNew"),
        judge.webhooks.send("NoSuchPayment", "NoSuchTransaction"),
    ]
    seen = f"Unknown type, unknown payment: answered {_listed(answers)}."
    is_well = all(each.status is not None and each.status < 500 for each in answers)
    return passed(seen) if is_well else failed(seen)
