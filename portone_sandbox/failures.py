"""How a payment window fails: codes and messages of the PG or of PortOne's SDK."""

from .documents import SdkFailure


def _pg_failure(code: str, message: str) -> SdkFailure:
    """PortOne has one code for whatever a PG refuses, and puts the PG's code in brackets."""
    return {
        "code": "FAILURE_TYPE_PG",
        "message": f"[{code}] {message}",
        "pgCode": code,
        "pgMessage": message,
    }


# Why a PG declines, with its message. Codes and messages of Toss Payments:
# https://docs.tosspayments.com/reference/error-codes
DECLINE_MESSAGES = {
    "EXCEED_MAX_AMOUNT": "거래금액 한도를 초과했습니다.",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT": "하루 결제 가능 횟수를 초과했습니다.",
    "REJECT_ACCOUNT_PAYMENT": "잔액부족으로 결제에 실패했습니다.",
    "REJECT_CARD_PAYMENT": "한도초과 혹은 잔액부족으로 결제에 실패했습니다.",
    "INVALID_CARD_NUMBER": "카드번호를 다시 확인해주세요.",
    "INVALID_PASSWORD": "결제 비밀번호가 일치하지 않습니다.",
    "INVALID_CARD_EXPIRATION": "카드 정보를 다시 확인해주세요. (유효기간)",
    "REJECT_CARD_COMPANY": "결제 승인이 거절되었습니다.",
    "INVALID_REJECT_CARD": "카드 사용이 거절되었습니다. 카드사 문의가 필요합니다.",
    "INVALID_STOPPED_CARD": "정지된 카드 입니다.",
    "INVALID_CARD_LOST_OR_STOLEN": "분실 혹은 도난 카드입니다.",
    "PROVIDER_ERROR": "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.",
    "CARD_PROCESSING_ERROR": "카드사에서 오류가 발생했습니다.",
    "NOT_AVAILABLE_BANK": "은행 서비스 시간이 아닙니다.",
    "NOT_FOUND_PAYMENT_SESSION": ("결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다."),
}
DECLINED_WITHOUT_REASON = "결제가 거절되었습니다."
DECLINED = _pg_failure("EXCEED_MAX_AMOUNT", DECLINE_MESSAGES["EXCEED_MAX_AMOUNT"])


def declined(code: str) -> SdkFailure:
    """The PG declines with this code. Every PG has its own codes, so any is taken."""
    return _pg_failure(code, DECLINE_MESSAGES.get(code, DECLINED_WITHOUT_REASON))


NOT_APPROVED = _pg_failure("REJECT_CARD_COMPANY", "결제 승인이 거절되었습니다.")
# PortOne's release notes class a closed account as a failed payment, named 계좌말소:
# https://developers.portone.io/release-notes/api-sdk/2024-01-25
# The other fields of its failure are not documented; these are the sandbox's own.
ACCOUNT_CLOSED: SdkFailure = {"message": "계좌말소"}
CANCELLED_BY_BUYER = _pg_failure("PAY_PROCESS_CANCELED", "사용자가 결제를 취소하였습니다")
CLOSE_REFUSED = _pg_failure("NOT_CANCELABLE_PAYMENT", "취소 할 수 없는 결제 입니다.")
PAID_ALREADY = _pg_failure("ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제 입니다.")

NO_REFUND_ACCOUNT = _pg_failure("INVALID_REFUND_ACCOUNT_NUMBER", "잘못된 환불 계좌번호입니다.")
NO_PARTS = _pg_failure("NOT_ALLOWED_PARTIAL_REFUND", "부분 환불이 불가합니다.")
TOO_MANY_PARTS = _pg_failure("NOT_ALLOWED_PARTIAL_REFUND", "부분 환불 횟수를 초과했습니다.")


def account_field(name: str) -> SdkFailure:
    """A refund account that lacks what this PG needs. The code is the sandbox's own."""
    return _pg_failure("INVALID_REFUND_ACCOUNT", f"refundAccount.{name}이 필요합니다.")


def demanded(message: str) -> SdkFailure:
    """A payment that the PG fails for what the request has. The code is the sandbox's own."""
    return _pg_failure("INVALID_REQUEST", message)


# A code of TxServicePayErrorCode in npm's @portone/browser-sdk. Its message is not published.
OTHER_AMOUNT: SdkFailure = {
    "code": "AmountNotEqualToPredefined",
    "message": "사전 등록된 결제 정보와 일치하지 않습니다.",
}
