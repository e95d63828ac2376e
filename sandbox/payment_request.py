"""What a merchant hands to `PortOne.requestPayment`, checked.

Names and types are those of `PaymentRequest` in npm's @portone/browser-sdk, codes those of its PaymentError.
"""

from datetime import datetime, timezone
from urllib.parse import urlsplit

from . import accounts, records

WINDOW_TYPES = ("IFRAME", "POPUP", "REDIRECTION")
REQUIRED = ("storeId", "paymentId", "orderName", "totalAmount", "currency", "payMethod")

# Objects first, so that what they hold can be looked up after.
TYPES = {
    dict: "customer customer.address windowType card virtualAccount virtualAccount.accountExpiry easyPay",
    list: "noticeUrls products",
    str: "storeId paymentId orderName currency payMethod channelKey channelGroupId redirectUrl locale "
    "country customer.* customer.address.* windowType.* card.cardCompany virtualAccount.bankCode "
    "virtualAccount.accountExpiry.dueDate easyPay.easyPayProvider",
    int: "totalAmount taxFreeAmount vatAmount virtualAccount.accountExpiry.validHours",
    bool: "forceRedirect isEscrow isCulturalExpense",
}
TYPE_NAMES = {dict: "an object", list: "a list", str: "a string", int: "an integer", bool: "true or false"}


class RequestError(Exception):
    """The SDK throws it as a PaymentError. status: of the HTTP answer that carries it."""

    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def check(request):
    """The request as the rest of the sandbox reads it; RequestError names the parameter that is wrong."""
    request = without_nulls(request)
    for message in shape_mistakes(request, TYPES, REQUIRED):
        raise RequestError("BadRequest", message)
    # Both spellings are in the SDK's types.
    request["currency"] = request["currency"].removeprefix("CURRENCY_")
    for message in _mistakes(request):
        raise RequestError("BadRequest", message)
    return {**request, "channelKey": _channel_key(request)}


def shape_mistakes(given, types, required):
    """What is of another type or missing, one message each.

    types: `{type: "dotted paths"}`. required: paths; what an object must hold is required only where it is given.
    """
    if not isinstance(given, dict):
        yield "The request must be an object."
    for kind, names in types.items():
        for path in names.split():
            for name, value in _look_up(given, path):
                if type(value) is not kind:
                    yield f"{name} must be {TYPE_NAMES[kind]}."
    for path in required:
        place = path.rpartition(".")[0]
        if (not place or place in given) and _look_up(given, path) in ([], [(path, "")]):
            yield f"{path} is required."


def without_nulls(value):
    """A null is as good as nothing, but for customData, which is the merchant's own."""
    if not isinstance(value, dict):
        return value
    given = {name: each for name, each in value.items() if each is not None}
    return {name: each if name == "customData" else without_nulls(each) for name, each in given.items()}


def _look_up(request, path):
    """The values at a dotted path, with their names; `*` is everything in an object but objects."""
    place, _, last = path.rpartition(".")
    for name in filter(None, place.split(".")):
        request = request.get(name, {})
    if last == "*":
        return [(f"{place}.{name}", value) for name, value in request.items() if not isinstance(value, dict)]
    return [(path, request[last])] if last in request else []


def _mistakes(request):
    """What types alone do not show, one message each."""
    tax = (request.get("taxFreeAmount", 0), request.get("vatAmount", 0))
    if not 0 < request["totalAmount"] < 2**53:
        yield "totalAmount must be more than 0, in the currency's minor unit."
    if min(tax) < 0 or sum(tax) > request["totalAmount"]:
        yield "taxFreeAmount and vatAmount must be parts of totalAmount."
    if len(request["currency"]) != 3:
        yield "currency must be an ISO 4217 code."
    if request["payMethod"] not in records.METHOD_TYPES:
        yield f"payMethod must be one of {', '.join(records.METHOD_TYPES)}."
    for place, window_type in request.get("windowType", {}).items():
        if window_type not in WINDOW_TYPES:
            yield f"windowType.{place} must be one of {', '.join(WINDOW_TYPES)}."
    if not _is_http_url(request.get("redirectUrl", "http://localhost")):
        yield "redirectUrl must be an HTTP(S) URL."
    # A relative one is the sandbox's own kindness: an address of the page that opens the window.
    if not all(_is_http_url(url) or str(url).startswith("/") for url in request.get("noticeUrls", [])):
        yield "noticeUrls must be HTTP(S) URLs."
    if not all(_is_product(product) for product in request.get("products", [])):
        yield "products must each have id, name, amount and quantity."
    try:
        records.expiry(request.get("virtualAccount", {}).get("accountExpiry", {}), datetime.now(timezone.utc))
    except (ValueError, OverflowError):
        yield "virtualAccount.accountExpiry must be {validHours: hours} or {dueDate: ISO 8601}."


def _is_http_url(url):
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except (ValueError, AttributeError, TypeError):
        return False


def _is_product(product):
    kinds = {"id": str, "name": str, "amount": int, "quantity": int}
    return isinstance(product, dict) and all(type(product.get(name)) is kind for name, kind in kinds.items())


def _channel_key(request):
    if request["storeId"] != accounts.STORE_ID:
        raise RequestError("StoreNotFound", f"storeId {request['storeId']} is not in this sandbox.", 404)
    if ("channelKey" in request) == ("channelGroupId" in request):
        raise RequestError("BadRequest", "Either channelKey or channelGroupId is required.")
    key = request.get("channelKey") or request.get("channelGroupId")
    if key not in accounts.CHANNELS:
        raise RequestError("ChannelNotFound", f"channelKey {key} is not in this sandbox.", 404)
    return key
