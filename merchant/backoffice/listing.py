"""PortOne's list of payments, by the time when their status changed.

PortOne takes the time of payment, cancellation or failure for it, which is the PG's
(PaymentTimestampType).
Source: GET /payments, https://developers.portone.io/api/rest-v2/payment. A page has 1,000 payments
at most, and (number + 1) × size may be 60,000 at most.
"""

import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from ..current import merchant
from ..records import Record, parse_time, printable

PAGE_SIZE, MAX_REACH = 1_000, 60_000
MOMENT = timedelta(milliseconds=1)
# A PG's time of a payment may be before PortOne's time of the new status: a call may take a minute.
LAG = timedelta(minutes=1)


def changed_payments(store_id: str, since: datetime, **filters: list[str]) -> dict[str, Record]:
    """Returns the payments whose status changed since then (UTC): {paymentId: record}.

    Each page starts at the time where the last one ended, instead of at a page number: a payment
    that changes while the list is read moves to the list's end, and would move the others across
    the border of two pages.
    filters: `status` or `methods`. Every run reads such a list again from far back, and its
    payments may have been told late: it is sorted by PortOne's time, but `from` is the PG's. So it
    is read by page numbers, and what moves is found by the next run.
    Raises PortOneUnavailable or PortOneRejected.
    """
    found: dict[str, Record] = {}
    start, number = since, 0
    while True:
        items = merchant().portone.list_payments(_query(store_id, start, number, filters))
        listed = {id: item for item in items if (id := printable(item.get("id")))}
        new = listed.keys() - found.keys()
        found |= listed
        if len(items) < PAGE_SIZE:
            return found
        first, last = (parse_time(items[at].get("statusChangedAt")) for at in (0, -1))
        is_last_number = (number + 2) * PAGE_SIZE > MAX_REACH
        overlap = LAG if first and last and last - LAG > first else MOMENT
        if new and last and last - overlap > start and (is_last_number or not filters):
            start, number = last - overlap, 0
        else:  # more than a page of the same moment, or a list that is read by page numbers
            number += 1


def _query(
    store_id: str, since: datetime, number: int, filters: dict[str, list[str]]
) -> dict[str, Any]:
    search: dict[str, Any] = {
        "storeId": store_id,
        "timestampType": "STATUS_CHANGED_AT",
        "from": f"{since.isoformat(timespec='milliseconds')}Z",
        "sortBy": "STATUS_CHANGED_AT",
        "sortOrder": "ASC",
        **filters,
    }
    return {"page": {"number": number, "size": PAGE_SIZE}, "filter": search}


def portone_is_ahead() -> timedelta:
    """Returns by how much PortOne's clock is ahead of ours, as its last answer says.

    A run is remembered by PortOne's clock. With ours, one that is fast would begin the next list
    after changes that nobody has seen.
    """
    try:
        theirs = parsedate_to_datetime(merchant().portone.date_header or "").timestamp()
    except ValueError:
        return timedelta()
    return timedelta(seconds=theirs - time.time())
