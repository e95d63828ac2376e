"""Why a PG declines a payment: its codes and messages, by kind.

Those of Toss Payments: https://docs.tosspayments.com/reference/error-codes
PortOne's documentation lists those of no PG: it passes on what the PG says, as `pgCode` and
`pgMessage`. So the other PGs' channels offer these too, and a script may name any other code there.
"""

import re

from . import channels
from .errors import Refused
from .request_documents import PaymentRequest

# What the window calls the kind -> {code: message}.
KINDS = {
    "Over a limit": {
        "EXCEED_MAX_AMOUNT": "거래금액 한도를 초과했습니다.",
        "EXCEED_MAX_PAYMENT_AMOUNT": "하루 결제 가능 금액을 초과했습니다.",
        "EXCEED_MAX_DAILY_PAYMENT_COUNT": "하루 결제 가능 횟수를 초과했습니다.",
        "EXCEED_MAX_ONE_DAY_AMOUNT": "일일 한도를 초과했습니다.",
        "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT": (
            "당월 결제 가능금액인 1,000,000원을 초과 하셨습니다."
        ),
        "EXCEED_MAX_ONE_DAY_WITHDRAW_AMOUNT": "1일 출금 한도를 초과했습니다.",
        "EXCEED_MAX_ONE_TIME_WITHDRAW_AMOUNT": "1회 출금 한도를 초과했습니다.",
    },
    "Not enough money": {
        "REJECT_ACCOUNT_PAYMENT": "잔액부족으로 결제에 실패했습니다.",
        "REJECT_CARD_PAYMENT": "한도초과 혹은 잔액부족으로 결제에 실패했습니다.",
    },
    "A wrong entry": {
        "INVALID_CARD_NUMBER": "카드번호를 다시 확인해주세요.",
        "INVALID_PASSWORD": "결제 비밀번호가 일치하지 않습니다.",
        "INVALID_CARD_EXPIRATION": "카드 정보를 다시 확인해주세요. (유효기간)",
    },
    "Refused by the card company": {
        "REJECT_CARD_COMPANY": "결제 승인이 거절되었습니다.",
        "INVALID_REJECT_CARD": "카드 사용이 거절되었습니다. 카드사 문의가 필요합니다.",
        "INVALID_STOPPED_CARD": "정지된 카드 입니다.",
        "INVALID_CARD_LOST_OR_STOLEN": "분실 혹은 도난 카드입니다.",
    },
    "A fault, or maintenance": {
        "PROVIDER_ERROR": "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.",
        "CARD_PROCESSING_ERROR": "카드사에서 오류가 발생했습니다.",
        "COMMON_ERROR": "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.",
        "NOT_AVAILABLE_BANK": "은행 서비스 시간이 아닙니다.",
        "NOT_AVAILABLE_PAYMENT": "결제가 불가능한 시간대입니다.",
    },
    "Too late, or twice": {
        "NOT_FOUND_PAYMENT_SESSION": ("결제 시간이 만료되어 결제 진행 데이터가 존재하지 않습니다."),
        "ALREADY_PROCESSED_PAYMENT": "이미 처리된 결제 입니다.",
    },
    "Other reasons": {
        "INVALID_CARD_INSTALLMENT_PLAN": "할부 개월 정보가 잘못되었습니다.",
        "NOT_SUPPORTED_INSTALLMENT_PLAN_CARD_OR_MERCHANT": (
            "할부가 지원되지 않는 카드 또는 가맹점 입니다."
        ),
        "EXCEED_MAX_AUTH_COUNT": "최대 인증 횟수를 초과했습니다. 카드사로 문의해주세요.",
    },
}
MESSAGES = {code: message for codes in KINDS.values() for code, message in codes.items()}
USUAL = "EXCEED_MAX_AMOUNT"
WITHOUT_MESSAGE = "결제가 거절되었습니다."
# What a PG's code may look like.
PATTERN = re.compile(r"[\w.-]{1,50}")


def check_code(params: PaymentRequest, code: object) -> str:
    """The code of a decline; without one the usual. params: the merchant's request.

    Refused when it is none of these, or, at another PG than Toss Payments, no code at all.
    """
    if code in (None, *MESSAGES):
        return USUAL if code is None else str(code)
    provider = channels.CHANNELS[params["channelKey"]]["pgProvider"]
    if provider != channels.DEFAULT_PG and isinstance(code, str) and PATTERN.fullmatch(code):
        return code
    raise Refused("INVALID_REQUEST", f"code must be one of {', '.join(MESSAGES)}.")
