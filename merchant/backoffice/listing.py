"""PortOne's list of payments, by the time when their status changed.

Source: GET /payments, https://developers.portone.io/api/rest-v2/payment. A page has 1,000 payments
at most, and (number + 1) × size may be 60,000 at most.
"""

from datetime import datetime, timedelta
from typing import Any

from ..current import merchant
from ..records import Record, parse_time, printable

PAGE_SIZE = 1_000
MOMENT = timedelta(milliseconds=1)


def changed_payments(
    store_id: str, since: datetime, status: str | None = None
) -> dict[str, Record]:
    """Returns the payments whose status changed since then (UTC): {paymentId: record}.

    Each page starts at the time where the last one ended, instead of at a page number: a payment
    that changes while the list is read moves to the list's end, and would move the others across
    the border of two pages.
    Raises PortOneUnavailable or PortOneRejected.
    """
    found: dict[str, Record] = {}
    start, number = since, 0
    while True:
        items = merchant().portone.list_payments(_query(store_id, start, number, status))
        listed = {id: item for item in items if (id := printable(item.get("id")))}
        new = listed.keys() - found.keys()
        found |= listed
        if len(items) < PAGE_SIZE:
            return found
        last = parse_time(items[-1].get("statusChangedAt"))
        if new and last and last - MOMENT > start:
            start, number = last - MOMENT, 0
        else:  # more than a page of the same moment
            number += 1


def _query(store_id: str, since: datetime, number: int, status: str | None) -> dict[str, Any]:
    search: dict[str, Any] = {
        "storeId": store_id,
        "timestampType": "STATUS_CHANGED_AT",
        "from": f"{since.isoformat(timespec='milliseconds')}Z",
        "sortBy": "STATUS_CHANGED_AT",
        "sortOrder": "ASC",
    }
    if status:
        search["status"] = [status]
    return {"page": {"number": number, "size": PAGE_SIZE}, "filter": search}
