"""Whether the running site takes PortOne's webhooks at its public address: for `flask doctor`.

Source: https://developers.portone.io/opi/ko/integration/webhook/readme-v2
"""

import json
import time

import requests

from ..config import Settings
from ..portone import CONNECT_SECONDS, READ_SECONDS
from ..rows import new_id
from ..webhook import signature

ADVICE = {  # HTTP status of a signed request: what to do
    401: "the site has another PORTONE_WEBHOOK_SECRET, or a wrong clock: restart it with this one",
    404: "no shop is there: correct PUBLIC_URL, or let the proxy pass this path on",
    502: "the site is not running behind the proxy, or does not reach PortOne: see its log",
    503: "the site does not reach its database or PortOne: see its log",
}


def delivery_fault(address: str, settings: Settings) -> str | None:
    """Send webhooks about a payment that nobody knows: one for each secret, and one unsigned.

    Returns what is wrong with the answers and what to do, or None.
    """
    event = {
        "type": "Transaction.Ready",
        "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {"storeId": settings.store_id, "paymentId": new_id(), "transactionId": new_id()},
    }
    body, secrets = json.dumps(event).encode(), settings.webhook_secrets
    tries = [_signed(secret, body) for secret in secrets]
    try:
        for headers in tries or [{}]:
            if fault := _fault(_post(address, body, headers)):
                return fault
        if secrets and (status := _post(address, body, {}).status_code) != 401:
            return (
                f"answers {status} to a request without a signature, not 401:"
                " restart the site with PORTONE_WEBHOOK_SECRET"
            )
    except requests.RequestException as error:
        advice = "start the site; check its name, firewall and certificate"
        return f"can't be reached from here ({type(error).__name__}): {advice}"
    return None


def _signed(secret: bytes, body: bytes) -> dict[str, str]:
    message_id, timestamp = new_id(), str(int(time.time()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{signature(secret, message_id, timestamp, body).decode()}",
    }


def _post(address: str, body: bytes, headers: dict[str, str]) -> requests.Response:
    headers = {"Content-Type": "application/json", **headers}
    timeout = (CONNECT_SECONDS, READ_SECONDS)
    return requests.post(address, body, headers=headers, timeout=timeout, allow_redirects=False)


def _fault(answer: requests.Response) -> str | None:
    status = answer.status_code
    if answer.is_redirect:
        advice = "PortOne counts a redirect as not delivered: give the address where it leads"
    elif status == 200 and '"received"' in answer.text:
        return None
    elif status == 200:
        advice = "but another site answers there: correct PUBLIC_URL"
    else:
        advice = ADVICE.get(status, "see the log of the site, and of the proxy before it")
    return f"answers {status}: {advice}"
