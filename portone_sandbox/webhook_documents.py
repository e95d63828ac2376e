"""The documents of webhooks as types. Times are RFC 3339 in UTC."""

from typing import TypedDict


class _WebhookRequest(TypedDict):
    body: str


class WebhookRequest(_WebhookRequest, total=False):
    header: str
    requestedAt: str


class WebhookResponse(TypedDict):
    code: str
    header: str
    body: str
    respondedAt: str


class _Delivery(TypedDict):
    trigger: str | None
    request: WebhookRequest


class Delivery(_Delivery, total=False):
    """One try to send a webhook. error: why there was no response."""

    status: str
    response: WebhookResponse
    error: str
    seconds: float


class _Webhook(TypedDict):
    paymentStatus: str
    id: str
    url: str
    isAsync: bool
    currentExecutionCount: int
    maxExecutionCount: int
    request: WebhookRequest


class ShownWebhook(_Webhook, total=False):
    """`PaymentWebhook` of portone-server-sdk, as the payment's record shows it.

    status, trigger, request and response are those of the last try.
    """

    status: str | None
    trigger: str | None
    response: WebhookResponse | None
    triggeredAt: str


class Webhook(ShownWebhook):
    """A webhook as it is stored.

    eventType: such as "Transaction.Paid". eventTrigger: PaymentWebhookTrigger of
    portone-server-sdk, or None. isResend: somebody asked to send it again. retryAt: when it is due
    by itself after that, in seconds since 1970; None for never. isHeld: it waits for that of the
    next status; wasHeld: it has. isRepeated: it is to be sent twice. deliveries: every try, oldest
    first.
    """

    eventType: str
    eventTrigger: str | None
    isResend: bool
    retryAt: float | None
    isHeld: bool
    wasHeld: bool
    isRepeated: bool
    deliveries: list[Delivery]
