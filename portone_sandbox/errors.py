"""What PortOne refuses, in its own words."""

from werkzeug.exceptions import HTTPException

# `type` of portone-server-sdk's …Error classes: status at https://developers.portone.io/api/rest-v2/payment, message.
REFUSALS = {
    "INVALID_REQUEST": (400, "요청된 입력 정보가 유효하지 않습니다."),
    "UNAUTHORIZED": (401, "인증 정보가 올바르지 않습니다."),
    "FORBIDDEN": (403, "접근 권한이 없는 상점 아이디입니다."),
    "PAYMENT_NOT_FOUND": (404, "결제 건이 존재하지 않습니다."),
    "WEBHOOK_NOT_FOUND": (404, "웹훅 내역이 존재하지 않습니다."),
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
    "PG_PROVIDER": (502, "PG사에서 오류를 전달했습니다."),
}


class Refused(HTTPException):
    """Answered as `{type, message}`, for PG_PROVIDER with `pgCode` and `pgMessage`; to a browser as a page."""

    name = ""

    def __init__(self, type, message=None, code=None, **more):
        status, usual = REFUSALS[type]
        super().__init__(message or usual)
        self.name = type
        self.code = code or status
        self.answer = {"type": type, "message": self.description, **more}, self.code
