"""How a payment window fails: codes and messages of the PG or of PortOne's SDK."""

from . import declines
from .documents import SdkFailure


def _pg_failure(code: str, message: str) -> SdkFailure:
    """PortOne has one code for whatever a PG refuses, and puts the PG's code in brackets."""
    return {
        "code": "FAILURE_TYPE_PG",
        "message": f"[{code}] {message}",
        "pgCode": code,
        "pgMessage": message,
    }


def declined(code: str) -> SdkFailure:
    """The PG declines with this code, one of declines.MESSAGES or another PG's own."""
    return _pg_failure(code, declines.MESSAGES.get(code, declines.WITHOUT_MESSAGE))


DECLINED = declined(declines.USUAL)
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


def refund_field(name: str) -> SdkFailure:
    """A cancellation that lacks what this PG needs. The code is the sandbox's own."""
    return _pg_failure("INVALID_REFUND_ACCOUNT", f"{name} 값이 필요합니다.")


def demanded(message: str) -> SdkFailure:
    """A payment that the PG fails for what the request has. The code is the sandbox's own."""
    return _pg_failure("INVALID_REQUEST", message)


# A code of TxServicePayErrorCode in npm's @portone/browser-sdk. Its message is not published.
OTHER_AMOUNT: SdkFailure = {
    "code": "AmountNotEqualToPredefined",
    "message": "사전 등록된 결제 정보와 일치하지 않습니다.",
}
