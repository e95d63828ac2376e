"""The bodies of the REST API's calls, and their checks."""

from typing import TypedDict, cast

from . import accounts
from .documents import Json, RegisteredTerms
from .enums import BANK, CURRENCY
from .errors import Refused
from .json_text import MAX_INTEGER
from .methods import rest_name
from .schema import Enum, Object, fields, read

CANCEL = Object(
    required={"reason": str},
    optional={
        **fields(str, "storeId refundEmail"),
        **fields(int, "amount taxFreeAmount vatAmount currentCancellableAmount"),
        "skipWebhook": bool,
        "requester": Enum(("CUSTOMER", "ADMIN")),
        "promotionDiscountRetainOption": Enum(("RETAIN", "RELEASE")),
        "refundAccount": Object(
            required=fields(str, "bank number holderName"),
            optional={"holderPhoneNumber": str},
        ),
    },
)
PRE_REGISTER = Object(
    optional={"storeId": str, **fields(int, "totalAmount taxFreeAmount"), "currency": CURRENCY}
)
CONFIRM = Object(
    required={"paymentToken": str},
    optional={
        **fields(str, "storeId txId"),
        **fields(int, "totalAmount taxFreeAmount"),
        "currency": CURRENCY,
        **fields(bool, "isTest skipWebhook"),
    },
)
RESEND_WEBHOOK = Object(optional=fields(str, "storeId webhookId"))

MAX_AMOUNT = MAX_INTEGER
POSITIVE_AMOUNTS = ("amount", "totalAmount")  # other numbers may be 0


class _RefundAccount(TypedDict):
    bank: str
    number: str
    holderName: str


class RefundAccount(_RefundAccount, total=False):
    holderPhoneNumber: str


class _CancelBody(TypedDict):
    reason: str


class CancelBody(_CancelBody, total=False):
    """The checked body of `POST /payments/{paymentId}/cancel`: what the sandbox uses of it."""

    amount: int
    taxFreeAmount: int
    vatAmount: int
    currentCancellableAmount: int
    skipWebhook: bool
    refundAccount: RefundAccount


class _ConfirmBody(TypedDict):
    paymentToken: str


class ConfirmBody(_ConfirmBody, total=False):
    """The checked body of `POST /payments/{paymentId}/confirm`."""

    txId: str
    totalAmount: int
    taxFreeAmount: int
    currency: str
    isTest: bool
    skipWebhook: bool


def check_body(body: object, shape: Object) -> Json:
    """The body without its nulls. Refused when it is not as PortOne's schema has it."""
    try:
        checked = read(body, shape)
    except ValueError as error:
        raise Refused("INVALID_REQUEST", str(error)) from None
    for name, value in checked.items():
        minimum = 1 if name in POSITIVE_AMOUNTS else 0
        if type(value) is int and value < minimum:
            raise Refused("INVALID_REQUEST", f"{name} is too small.")
    check_store(checked)
    return checked


def check_store(body: Json) -> None:
    if body.get("storeId", accounts.STORE_ID) != accounts.STORE_ID:
        raise Refused("FORBIDDEN")


def check_cancel(body: object) -> CancelBody:
    checked = cast(CancelBody, check_body(body, CANCEL))
    bank = checked["refundAccount"]["bank"] if "refundAccount" in checked else ""
    if bank in BANK.values and rest_name(bank) != bank:
        message = f"refundAccount.bank must be {rest_name(bank)}: {bank} is the SDK's code."
        raise Refused("INVALID_REQUEST", message)
    return checked


def check_pre_register(body: object) -> RegisteredTerms:
    checked = check_body(body, PRE_REGISTER)
    checked.pop("storeId", None)
    if checked.get("taxFreeAmount", 0) > checked.get("totalAmount", MAX_AMOUNT):
        raise Refused("INVALID_REQUEST", "taxFreeAmount must be a part of totalAmount.")
    return cast(RegisteredTerms, checked)


def check_confirm(body: object) -> ConfirmBody:
    return cast(ConfirmBody, check_body(body, CONFIRM))


def check_resend_webhook(body: object) -> str | None:
    """The id of the webhook to send again; None for the newest."""
    webhook_id: str | None = check_body(body, RESEND_WEBHOOK).get("webhookId")
    return webhook_id
