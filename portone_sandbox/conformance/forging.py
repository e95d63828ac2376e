"""Situations: a browser that claims a payment which is none, or is another one's.

A claim reuses the requests that the merchant's own page sends: the judge knows no routes.
"""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .buyer import Buyer
from .findings import Finding, failed, passed, situation, unknown
from .judge import NEVER, Judge, NotJudged, give, result_of
from .paying import ASK, NO_REDIRECT
from .portone import Json, new_id
from .traffic import Exchange

BIND = (
    "Make the paymentId on the server, store it with the order, and refuse every paymentId that "
    "is not of this very order."
)


@situation("forged-completion", "A completion without any payment is not believed", ASK)
def forged_completion(judge: Judge) -> Finding:
    buyer, shown = judge.attempt(before=lambda request: give(result_of(request)))
    return judge.not_paid(buyer, shown, judge.evidence(buyer, shown))


@situation("forged-after-decline", "A declined payment that the browser calls paid is not", ASK)
def forged_after_decline(judge: Judge) -> Finding:
    buyer, shown = judge.attempt(
        "decline", after=lambda result, request: give(result_of(request, result["txId"]))
    )
    return judge.not_paid(buyer, shown, judge.evidence(buyer, shown))


@situation("foreign-payment", "A paid payment that the merchant never made is not accepted", BIND)
def foreign_payment(judge: Judge) -> Finding:
    """The same terms, under an id of the judge's own."""

    def pay_under_another_id(request: Json) -> Json:
        other = {**request, **judge.base_changes, "paymentId": new_id()}
        record = judge.portone.pay(other, "approve")
        if record.get("status") != "PAID":
            raise NotJudged("The sandbox could not make a payment under another id.")
        ids.append(other["paymentId"])
        buyer.traffic.swap(request["paymentId"], other["paymentId"])
        return give(result_of(other, record["transactionId"]))

    ids: list[str] = []
    buyer = judge.new_buyer()
    buyer.open()
    _, shown = judge.attempt(before=pay_under_another_id, buyer=buyer)
    seen = f"In place of {buyer.payment_id}: {judge.evidence(buyer, shown, ids[0])}"
    return judge.not_paid(buyer, shown, seen)


@situation(
    "another-orders-payment", "A paid payment of another order does not pay for this one", BIND
)
def another_orders_payment(judge: Judge) -> Finding:
    first, its_page = judge.attempt()
    if its_page.state != "paid":
        return unknown(judge.evidence(first, its_page))
    paid_id, tx_id = first.payment_id, first.results[-1]["txId"] if first.results else ""

    def claim(request: Json) -> Json:
        buyer.traffic.swap(request["paymentId"], paid_id)
        return give({**result_of(request, tx_id), "paymentId": paid_id})

    buyer = judge.new_buyer()
    buyer.open()
    _, shown = judge.attempt(before=claim, buyer=buyer)
    traffic = buyer.traffic
    sent = traffic.completions(paid_id) + traffic.completions(buyer.payment_id)
    seen = f"{paid_id} in place of {buyer.payment_id}: {judge.evidence(buyer, shown, paid_id)}"
    if shown.state != "paid":
        return judge.not_paid(buyer, shown, seen)
    names = _identifiers(first.traffic.completions(paid_id), sent, {paid_id, buyer.payment_id})
    if names:
        return failed(f"{seen} The request named this order besides ({', '.join(names)}).")
    if shown.url == its_page.url != judge.shop.url:
        return passed(f"{seen} This is the other order's own page.")
    if paid_id in buyer.page.content():
        return unknown(f"{seen} The page names the payment: it may be the other order's.")
    return failed(f"{seen} Nothing on the page is about the other order.")


@situation("redirect-forged", "A redirect's address pays nothing by itself", ASK)
def redirect_forged(judge: Judge) -> Finding:
    buyer, _ = judge.attempt(before=lambda request: NEVER)
    shown = buyer.go(_return_address(buyer, {}))
    seen = judge.evidence(buyer, shown)
    return failed(seen) if shown.state == "paid" else passed(seen)


@situation(
    "redirect-claims-failure",
    "A redirect's address that claims failure does not fail a payment that is paid",
    "Let the server ask PortOne on every return, whatever code the address has.",
)
def redirect_claims_failure(judge: Judge) -> Finding:
    def pay(request: Json) -> Json:
        judge.pay_elsewhere(request)
        return NEVER

    buyer, _ = judge.attempt(before=pay)
    code = {
        "code": "FAILURE_TYPE_PG",
        "message": "declined",
        "pgCode": "X",
        "pgMessage": "declined",
    }
    shown = buyer.go(_return_address(buyer, code))
    seen = judge.evidence(buyer, shown)
    if shown.state == "neither" and not judge.shop.failed:
        return unknown(f"{seen} Without --failed it can't be told whether that means failed.")
    return failed(seen) if shown.state == "failed" else passed(seen)


def _return_address(buyer: Buyer, code: Json) -> str:
    request = buyer.requests[-1]
    if not request.get("redirectUrl"):
        raise NotJudged(NO_REDIRECT)
    parts = urlsplit(request["redirectUrl"])
    query = parse_qsl(parts.query, keep_blank_values=True)
    result = {**result_of(request), **code, "payment_id": request["paymentId"]}
    return urlunsplit(parts._replace(query=urlencode([*query, *result.items()])))


def _identifiers(honest: list[Exchange], claimed: list[Exchange], ids: set[str]) -> list[str]:
    """Names of the fields, besides the paymentId, that differ between two buyers' requests."""
    names = set()
    for one in honest:
        for other in claimed:
            if (one.method, _path(one)) == (other.method, _path(other)):
                before, after = _fields(one), _fields(other)
                common = [name for name in before if name in after and after[name] not in ids]
                names |= {name for name in common if before[name] != after[name]}
    return sorted(names - {"txId"})


def _path(exchange: Exchange) -> str:
    return urlsplit(exchange.url).path


def _fields(exchange: Exchange) -> dict[str, str]:
    fields: dict[str, Any] = dict(parse_qsl(urlsplit(exchange.url).query))
    body = exchange.body or ""
    try:
        document = json.loads(body)
    except ValueError:
        document = dict(parse_qsl(body))
    if isinstance(document, dict):
        fields |= document
    return {name: str(value) for name, value in fields.items()}
