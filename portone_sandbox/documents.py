"""The documents of the sandbox as types: what is read, stored and answered as JSON.

Times are RFC 3339 in UTC, amounts in the currency's minor unit. Optional keys are absent, not null,
unless a type says `| None`.
"""

from typing import Any, TypedDict

from .webhook_documents import ShownWebhook

Json = dict[str, Any]


class Deadline(TypedDict, total=False):
    """When a virtual account or a convenience store payment is due: one of the two."""

    validHours: int
    dueDate: str


class MonthOption(TypedDict, total=False):
    fixedMonth: int
    availableMonthList: list[int]


class Installment(TypedDict, total=False):
    monthOption: MonthOption


class CardOption(TypedDict, total=False):
    cardCompany: str
    installment: Installment


class VirtualAccountOption(TypedDict, total=False):
    bankCode: str
    accountExpiry: Deadline


class ConvenienceStoreOption(TypedDict, total=False):
    paymentDeadline: Deadline


class _PaymentRequest(TypedDict):
    storeId: str
    channelKey: str
    paymentId: str
    orderName: str
    totalAmount: int
    currency: str
    payMethod: str


class PaymentRequest(_PaymentRequest, total=False):
    """What the merchant gave to `PortOne.requestPayment`, checked by payment_request.py.

    Only what the sandbox uses; payment_request.PAYMENT_REQUEST has every parameter.
    """

    channelGroupId: str
    taxFreeAmount: int
    vatAmount: int
    redirectUrl: str
    noticeUrls: list[str]
    country: str
    locale: str
    isCulturalExpense: bool
    promotionId: str
    customer: Json
    customData: Json
    products: list[Json]
    offerPeriod: Json
    card: CardOption
    virtualAccount: VirtualAccountOption
    convenienceStore: ConvenienceStoreOption


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
    """What the promise of `PortOne.requestPayment` gives; without `code` nothing failed."""


class Checkout(TypedDict):
    """One payment window, which is one attempt at a payment.

    windowType: IFRAME, POPUP or REDIRECTION. origin: where the result may be posted to, or "*".
    outcome, result: how it ended, None while it is open. webhookOrder: what the switch "webhooks"
    was set to at its end, or None.
    """

    txId: str
    paymentId: str
    request: PaymentRequest
    windowType: str
    origin: str
    outcome: str | None
    result: SdkResult | None
    webhookOrder: str | None


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


class Cancellation(CancelledParts):
    """trigger: "API" or "CONSOLE"."""

    status: str
    id: str
    pgCancellationId: str
    reason: str
    cancelledAt: str
    requestedAt: str
    trigger: str


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
