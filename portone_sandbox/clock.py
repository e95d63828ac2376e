"""Times as PortOne writes them: RFC 3339 in UTC, with microseconds."""

from datetime import MAXYEAR, MINYEAR, datetime, timedelta, timezone

from .request_documents import Deadline

KOREA = timezone(timedelta(hours=9))
DEFAULT_VALID_HOURS = 7 * 24


def timestamp(moment: datetime) -> str:
    text = moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
    return text.replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The time that an ISO 8601 text means. ValueError when it is none.

    Python 3.10 does not read the "Z" of UTC by itself.
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def now(after: str = "") -> str:
    """The present time.

    after: an earlier timestamp. The result is later than it even when the clock is not, so
    that the changes of a payment keep their order.
    """
    moment = datetime.now(timezone.utc)
    if after:
        moment = max(moment, parse(after) + timedelta(microseconds=1))
    return timestamp(moment)


def deadline(option: Deadline, issued_at: datetime) -> datetime:
    """When a deposit is due.

    option: `{"validHours": int}` or `{"dueDate": str}`, else a week after issued_at.
    dueDate is ISO 8601, or YYYYMMDD or YYYYMMDDHHmmss as the SDK's types have it. Without a time
    zone it is Korean time. ValueError or OverflowError when it is none of these, or in the first or
    the last year that a datetime has: it must be a time in every zone.
    """
    due = _due(option, issued_at)
    if due.year in (MINYEAR, MAXYEAR):
        raise ValueError("There is no such time in other zones.")
    return due


def _due(option: Deadline, issued_at: datetime) -> datetime:
    if "dueDate" not in option:
        return issued_at + timedelta(hours=option.get("validHours", DEFAULT_VALID_HOURS))
    date = option["dueDate"]
    is_compact = date.isdigit()
    due = datetime.strptime(date.ljust(14, "0"), "%Y%m%d%H%M%S") if is_compact else parse(date)
    return due if due.tzinfo else due.replace(tzinfo=KOREA)
