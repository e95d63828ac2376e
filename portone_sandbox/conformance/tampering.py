"""Situations: the browser asks PortOne for another payment than the merchant wanted."""

from ..failures import OTHER_AMOUNT
from .buyer import Buyer
from .findings import Finding, failed, passed, situation, unknown
from .judge import Judge, NotJudged
from .portone import Json, Unusable, new_id

COMPARE = "Compare {} of PortOne's record with what the server stored for this order."


def _tampered(judge: Judge, changes: Json) -> Finding:
    buyer, shown = judge.attempt(changes=changes)
    asked = buyer.requests[-1]
    changed = ", ".join(f"{name} {asked.get(name)!r} became {changes[name]!r}" for name in changes)
    seen = f"{changed}. {judge.evidence(buyer, shown)}"
    if _is_other_amount(buyer):
        return passed(f"PortOne knew the amount before, from the server. {seen}")
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(f"PortOne refused the changed request. {seen}")
    return failed(seen) if shown.state == "paid" else passed(seen)


@situation(
    "amount-changed",
    "A payment of another amount, changed in the page, is not shown as paid",
    COMPARE.format("amount.total"),
)
def amount_changed(judge: Judge) -> Finding:
    total = judge.honest_request()["totalAmount"]
    return _tampered(judge, {"totalAmount": total // 2 if total >= 1000 else total + 1000})


@situation(
    "amount-differs-at-portone",
    "A payment of another amount, changed in the payment window, is not shown as paid",
    COMPARE.format("amount.total"),
)
def amount_differs_at_portone(judge: Judge) -> Finding:
    buyer, shown = judge.attempt("tamper")
    seen = judge.evidence(buyer, shown)
    if _is_other_amount(buyer):
        return passed(f"PortOne knew the amount before, from the server. {seen}")
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(seen)
    return failed(seen) if shown.state == "paid" else passed(seen)


def _is_other_amount(buyer: Buyer) -> bool:
    """Whether PortOne refused an amount other than the one that the server had registered."""
    answers = [*buyer.results, *buyer.thrown]
    return any(each.get("code") == OTHER_AMOUNT["code"] for each in answers)


@situation(
    "currency-changed",
    "A payment in another currency is not shown as paid",
    COMPARE.format("currency"),
)
def currency_changed(judge: Judge) -> Finding:
    """Where the merchant's PG takes one currency only, through a channel that takes the other."""
    request = judge.honest_request()
    currency = request["currency"].replace("CURRENCY_", "")
    changes: Json = {"currency": "KRW" if currency != "KRW" else "USD"}
    finding = _tampered(judge, changes)
    if finding.passed is None:
        return _through_another_channel(judge, changes)
    return finding


@situation(
    "order-name-changed",
    "A payment under another order's name is not shown as paid",
    COMPARE.format("orderName") + " It is what the buyer's statement and your own staff see.",
)
def order_name_changed(judge: Judge) -> Finding:
    return _tampered(judge, {"orderName": "Something else"})


@situation(
    "channel-changed",
    "A payment through another channel of the store is not shown as paid",
    "Compare channel.key, or at least channel.type: a page can name any channel of the store, a "
    "test channel among them, through which no money moves.",
)
def channel_changed(judge: Judge) -> Finding:
    return _through_another_channel(judge, {})


def _through_another_channel(judge: Judge, changes: Json) -> Finding:
    """Through the first one that takes the request."""
    request = {**judge.honest_request(), **changes}
    for channel in judge.portone.channels():
        other = {"channelKey": channel["key"]}
        is_possible = channel["type"] == "TEST" and not channel["manualApproval"]
        if is_possible and channel["key"] != request.get("channelKey"):
            try:
                judge.portone.pay({**request, **other, "paymentId": new_id()}, "approve")
            except Unusable:
                continue
            return _tampered(judge, {**changes, **other})
    raise NotJudged("The sandbox has no other channel that takes this request.")


@situation(
    "account-issued",
    "A virtual account that was issued is not shown as paid",
    "VIRTUAL_ACCOUNT_ISSUED is no payment: wait for the deposit, which a webhook tells.",
)
def account_issued(judge: Judge) -> Finding:
    buyer, shown = judge.attempt("issue", changes=_account())
    seen = judge.evidence(buyer, shown)
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(f"PortOne issued no account. {seen}")
    return failed(seen) if shown.state == "paid" else passed(seen)


@situation(
    "deposit",
    "After the deposit into a virtual account the page shows paid",
    "Settle on the webhook Transaction.Paid, and let the buyer's page show the order's state.",
    needs_webhook=True,
)
def deposit(judge: Judge) -> Finding:
    buyer, shown = judge.attempt("issue", changes=_account())
    if not buyer.results or buyer.results[-1].get("code"):
        return unknown(f"PortOne issued no account. {judge.evidence(buyer, shown)}")
    judge.portone.act(buyer.payment_id, "deposit")
    answer = judge.webhooks.send(buyer.payment_id, buyer.results[-1]["txId"])
    shown = buyer.reload()
    seen = f"The webhook was answered {answer}; then {judge.evidence(buyer, shown)}"
    if shown.state == "paid":
        return passed(seen)
    if not answer.is_success:
        return failed(seen)
    return unknown(f"{seen} The judge chose the method, and there may be no order page.")


def _account() -> Json:
    return {"payMethod": "VIRTUAL_ACCOUNT", "virtualAccount": {"accountExpiry": {"validHours": 24}}}
