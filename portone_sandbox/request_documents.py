"""The merchant's payment request as types: the parameters of `PortOne.requestPayment`.

Amounts are in the currency's minor unit. Optional keys are absent, not null.
"""

from typing import Any, TypedDict

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
