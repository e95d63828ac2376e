"""`GET /payments`: the payments that match a filter, one page of them.

Filter, page and answer are PaymentFilterInput, PageInput and GetPaymentsResponse of
portone-server-sdk. Without a page it is the first ten, without a time those whose status changed in
the last 90 days, says https://developers.portone.io/api/rest-v2/payment
"""

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any, TypedDict

from . import clock
from .bodies import check_store
from .database import Database
from .documents import Json, Payment
from .errors import Refused
from .methods import METHOD_TYPES
from .schema import Enum, ListOf, Object, fields
from .search_fields import ALL_PATHS, TEXT_PATHS

DEFAULT_DAYS = 90
DEFAULT_SIZE = 10
MAX_SIZE = 1000  # not documented; it is the limit of /payments-by-cursor
MAX_REACH = 60_000
# PortOne documents no limits for these.
MAX_VALUES = 100
MAX_TEXTS = 20

TIMES = {"CREATED_AT": "requestedAt", "STATUS_CHANGED_AT": "statusChangedAt"}
SORTS = {"REQUESTED_AT": "requestedAt", "STATUS_CHANGED_AT": "statusChangedAt"}

# The key of a filter -> the path in a record that it is compared with. No record of this sandbox
# has an escrow, a cash receipt or a schedule.
PATHS = {
    "merchantId": "merchantId",
    "status": "status",
    "methods": "method.type",
    "pgProvider": "channel.pgProvider",
    "isTest": "channel.type",
    "isScheduled": "scheduleId",
    "isEscrow": "escrow",
    "version": "version",
    "platformType": "origin.platformType",
    "currency": "currency",
    "escrowStatus": "escrow.status",
    "cardBrand": "method.card.brand",
    "cardType": "method.card.type",
    "cardOwnerType": "method.card.ownerType",
    "giftCertificateType": "method.giftCertificateType",
    "cashReceiptType": "cashReceipt.type",
    "cashReceiptStatus": "cashReceipt.status",
}
# Values that have another name in a filter than in a record.
RECORD_VALUES = {
    "PENDING": "PAY_PENDING",
    "SDK_PC": "PC",
    "SDK_MOBILE": "MOBILE",
    **METHOD_TYPES,
}

STATUSES = "READY PENDING VIRTUAL_ACCOUNT_ISSUED PAID FAILED PARTIAL_CANCELLED CANCELLED"

FILTER = Object(
    optional={
        **fields(str, "merchantId storeId from until webhookStatus currency escrowStatus"),
        **fields(str, "giftCertificateType cardBrand cardType cardOwnerType"),
        **fields(str, "cashReceiptType cashReceiptStatus"),
        "timestampType": Enum(tuple(TIMES)),
        "sortBy": Enum(tuple(SORTS)),
        "sortOrder": Enum(("DESC", "ASC")),
        "version": Enum(("V1", "V2")),
        "platformType": Enum(("SDK_MOBILE", "SDK_PC", "API")),
        "status": ListOf(Enum(tuple(STATUSES.split())), MAX_VALUES),
        **fields(ListOf(str, MAX_VALUES), "methods pgProvider"),
        **fields(bool, "isTest isScheduled isEscrow"),
        "textSearch": ListOf(
            Object(required={"field": Enum(("ALL", *TEXT_PATHS)), "value": str}), MAX_TEXTS
        ),
    }
)
SEARCH = Object(optional={"page": Object(optional=fields(int, "number size")), "filter": FILTER})

# The payments as the REST API shows them. Mostly none is hidden, and a page is selected by indexes
# alone.
ALL_PAYMENTS = """
    SELECT number, id, status, record, requestedAt, statusChangedAt, 0 AS isHidden FROM payments
"""
# The value for each question mark is the present time. A hidden payment is shown as it was.
WITH_HIDDEN_PAYMENTS = f"""
    {ALL_PAYMENTS} WHERE coalesce(visibleAt, '') <= ?
    UNION ALL
    SELECT number, id, json_extract(earlier, '$.status'), earlier,
        json_extract(earlier, '$.requestedAt'), json_extract(earlier, '$.statusChangedAt'), 1
    FROM payments WHERE visibleAt > ?
"""
COUNT = """
    SELECT count(*) AS total, (SELECT count(*) FROM payments WHERE visibleAt > ?) AS hidden
"""
HAS_TEXT = "number IN (SELECT number FROM payment_texts WHERE instr(text, ?))"
LAST_WEBHOOK_STATUS = """(
    SELECT json_extract(webhook, '$.status') FROM webhooks WHERE paymentId = shown.id
    ORDER BY number DESC LIMIT 1
)"""


class PageInfo(TypedDict):
    """number: from 0. totalCount: of payments, on all pages."""

    number: int
    size: int
    totalCount: int


class Conditions:
    """Conditions of a WHERE clause, and the values for their question marks."""

    def __init__(self) -> None:
        self.sql: list[str] = []
        self.values: list[Any] = []

    def add(self, sql: str, *values: object) -> None:
        self.sql.append(sql)
        self.values += values


def search(db: Database, body: Json) -> tuple[list[Payment], PageInfo]:
    """The records, and which page they are. body: `{page?, filter?}`, checked with SEARCH."""
    filter, page = body.get("filter", {}), body.get("page", {})
    number, size = page.get("number", 0), page.get("size", DEFAULT_SIZE)
    if number < 0 or not 0 < size <= MAX_SIZE or (number + 1) * size > MAX_REACH:
        message = (
            f"page.number must be 0 or more, page.size from 1 to {MAX_SIZE},"
            f" (page.number + 1) * page.size at most {MAX_REACH}."
        )
        raise Refused("INVALID_REQUEST", message)
    check_store(filter)
    now = clock.now()
    for has_hidden in (False, True):
        found, values = _find(filter, now, has_hidden)
        (counts,) = db.rows(f"{COUNT} {found}", (now, *values))
        if not counts["hidden"]:
            break
    sort = SORTS[filter.get("sortBy", "REQUESTED_AT")]
    order = f"{sort} {filter.get('sortOrder', 'DESC')}, number"
    query = f"SELECT number {found} ORDER BY {order} LIMIT ? OFFSET ?"
    rows = db.rows(query, (*values, size, number * size))
    records = [db.find_payment_by_number(row["number"], visible_at=now) for row in rows]
    page = PageInfo(number=number, size=size, totalCount=counts["total"])
    return [record for record in records if record], page


def _find(filter: Json, now: str, has_hidden: bool) -> tuple[str, tuple[Any, ...]]:
    """The rest of a query after the columns, and the values for its question marks."""
    conditions = _conditions(filter, has_hidden)
    payments = WITH_HIDDEN_PAYMENTS if has_hidden else ALL_PAYMENTS
    found = f"FROM ({payments}) AS shown WHERE {' AND '.join(conditions.sql)}"
    return found, (*((now, now) if has_hidden else ()), *conditions.values)


def _conditions(filter: Json, has_hidden: bool) -> Conditions:
    conditions = Conditions()
    _add_period(conditions, filter)
    for key, path in PATHS.items():
        if key in filter:
            column = "status" if key == "status" else _extract(path)
            _add_comparison(conditions, key, column, filter[key])
    if "webhookStatus" in filter:
        conditions.add(f"{LAST_WEBHOOK_STATUS} = ?", filter["webhookStatus"])
    for text in filter.get("textSearch", []):
        _add_text(conditions, text["field"], text["value"], has_hidden)
    return conditions


def _add_text(conditions: Conditions, field: str, value: str, has_hidden: bool) -> None:
    """payment_texts has the texts of what is not hidden, without the names of their fields."""
    paths = ALL_PATHS if field == "ALL" else (TEXT_PATHS[field],)
    in_record = " OR ".join(f"instr(lower({_extract(path)}), lower(?))" for path in paths)
    has_text = f"isHidden OR {HAS_TEXT}" if has_hidden else HAS_TEXT
    conditions.add(f"({has_text})", value.lower())
    if field != "ALL":
        conditions.add(f"({in_record})", *[value] * len(paths))
    elif has_hidden:
        conditions.add(f"(NOT isHidden OR {in_record})", *[value] * len(paths))


def _add_period(conditions: Conditions, filter: Json) -> None:
    until = _read_time(filter, "until") or datetime.now(timezone.utc)
    since = _read_time(filter, "from") or _days_before(until)
    time = TIMES[filter.get("timestampType", "STATUS_CHANGED_AT")]
    # The plus leaves the index to the order: few of what is sorted is shown, and most is in time.
    if time != SORTS[filter.get("sortBy", "REQUESTED_AT")]:
        time = f"+{time}"
    conditions.add(f"{time} BETWEEN ? AND ?", clock.timestamp(since), clock.timestamp(until))


def _add_comparison(conditions: Conditions, key: str, column: str, value: Any) -> None:
    """value: of the filter: a text, a list of texts of which one must match, or a boolean."""
    if key == "isTest":
        value = "TEST" if value else "LIVE"
    if isinstance(value, bool):  # whether the record has it
        conditions.add(f"{column} IS {'NOT ' if value else ''}NULL")
    elif value:
        values: Iterable[str] = value if isinstance(value, list) else [value]
        wanted = [RECORD_VALUES.get(each, each) for each in values]
        conditions.add(f"{column} IN ({', '.join('?' * len(wanted))})", *wanted)


def _extract(path: str) -> str:
    return f"json_extract(record, '$.{path}')"


def _days_before(until: datetime) -> datetime:
    try:
        return until - timedelta(days=DEFAULT_DAYS)
    except OverflowError:
        message = f"filter.until must not be in the first {DEFAULT_DAYS} days of the year 1."
        raise Refused("INVALID_REQUEST", message) from None


def _read_time(filter: Json, key: str) -> datetime | None:
    if not filter.get(key):
        return None
    try:
        return clock.parse(filter[key]).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        message = f"filter.{key} must be a time as in RFC 3339."
        raise Refused("INVALID_REQUEST", message) from None
