"""Whether PortOne answers, takes our secret and store, and has our time: for `flask doctor`."""

from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ..config import Settings
from ..current import merchant
from ..errors import PortOneRejected, PortOneUnavailable
from ..records import Record, part_of
from ..rows import new_id
from ..webhook import TOLERANCE_SECONDS
from .findings import Finding, ok, wrong

NEWEST = 100  # of the store's payments: those of our channel show whether it is TEST or LIVE
ADVICE = {  # HTTP status of a refusal: what to do
    401: "does not accept PORTONE_API_SECRET: issue a V2 API secret in its console, and set it",
    403: "refuses PORTONE_STORE_ID: the store and PORTONE_API_SECRET have to be of one account",
}
OTHER = "refuses the request: check PORTONE_STORE_ID and PORTONE_API_BASE"


class ChannelState(NamedTuple):
    """One of our channels: key and name of the settings, and what PortOne's records say of it.

    type: LIVE or TEST. pg: its PG, such as KCP_V2. None: not known.
    """

    key: str
    name: str
    type: str | None = None
    pg: str | None = None


def ask_portone(settings: Settings) -> tuple[list[Finding], list[ChannelState]]:
    """Look up a payment that can't exist, list the newest ones, and compare the clocks.

    Errors of PortOne: 401 UNAUTHORIZED, 403 FORBIDDEN, 404 PAYMENT_NOT_FOUND.
    Source: https://developers.portone.io/api/rest-v2/payment
    """
    client, name = merchant().portone, f"PortOne at {settings.api_base}"
    search = {"storeId": settings.store_id, "sortBy": "STATUS_CHANGED_AT", "sortOrder": "DESC"}
    findings: list[Finding] = []
    try:
        findings.append(_clock(client.date(new_id())))
        if client.get_payment(new_id(), settings.store_id):
            text = f"{name} knows a payment that can't exist: correct PORTONE_API_BASE"
            return [*findings, wrong(text)], _channels(settings, [])
        newest = client.list_payments({"page": {"number": 0, "size": NEWEST}, "filter": search})
    except PortOneRejected as error:
        advice = ADVICE.get(error.status, OTHER)
        return [*findings, wrong(f"{name} {advice} ({error})")], _channels(settings, [])
    except PortOneUnavailable as error:
        advice = "check the network, and PORTONE_API_BASE"
        return [wrong(f"{name} did not answer as documented ({error}): {advice}")], _channels(
            settings, []
        )
    findings.append(ok(f"{name} accepts the secret and the store"))
    return findings, _channels(settings, newest)


def _clock(date: str | None) -> Finding:
    try:
        portone = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return ok("The clock was not compared: PortOne's answer has no Date")
    ahead = round(datetime.now(timezone.utc).timestamp() - portone)
    if abs(ahead) <= TOLERANCE_SECONDS:
        return ok(f"The clock is {abs(ahead)} s from PortOne's: within the webhook's tolerance")
    side = "ahead of" if ahead > 0 else "behind"
    return wrong(
        f"The clock is {abs(ahead)} s {side} PortOne's, so signed webhooks are refused:"
        " set it, for example by NTP"
    )


def _channels(settings: Settings, newest: list[Record]) -> list[ChannelState]:
    seen = {str(part.get("key")): part for each in newest if (part := part_of(each, "channel"))}
    return [
        ChannelState(
            each.key,
            each.name,
            part_of(seen, each.key).get("type"),
            part_of(seen, each.key).get("pgProvider"),
        )
        for each in settings.channels
    ]
