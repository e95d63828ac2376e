"""Situations: the same thing twice, and what gets out of the merchant's server."""

import json
import re
from itertools import pairwise
from urllib.parse import urlsplit

from .buyer import Buyer
from .findings import Finding, failed, passed, situation, unknown
from .judge import Judge, NotJudged
from .plan import Plan
from .portone import SECRETS, Json

ONCE = (
    "Settle an order once: change its state only from unpaid to paid, in the transaction that "
    "fulfils it."
)


@situation(
    "completion-repeated", "A completion that is sent again changes nothing on the paid page", ONCE
)
def completion_repeated(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    if shown.state != "paid":
        return unknown(judge.evidence(buyer, shown))
    text = lasting_text(buyer)
    sent = buyer.traffic.completions(buyer.payment_id)
    claims = [each for each in sent if each.method != "GET" or _claims(each.url, buyer.payment_id)]
    answers = [[buyer.send(each) for _ in range(3)] for each in claims]
    buyer.reload()
    text_after = buyer.paid_text()
    cancels = [each for each in judge.calls(buyer.payment_id) if each.path.endswith("/cancel")]
    statuses = [each.status for three in answers for each in three]
    seen = f"{judge.evidence(buyer, shown)} Sent again: answered {statuses}."
    if any(status >= 500 for status in statuses) or cancels:
        return failed(seen)
    for three in answers:
        if _counts_up([each.text for each in three]):
            return failed(f"{seen} The answers count: {', '.join(each.text for each in three)}.")
    if text is None:
        return unknown(f"{seen} The page shows nothing lasting that could change.")
    if text != text_after:
        return failed(f"{seen} The paid page changed: {difference(text, text_after)}.")
    return passed(f"{seen} The paid page stayed as it was.")


def lasting_text(buyer: Buyer) -> str | None:
    """What the paid page shows after a reload. None if that is nothing, or changes by itself."""
    texts = []
    for _ in range(2):
        buyer.reload()
        texts.append(buyer.paid_text())
    return texts[0] if texts[0] and texts[0] == texts[1] else None


def _claims(url: str, payment_id: str) -> bool:
    return payment_id in urlsplit(url).query


def _counts_up(texts: list[str]) -> bool:
    """Whether the texts are alike but for a number that grows by one from each to the next."""
    if len({re.sub("[0-9]+", "0", each) for each in texts}) > 1:
        return False
    columns = zip(*(map(int, re.findall("[0-9]+", each)) for each in texts), strict=True)
    return any(all(after - before == 1 for before, after in pairwise(column)) for column in columns)


def difference(before: str, after: str) -> str:
    """Where two texts begin to differ."""
    pairs = enumerate(zip(before, after, strict=False))
    start = next((i for i, (one, other) in pairs if one != other), min(len(before), len(after)))
    cut = slice(max(0, start - 30), start + 60)
    return f"{before[cut]!r} became {after[cut]!r}"


@situation(
    "double-click",
    "A double click makes one payment",
    "Disable the button while a payment is under way, and open one attempt at a time.",
)
def double_click(judge: Judge) -> Finding:
    judge.portone.set("window", outcome="approve")
    buyer = judge.new_buyer()
    buyer.open()
    buyer.double_click(Plan(judge.base_changes))
    shown = buyer.wait()
    paid = {each["paymentId"] for each in buyer.results if not each.get("code")}
    seen = f"requestPayment: {len(buyer.requests)} calls, which made {len(paid)} payments; {shown}."
    if not buyer.requests:
        return unknown(seen)
    return passed(seen) if len(paid) <= 1 and shown.state == "paid" else failed(seen)


@situation(
    "reload-after-payment",
    "Reload and Back after a payment do not pay again",
    "Open a payment on a click only, never while a page is loaded.",
)
def reload_after_payment(judge: Judge) -> Finding:
    buyer, shown = judge.attempt()
    if shown.state != "paid":
        return unknown(judge.evidence(buyer, shown))
    reloaded = buyer.reload()
    buyer.page.go_back()
    back = buyer.wait()
    count = len(buyer.requests)
    seen = f"After a reload {reloaded}; after Back {back}; requestPayment: {count} calls."
    is_well = count == 1 and "failed" not in (reloaded.state, back.state)
    return passed(seen) if is_well else failed(seen)


@situation(
    "secrets",
    "No secret is in anything that the browser gets",
    "Keep the API secret and the webhook secret on the server, call PortOne's API from there, and "
    "make new secrets in PortOne's console: these are known.",
)
def secrets(judge: Judge) -> Finding:
    """In the answers of three visits: paid, declined, and with the API down."""

    def break_api(result: Json, request: Json) -> None:
        judge.portone.set("outage", fault="500")

    buyers = [judge.attempt(outcome)[0] for outcome in ("approve", "decline")]
    buyers.append(judge.attempt(after=break_api)[0])
    found, count = [], 0
    for buyer in buyers:
        found += [f"the browser itself sent it to {url}" for url in buyer.traffic.secret_use]
        for exchange in buyer.traffic.exchanges:
            count += exchange.answer is not None
            found += [
                f"{name} is in the answer to {exchange}"
                for name, secret in SECRETS.items()
                if _is_in(secret, exchange.answer or "")
            ]
    if not count:
        raise NotJudged("None of the merchant's answers could be read.")
    seen = f"{count} answers read; {'; '.join(sorted(set(found))[:4]) or 'no secret in them'}."
    return failed(seen) if found else passed(seen)


def _is_in(secret: str, text: str) -> bool:
    return secret in text or json.dumps(secret)[1:-1] in text
