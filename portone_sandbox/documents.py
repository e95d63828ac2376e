"""The documents of the sandbox as types: what is read, stored and answered as JSON.

Times are RFC 3339 in UTC, amounts in the currency's minor unit. Optional keys are absent, not null,
unless a type says `| None`.
"""

from typing import TypedDict

from .request_documents import Json as Json  # for whoever imports it from here
from .request_documents import PaymentRequest
from .webhook_documents import ShownWebhook


class SdkFailure(TypedDict, total=False):
    """A failure as the merchant's page gets it. pgCode, pgMessage: only if a PG refused."""

    code: str
    message: str
    pgCode: str
    pgMessage: str


class _SdkResult(TypedDict):
    transactionType: str
    txId: str
    paymentId: str


class SdkResult(_SdkResult, SdkFailure, total=False):
    """What the promise of `PortOne.requestPayment` gives; without `code` nothing failed.

    paymentToken: of a channel with manual approval.
    """

    paymentToken: str


class Warning(TypedDict):
    """What the channel's PG cuts, ignores, advises, or allows by contract only.

    parameter: its path in the request. page: the address of the page that says so.
    """

    parameter: str
    message: str
    korean: str
    page: str


class Checkout(TypedDict):
    """One payment window, which is one attempt at a payment.

    windowType: IFRAME, POPUP or REDIRECTION. origin: where the result may be posted to, or "*".
    outcome, result: how it ended, None while it is open. webhookOrder: what the switch "webhooks"
    was set to at its end, else plannedOrder, which is what the chaos has planned. paymentToken:
    what the merchant's server confirms the payment with if the channel has manual approval, else
    None. isConfirmed: it has. form: what the buyer entered, as payment_method takes it, until then.
    warnings: of the channel's PG about the request. failure: how the PG fails the payment when the
    buyer approves, or None.
    """

    txId: str
    paymentId: str
    request: PaymentRequest
    windowType: str
    origin: str
    outcome: str | None
    result: SdkResult | None
    webhookOrder: str | None
    plannedOrder: str | None
    paymentToken: str | None
    isConfirmed: bool
    warnings: list[Warning]
    failure: SdkFailure | None
    form: dict[str, str]


class RegisteredTerms(TypedDict, total=False):
    """What the merchant's server has registered before the window opens (`pre-register`)."""

    totalAmount: int
    taxFreeAmount: int
    currency: str


class Channel(TypedDict):
    type: str
    id: str
    key: str
    name: str
    pgProvider: str
    pgMerchantId: str


class ListedChannel(TypedDict):
    """A channel as `GET /control/channels` lists it. manualApproval: 수동 승인."""

    key: str
    pgProvider: str
    type: str
    name: str
    manualApproval: bool


class Origin(TypedDict):
    """The buyer's browser, and the address of the merchant's page."""

    platformType: str
    ipAddress: str
    userAgent: str
    url: str


class Amount(TypedDict):
    """paid: the price after discounts. Real READY and FAILED records carry it too."""

    total: int
    taxFree: int
    vat: int
    supply: int
    discount: int
    paid: int
    cancelled: int
    cancelledTaxFree: int


class _PaymentMethod(TypedDict):
    type: str


class PaymentMethod(_PaymentMethod, total=False):
    """What is paid with. `type` decides which of the keys are there."""

    card: Json
    installment: Json
    pointUsed: bool
    approvalNumber: str
    bank: str
    accountNumber: str
    accountType: str
    remitteeName: str
    remitterName: str
    issuedAt: str
    expiredAt: str
    provider: str
    easyPayMethod: "PaymentMethod"
    phoneNumber: str
    giftCertificateType: str
    convenienceStoreBrand: str
    receiptNumber: str
    paymentDeadline: str


class CancelledParts(TypedDict):
    totalAmount: int
    taxFreeAmount: int
    vatAmount: int


class _Cancellation(CancelledParts):
    status: str
    id: str
    reason: str
    requestedAt: str
    trigger: str


class Cancellation(_Cancellation, total=False):
    """status: SUCCEEDED, REQUESTED or FAILED. trigger: "API" or "CONSOLE".

    pgCancellationId, cancelledAt: only if it succeeded.
    """

    pgCancellationId: str
    cancelledAt: str


class _Payment(TypedDict):
    status: str
    id: str
    transactionId: str
    merchantId: str
    storeId: str
    channel: Channel
    version: str
    requestedAt: str
    updatedAt: str
    statusChangedAt: str
    orderName: str
    amount: Amount
    currency: str
    customer: Json
    origin: Origin


class Payment(_Payment, total=False):
    """A payment's record: the JSON which `GET /payments/{paymentId}` answers."""

    channelGroup: Json
    method: PaymentMethod
    country: str
    isCulturalExpense: bool
    promotionId: str
    products: list[Json]
    customData: str
    pgTxId: str
    receiptUrl: str
    disputes: list[Json]
    failure: Json
    cancellations: list[Cancellation]
    paidAt: str
    failedAt: str
    cancelledAt: str
    webhooks: list[ShownWebhook]


class IdempotentAnswer(TypedDict):
    """What was answered to an Idempotency-Key. status, answer: None while the call is running.

    fingerprint: of the request. expires_at: seconds since 1970.
    """

    fingerprint: str
    expires_at: float
    answer: Json | None
    status: int | None
