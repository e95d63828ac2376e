"""The way from a payment back to the shop."""

from collections.abc import Sequence

from .checkout import with_query
from .documents import Checkout, Payment, SdkResult
from .payment_request import is_http_url


def shop_link(record: Payment, attempts: Sequence[Checkout]) -> str | None:
    """Where the shop shows this payment: its redirectUrl as the browser comes back to it, else the
    page that opened the window. None unless it is an http(s) address.
    """
    if attempts and (result := attempts[-1]["result"]):
        url = attempts[-1]["request"].get("redirectUrl", "")
        if is_http_url(url):
            shown = SdkResult(**result)
            shown.pop("paymentToken", None)  # it is for once
            return with_query(url, shown)
    page = record["origin"]["url"]
    return page if is_http_url(page) else None
