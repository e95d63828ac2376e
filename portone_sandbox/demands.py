"""What the channel's PG demands of a payment request: its checks in channels.json, carried out.

Pure: `judge` reads the request and nothing else. What a page demands is refused before the window
opens, where the page does not say what happens, too. What a PG cuts or ignores, advises, or allows
by contract only, is a warning; so is what pages differ on.
"""

import json
from collections.abc import Iterator
from textwrap import shorten
from typing import Any, NamedTuple, cast

from . import channels, failures
from .channels import Check, Pg
from .demand_rules import RULES, given_values
from .demand_texts import quotation, sentence
from .documents import Channel, Json, Origin, SdkFailure, Warning
from .errors import RequestError
from .request_documents import PaymentRequest

REFUSED = ("error", "noWindow", "typeError", "unstated")
# The sandbox does not know the merchant's contract, nor how its MID is set.
ONLY_WARNED = ("contract", "matchesMid", "discouragedChars", "ignored")
MAX_GIVEN = 60  # characters of what was given, in a message
CUT_BYTES, CUT_MARK = 37, "..."


class Verdict(NamedTuple):
    """params: what the PG takes of the request. failure: how the PG fails it, once approved."""

    params: PaymentRequest
    warnings: list[Warning]
    failure: SdkFailure | None


def device_of(buyer: Origin) -> str:
    """What it is: pc, mobile_web (a phone's browser), or mobile (a page inside an app)."""
    if buyer["platformType"] != "MOBILE":
        return "pc"
    agent = buyer["userAgent"]
    return "mobile_web" if "Safari/" in agent and "; wv)" not in agent else "mobile"


def judge(params: PaymentRequest, device: str) -> Verdict:
    """What the channel's PG makes of the request. device: as device_of() names it.

    RequestError names each parameter that the PG refuses, what it wants and the page that says so.
    """
    channel = channels.CHANNELS[params["channelKey"]]
    pg = channels.pg_of(channel)
    _refuse_other_call(channel, pg)
    refusals: list[str] = []
    warnings: list[Warning] = []
    failure = None
    for check, given in _broken(params, pg, channel, device):
        found = _finding(pg, channel, check, given)
        if check["rule"] in ONLY_WARNED:
            warnings.append(found)
        elif check["effect"] in REFUSED:
            quoted = quotation(check)
            refusals.append(found["message"] + (f" ({quoted})" if quoted else ""))
        elif check["effect"] == "paymentFails":
            failure = failure or failures.demanded(found["message"])
        else:
            warnings.append(found)
    if refusals:
        raise RequestError("BadRequest", " ".join(refusals))
    warnings += _other_device(params, pg, channel, device)
    return Verdict(_as_taken(params, pg), warnings, failure)


def _refuse_other_call(channel: Channel, pg: Pg) -> None:
    if pg["call"] != "requestPayment":
        message = (
            f"{channel['pgProvider']} is called by {pg['call']}, not by requestPayment."
            f" See {pg['page']}"
        )
        raise RequestError("BadRequest", message)


def _broken(
    params: PaymentRequest, pg: Pg, channel: Channel, device: str
) -> Iterator[tuple[Check, Any]]:
    """Each check that the request breaks, and what was given."""
    request = cast(Json, params)
    for check in pg["checks"]:
        if not applies(check, request, channel["type"], device):
            continue
        values = given_values(request, check["path"])
        for value in values:
            if RULES[check["rule"]](value, check, request):
                yield check, value
                break


def applies(check: Check, params: Json, channel_type: str, device: str) -> bool:
    """Whether the check is of this request. channel_type: TEST or LIVE."""
    if check["path"].startswith("windowType."):
        return check["path"] == f"windowType.{device.removesuffix('_web')}"
    when = check.get("when", {})
    return all(_holds(name, wanted, params, channel_type, device) for name, wanted in when.items())


def _holds(name: str, wanted: Any, params: Json, channel_type: str, device: str) -> bool:
    """Whether a condition of `when` holds. One that a request can't show (a method chosen in the
    PG's window, an iOS app) never does: its check is shown in the console only.
    """
    easy_pay = params.get("easyPay", {}) if params.get("payMethod") == "EASY_PAY" else {}
    card = params.get("card", {})
    months = card.get("installment", {}).get("monthOption", {})
    bypass = params.get("bypass", {})
    account = params.get("virtualAccount", {})
    receipts = {"EASY_PAY": easy_pay, "TRANSFER": params.get("transfer", {})}
    receipt: Json = receipts.get(str(params.get("payMethod"))) or {}
    seen: dict[str, Any] = {
        "channel": wanted == channel_type,
        "payMethod": params.get("payMethod") in _list(wanted),
        "currency": params["currency"] in _list(wanted),
        "notCurrency": params["currency"] not in _list(wanted),
        "easyPayProvider": easy_pay.get("easyPayProvider") in _list(wanted),
        "notEasyPayProvider": easy_pay.get("easyPayProvider") not in _list(wanted),
        "availablePayMethods": bool(
            set(_list(easy_pay.get("availablePayMethods"))) & set(_list(wanted))
        ),
        "cardCompany": card.get("cardCompany") in _list(wanted),
        "device": wanted in (device, device.removesuffix("_web")),
        "direct": wanted == _is_direct(params),
        "escrow": wanted == bool(params.get("isEscrow")),
        "fixedMonth": wanted == ("fixedMonth" in months),
        "anonymousReceipt": wanted == (receipt.get("cashReceiptType") == "ANONYMOUS"),
        "cashReceiptType": wanted == ("cashReceiptType" in account),
        "productsPresent": wanted == bool(params.get("products")),
        "emailGiven": wanted == ("email" in params.get("customer", {})),
        "bypassPresent": wanted in bypass if isinstance(wanted, str) else False,
        "withoutBypass": str(wanted) not in json.dumps(bypass),
    }
    return bool(seen.get(name, False))


def _is_direct(params: Json) -> bool:
    """Whether the request skips the PG's own choice of a card company or a bank."""
    if params.get("payMethod") == "CARD":
        return "cardCompany" in params.get("card", {})
    nice = params.get("bypass", {}).get("nice_v2")
    return isinstance(nice, dict) and "DirectShowOpt" in nice


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _finding(pg: Pg, channel: Channel, check: Check, given: Any) -> Warning:
    page = channels.page_of(pg, check)
    text = "" if given is None else shorten(json.dumps(given, ensure_ascii=False), MAX_GIVEN)
    name = channel["pgProvider"]
    return {
        "parameter": check["path"],
        "message": f"{name}: {sentence(check, 'en')}{text and f' Given: {text}.'} See {page}",
        "korean": f"{name}: {sentence(check, 'ko')}{text and f' 입력값: {text}'}",
        "page": page,
    }


def _other_device(
    params: PaymentRequest, pg: Pg, channel: Channel, device: str
) -> Iterator[Warning]:
    """A window form that the PG refuses on the other kind of device."""
    other = "mobile" if device == "pc" else "pc"
    asked = cast(Json, params).get("windowType", {}).get(other)
    for check in pg["checks"]:
        if check["path"] == f"windowType.{other}" and asked and asked not in check["value"]:
            yield _finding(pg, channel, check, asked)


def _as_taken(params: PaymentRequest, pg: Pg) -> PaymentRequest:
    """The request as it reaches the PG: a wallet is its own provider, a long orderName is cut.

    Smartro cuts a paymentId of more than 40 characters. The record keeps the whole one here: no
    page says that PortOne finds a payment by what is left of it.
    """
    changed = params.copy()
    if "wallet" in pg:
        easy_pay = cast(Json, params).get("easyPay", {})
        cast(Json, changed)["easyPay"] = {**easy_pay, "easyPayProvider": pg["wallet"]}
    for check in pg["checks"]:
        is_cut = check["effect"] == "truncated" and check["path"] == "orderName"
        if is_cut and RULES[check["rule"]](params["orderName"], check, cast(Json, params)):
            start = params["orderName"].encode()[:CUT_BYTES].decode(errors="ignore")
            changed["orderName"] = start + CUT_MARK
    return changed
