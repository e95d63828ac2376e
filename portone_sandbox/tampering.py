"""What a buyer with developer tools can change in the request before the window opens.

The PG takes what it is asked for, so that the merchant's own check can be tried, also where the
PG's page says that it refuses such a value (Toss Payments takes no USD).
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from . import channels
from .request_documents import PaymentRequest

OTHER_NAME = "다른 상품"
METHODS = ("VIRTUAL_ACCOUNT", "CARD", "TRANSFER")  # which need nothing else in the request


def _other_amount(params: PaymentRequest) -> Mapping[str, Any]:
    total = params["totalAmount"]
    return {"totalAmount": total // 10 or total + 1, "taxFreeAmount": 0}


def _other_currency(params: PaymentRequest) -> Mapping[str, Any]:
    return {"currency": "KRW" if params["currency"] == "USD" else "USD"}


def _other_name(params: PaymentRequest) -> Mapping[str, Any]:
    return {"orderName": OTHER_NAME}


def _other_tax_free_part(params: PaymentRequest) -> Mapping[str, Any]:
    return {"taxFreeAmount": 0 if params.get("taxFreeAmount") else params["totalAmount"]}


def _other_method(params: PaymentRequest) -> Mapping[str, Any]:
    possible = channels.pg_of(channels.CHANNELS[params["channelKey"]])["payMethods"]
    methods = (each for each in METHODS if each in possible and each != params["payMethod"])
    return {"payMethod": next(methods, params["payMethod"])}


def _other_channel(params: PaymentRequest) -> Mapping[str, Any]:
    """A TEST channel without manual approval, the default one if it has the method."""
    keys = (
        key
        for key in channels.KEYS_BY_PG.values()
        if key != params["channelKey"]
        and params["payMethod"] in channels.pg_of(channels.CHANNELS[key])["payMethods"]
    )
    return {"channelKey": next(keys, params["channelKey"])}


CHANGES: dict[str, Callable[[PaymentRequest], Mapping[str, Any]]] = {
    "tamper": _other_amount,
    "tamper-currency": _other_currency,
    "tamper-name": _other_name,
    "tamper-tax-free": _other_tax_free_part,
    "tamper-method": _other_method,
    "tamper-channel": _other_channel,
}


def tampered(params: PaymentRequest, outcome: str | None) -> PaymentRequest:
    """The request that the PG gets in a window that ends with this outcome.

    The same request when the outcome is no tampering, or when there is nothing else to choose.
    """
    change = CHANGES.get(outcome or "")
    if change is None:
        return params
    changed = cast(PaymentRequest, {**params, **change(params)})
    if changed["totalAmount"] != params["totalAmount"] or "taxFreeAmount" in change(params):
        changed.pop("vatAmount", None)  # it was of other amounts
    return changed
