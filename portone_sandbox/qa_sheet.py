"""The QA run sheet: per payment what was clicked, expected and seen, as Markdown.

It is filled from the records, the windows and the journal. What only a person can see on the
shop's page stays empty. It has no personal data of a buyer.
"""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from . import clock, journal
from .database import Database
from .documents import Checkout, Json, Payment
from .errors import Refused
from .language import money, translate
from .names import korean_time, method_name, outcome_name, pg_name
from .search import search
from .shop_links import shop_link
from .virtual_accounts import awaits_deposit

MAX_PAYMENTS = 200
MAX_CALLS = 30  # of one payment
FAULT_CHARACTERS = 40
FROM_THE_BEGINNING = "2000-01-01T00:00:00Z"

COLUMNS = (
    "Time",
    "Order name",
    "Clicked",
    "Expected of the shop",
    "Status at PortOne",
    "Seen on the page",
    "OK?",
)
# What the shop must show of a record with this status. The key is a status, or one of `_result`.
EXPECTED = {
    "READY": "Not paid yet; the buyer can try again later.",
    "PAY_PENDING": "Waiting for the PG: neither paid nor failed.",
    "VIRTUAL_ACCOUNT_ISSUED": "Waiting for the deposit: bank, account number, amount, deadline.",
    "EXPIRED": "The deposit deadline has passed: no deposit any more, another try.",
    "PAID": "Paid, once: product, amount, order number. No other try.",
    "FAILED": "Not paid: the reason, and another try.",
    "LEFT": "Stopped by the buyer, nothing charged: another try.",
    "CANCELLED": "The whole amount is refunded.",
    "PARTIAL_CANCELLED": "Partly refunded: the refunded amount and the rest.",
    "TAMPERED": "Not accepted: the payment differs from the order. Nothing is shipped.",
    "GIVEN_BACK": "Not paid: what differed from the order was refunded.",
}


def sheet(db: Database, payment_id: str | None = None) -> str:
    """The sheet in the page's language, oldest payment first: the newest MAX_PAYMENTS, or one.

    Refused when there is no such payment.
    """
    payments = _payments(db, payment_id)
    attempts = {each["id"]: db.list_checkouts(each["id"]) for each in payments}
    lines = [f"# {translate('QA run sheet')}", ""]
    lines += [
        f"{translate('Exported at')} {korean_time(clock.now())} (KST) ·"
        f" {translate('Payments')} {len(payments)}",
        "",
        translate("Fill in by hand what the shop's page showed, and whether it is right."),
        "",
    ]
    rows = [_row(number, each, attempts[each["id"]]) for number, each in enumerate(payments, 1)]
    lines += _table(["#", *map(translate, COLUMNS)], rows)
    for number, each in enumerate(payments, 1):
        lines += ["", f"## {number}. {_safe(each['orderName'])}", ""]
        items = list(_items(db, each, attempts[each["id"]]))
        lines += _table([translate("Item"), translate("Value")], items)
    return "\n".join([*lines, ""])


def _payments(db: Database, payment_id: str | None) -> list[Payment]:
    if payment_id is not None:
        record = db.find_payment(payment_id)
        if record is None:
            raise Refused("PAYMENT_NOT_FOUND")
        return [record]
    body: Json = {
        "filter": {"from": FROM_THE_BEGINNING, "timestampType": "CREATED_AT"},
        "page": {"number": 0, "size": MAX_PAYMENTS},
    }
    return search(db, body)[0][::-1]


def _row(number: int, record: Payment, attempts: Sequence[Checkout]) -> list[str]:
    clicked = " → ".join(_clicked(each) for each in attempts)
    return [
        str(number),
        korean_time(record["requestedAt"]),
        _safe(record["orderName"]),
        clicked,
        translate(EXPECTED[_result(record, attempts)]),
        f"`{record['status']}`",
        "",
        "",
    ]


def _items(db: Database, record: Payment, attempts: Sequence[Checkout]) -> Iterable[Sequence[str]]:
    """What one payment's table has: pairs of a name and a value."""
    entries = journal.entries(db, record["id"])
    yield translate("Payment ID"), _code(record["id"])
    yield translate("Order number"), _order_number(attempts)
    yield translate("Order in the shop"), _link(shop_link(record, attempts))
    yield translate("Amount"), _safe(money(record["amount"]["total"], record["currency"]))
    yield translate("Time"), f"{korean_time(record['requestedAt'])} (KST)"
    for number, attempt in enumerate(attempts, 1):
        yield f"{translate('Attempt')} {number}", _attempt(record, attempt)
    yield translate("Expected of the shop"), translate(EXPECTED[_result(record, attempts)])
    changed = korean_time(record["statusChangedAt"])
    yield translate("Status at PortOne"), f"`{record['status']}` ({changed}){_failure(record)}"
    yield translate("Webhooks"), _calls(entries, "WEBHOOK")
    yield translate("Calls of the REST API"), _calls(entries, "API")
    yield translate("Seen on the page"), ""
    yield translate("OK?"), ""


def _result(record: Payment, attempts: Sequence[Checkout]) -> str:
    """A key of EXPECTED."""
    ended = [each for each in attempts if each["outcome"]]
    outcome = str(ended[-1]["outcome"]) if ended else ""
    status = record["status"]
    if outcome.startswith("tamper") and status not in ("READY", "FAILED"):
        return "GIVEN_BACK" if status == "CANCELLED" else "TAMPERED"
    if status == "FAILED" and outcome == "cancel":
        return "LEFT"
    if status == "VIRTUAL_ACCOUNT_ISSUED" and not awaits_deposit(record):
        return "EXPIRED"
    return status


def _clicked(attempt: Checkout) -> str:
    outcome = attempt["outcome"]
    if outcome is None:
        return translate("open")
    code = attempt["result"].get("pgCode") if attempt["result"] else None
    more = f", {_code(code)}" if code and outcome == "decline" else ""
    return f"{outcome_name(outcome)} ({_code(outcome)}{more})"


def _attempt(record: Payment, attempt: Checkout) -> str:
    """How it was paid: the window, the device, the method, the provider and the channel."""
    request: Json = {**attempt["request"]}
    pg = record["channel"]["pgProvider"]
    is_newest = attempt["txId"] == record["transactionId"]
    method = method_name(record.get("method")) if is_newest else ""
    provider = (request.get("easyPay") or {}).get("easyPayProvider")
    parts = [
        _clicked(attempt),
        f"{translate('Window')} `{attempt['windowType']}`",
        f"{translate('Device')} {record['origin']['platformType']}",
        f"{translate('Method')} {_code(request['payMethod'])} {_safe(method)}".strip(),
        f"{translate('Provider')} {_code(provider)}" if provider else "",
        f"{translate('Channel')} {pg_name(pg)} ({_code(request['channelKey'])})",
        *(f"{translate('Warnings')}: {_code(each['parameter'])}" for each in attempt["warnings"]),
    ]
    return " · ".join(filter(None, parts))


def _order_number(attempts: Sequence[Checkout]) -> str:
    """The merchant's, where its request names one in customData. PortOne has no field for it."""
    data = attempts[-1]["request"].get("customData") if attempts else None
    number = data.get("orderId") if isinstance(data, dict) else None
    return _code(str(number)) if number else ""


def _link(url: str | None) -> str:
    """url: of a merchant's request, so it may hold what would end the link or the cell."""
    if url is None:
        return ""
    return "<" + re.sub(r"[<>|`\s]", lambda match: quote(match[0]), url) + ">"


def _failure(record: Payment) -> str:
    failure = record.get("failure")
    if not failure:
        return ""
    return f" · {_safe(str(failure.get('pgMessage') or failure.get('reason', '')))}"


def _calls(entries: Sequence[journal.Entry], kind: str) -> str:
    """The calls of that kind, one a line of the cell."""
    found = [each for each in entries if each["kind"] == kind]
    if not found:
        nothing = {
            "API": "none: the shop's server has not looked this payment up",
            "WEBHOOK": "none sent",
        }
        return translate(nothing[kind])
    lines = [_call(each) for each in found[:MAX_CALLS]]
    if len(found) > MAX_CALLS:
        lines.append(f"… {len(found) - MAX_CALLS}")
    return "<br>".join(lines)


def _call(entry: journal.Entry) -> str:
    status = str(entry["status"] or translate("No answer"))
    text = f"{korean_time(entry['at'])[11:]} {_code(entry['method'] + ' ' + entry['url'])}"
    event = re.search(r'"type":\s*"(Transaction\.\w+)"', entry["requestBody"])
    if entry["kind"] == "WEBHOOK" and event:
        text += f" {event[1]}"
    fault = f" ({_safe(entry['fault'][:FAULT_CHARACTERS])})" if entry["fault"] else ""
    return f"{text} → {status}{fault}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def _safe(text: str) -> str:
    """Somebody else's text, so that it is text in a table of Markdown, whatever it holds."""
    text = re.sub(r"\s+", " ", text).strip()
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~])", r"\\\1", text)


def _code(text: str) -> str:
    """The same as code. A backtick would end it and a bar the cell."""
    return "`" + re.sub(r"\s+", " ", text).replace("`", "'").replace("|", "¦") + "`"
