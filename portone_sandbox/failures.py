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


# Codes and messages of Toss Payments: https://docs.tosspayments.com/reference/error-codes
DECLINED = _pg_failure("EXCEED_MAX_AMOUNT", "거래금액 한도를 초과했습니다.")
CANCELLED_BY_BUYER = _pg_failure("PAY_PROCESS_CANCELED", "사용자가 결제를 취소하였습니다")
PAID_ALREADY = _pg_failure("ALREADY_PROCESSED_PAYMENT", "이미 처리된 결제 입니다.")
# A code of TxServicePayErrorCode in npm's @portone/browser-sdk. Its message is not published.
OTHER_AMOUNT: SdkFailure = {
    "code": "AmountNotEqualToPredefined",
    "message": "사전 등록된 결제 정보와 일치하지 않습니다.",
}
