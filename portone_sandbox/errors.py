"""What the REST API refuses, with PortOne's own messages, and what the SDK throws."""

from __future__ import annotations

from .documents import Json, SdkFailure

# `type` of portone-server-sdk's …Error classes: the status, and the message.
# Statuses: https://developers.portone.io/api/rest-v2/payment
REFUSALS = {
    "INVALID_REQUEST": (400, "요청된 입력 정보가 유효하지 않습니다."),
    "UNAUTHORIZED": (401, "인증 정보가 올바르지 않습니다."),
    "FORBIDDEN": (403, "접근 권한이 없는 상점 아이디입니다."),
    "PAYMENT_NOT_FOUND": (404, "결제 건이 존재하지 않습니다."),
    "WEBHOOK_NOT_FOUND": (404, "웹훅 내역이 존재하지 않습니다."),
    "INVALID_PAYMENT_TOKEN": (400, "유효하지 않은 결제 토큰입니다."),
    "INFORMATION_MISMATCH": (409, "결제 정보가 일치하지 않습니다."),
    "ALREADY_PAID": (409, "결제가 이미 완료되었습니다."),
    "PAYMENT_NOT_PAID": (409, "결제가 완료되지 않았습니다."),
    "PAYMENT_NOT_WAITING_FOR_DEPOSIT": (409, "결제 건이 입금 대기 상태가 아닙니다."),
    "PAYMENT_ALREADY_CANCELLED": (409, "결제가 이미 취소되었습니다."),
    "CANCELLABLE_AMOUNT_CONSISTENCY_BROKEN": (409, "취소 가능 잔액 검증에 실패했습니다."),
    "CANCEL_AMOUNT_EXCEEDS_CANCELLABLE_AMOUNT": (
        409,
        "결제 취소 금액이 취소 가능 금액을 초과했습니다.",
    ),
    "SUM_OF_PARTS_EXCEEDS_CANCEL_AMOUNT": (
        409,
        "하위 항목들의 합이 전체 취소 금액을 초과했습니다.",
    ),
    "CANCEL_TAX_FREE_AMOUNT_EXCEEDS_CANCELLABLE_TAX_FREE_AMOUNT": (
        409,
        "취소 가능한 면세 금액을 초과했습니다.",
    ),
    "CANCEL_TAX_AMOUNT_EXCEEDS_CANCELLABLE_TAX_AMOUNT": (
        409,
        "취소 가능한 과세 금액을 초과했습니다.",
    ),
    "IDEMPOTENCY_OUTSTANDING_REQUEST": (409, "같은 멱등 키의 요청이 아직 처리되고 있습니다."),
    "MAX_WEBHOOK_RETRY_COUNT_REACHED": (400, "웹훅을 더 이상 다시 보낼 수 없습니다."),
    "NOT_IN_SANDBOX": (404, "이 샌드박스에 없는 기능입니다."),  # not of PortOne's
    "PG_PROVIDER": (502, "PG사에서 오류를 전달했습니다."),
}


class Refused(Exception):
    """The REST API refuses a call.

    type: one of REFUSALS. status: of the HTTP answer. answer: the JSON body, `{type, message}` and,
    for PG_PROVIDER, `pgCode` and `pgMessage`.
    """

    def __init__(
        self, type: str, message: str | None = None, status: int | None = None, **more: str
    ) -> None:
        usual_status, usual_message = REFUSALS[type]
        super().__init__(message or usual_message)
        self.type = type
        self.message = message or usual_message
        self.status = status or usual_status
        self.answer: Json = {"type": type, "message": self.message, **more}


def pg_refusal(failure: SdkFailure) -> Refused:
    """The REST API's answer to what a PG refuses. failure: one of failures.py, with its pgCode."""
    code, message = failure["pgCode"], failure["pgMessage"]
    return Refused("PG_PROVIDER", failure["message"], pgCode=code, pgMessage=message)


class RequestError(Exception):
    """The SDK refuses a payment request and throws it as a PaymentError.

    code: of the PaymentError. status: of the HTTP answer that carries it to the SDK.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
