"""What a PG demands, in a sentence: for the SDK's message, the console and the warnings."""

import re
from typing import Any

from .channels import Check

WANTS = {
    "en": {
        "required": "is required",
        "equals": "must be {value}",
        "forbidden": "must be left out",
        "enum": "must be one of {value}",
        "notIn": "must not be {value}",
        "pattern": "must match {value}",
        "maxChars": "must have at most {value} characters",
        "maxBytes": "must have at most {value} bytes",
        "forbiddenChars": "must have none of the characters {value}",
        "discouragedChars": "should have none of the characters {value}",
        "allowedSpecialChars": "must have no special characters other than {value}",
        "digitsOnly": "must have digits only",
        "notBlank": "must not be blank",
        "min": "must be at least {value}",
        "max": "must be at most {value}",
        "maxHours": "must be at most {value} hours from now",
        "future": "must be in the future",
        "rangeDays": "must be {value} days from now",
        "maxMinutes": "must be at most {value} minutes from now",
        "maxItems": "must have at most {value} elements",
        "type": "must be a {value}",
        "withLastName": "needs customer.lastName, and the other way round",
        "bothEnds": "needs both range.from and range.to",
        "sumEqualsTotal": "must add up to totalAmount (amount × quantity)",
        "matchesMid": "must be what the MID is set to at the PG",
        "matchesCashReceiptType": "belongs to PERSONAL and CORPORATE, and not to ANONYMOUS",
        "onlyPayMethods": "is for {value} only",
        "contract": "needs a contract with the PG",
        "ignored": "has no effect",
        "supported": "must be one that the PG supports",
    },
    "ko": {
        "required": "필수 입력",
        "equals": "{value}이어야 함",
        "forbidden": "입력하면 안 됨",
        "enum": "{value} 중 하나",
        "notIn": "{value} 사용 불가",
        "pattern": "{value} 형식",
        "maxChars": "최대 {value}자",
        "maxBytes": "최대 {value}바이트",
        "forbiddenChars": "{value} 문자 사용 불가",
        "discouragedChars": "{value} 문자는 권장하지 않음",
        "allowedSpecialChars": "특수문자는 {value}만 사용 가능",
        "digitsOnly": "숫자만 입력",
        "notBlank": "공백만 입력할 수 없음",
        "min": "최소 {value}",
        "max": "최대 {value}",
        "maxHours": "지금부터 최대 {value}시간",
        "future": "현재 시각 이후여야 함",
        "rangeDays": "지금부터 {value}일 이내",
        "maxMinutes": "지금부터 최대 {value}분",
        "maxItems": "최대 {value}개",
        "type": "{value} 타입",
        "withLastName": "customer.lastName과 함께 입력",
        "bothEnds": "range.from과 range.to를 모두 입력",
        "sumEqualsTotal": "amount × quantity의 합계가 totalAmount와 같아야 함",
        "matchesMid": "PG사에 등록된 MID 설정과 같아야 함",
        "matchesCashReceiptType": "PERSONAL과 CORPORATE일 때만 입력",
        "onlyPayMethods": "{value}에서만 사용 가능",
        "contract": "PG사와 별도 계약 필요",
        "ignored": "입력해도 적용되지 않음",
        "supported": "PG사가 지원하는 값이어야 함",
    },
}
# The value of a condition is put in; True and False choose one of two.
CONDITIONS: dict[str, dict[str, str | tuple[str, str]]] = {
    "en": {
        "payMethod": "for {value}",
        "easyPayProvider": "with {value}",
        "notEasyPayProvider": "unless with {value}",
        "availablePayMethods": "if availablePayMethods has {value}",
        "cardCompany": "for the cards {value}",
        "currency": "in {value}",
        "notCurrency": "in other currencies than {value}",
        "channel": "on a {value} channel",
        "device": "on {value}",
        "method": "for {value}",
        "not": "unless for {value}",
        "cbtType": "for CBT type {value}",
        "withoutBypass": "unless the bypass has {value}",
        "bypassPresent": "if bypass.{value} is given",
        "direct": ("if the PG's own choice is skipped", "unless the PG's own choice is skipped"),
        "escrow": ("with escrow", "without escrow"),
        "fixedMonth": ("with fixedMonth", "without fixedMonth"),
        "anonymousReceipt": ("for ANONYMOUS", "unless for ANONYMOUS"),
        "cashReceiptType": ("with cashReceiptType", "without cashReceiptType"),
        "productsPresent": ("if there are products", "if there are no products"),
        "emailGiven": ("if customer.email is given", "unless customer.email is given"),
    },
    "ko": {
        "payMethod": "{value}",
        "easyPayProvider": "{value}",
        "notEasyPayProvider": "{value} 제외",
        "availablePayMethods": "availablePayMethods가 {value}",
        "cardCompany": "카드사 {value}",
        "currency": "{value}",
        "notCurrency": "{value} 외의 통화",
        "channel": "{value} 채널",
        "device": "{value}",
        "method": "{value}",
        "not": "{value} 제외",
        "cbtType": "CBT {value}",
        "withoutBypass": "bypass에 {value}이 없을 때",
        "bypassPresent": "bypass.{value} 입력 시",
        "direct": ("다이렉트 호출", "다이렉트 호출이 아닐 때"),
        "escrow": ("에스크로", "에스크로가 아닐 때"),
        "fixedMonth": ("fixedMonth 입력 시", "fixedMonth 미입력 시"),
        "anonymousReceipt": ("ANONYMOUS", "ANONYMOUS 제외"),
        "cashReceiptType": ("cashReceiptType 입력 시", "cashReceiptType 미입력 시"),
        "productsPresent": ("products 입력 시", "products 미입력 시"),
        "emailGiven": ("customer.email 입력 시", "customer.email 미입력 시"),
    },
}
EFFECTS = {
    "en": {
        "truncated": "what is longer is cut",
        "mayFail": "the payment may fail",
        "paymentFails": "the payment fails",
        "differentResult": "the result may be another",
        "advice": "advised only",
        "unclear": "what happens otherwise is not documented",
    },
    "ko": {
        "truncated": "초과분은 잘림",
        "mayFail": "결제가 실패할 수 있음",
        "paymentFails": "결제가 실패함",
        "differentResult": "의도와 다른 결과가 나올 수 있음",
        "advice": "권장 사항",
        "unclear": "지키지 않았을 때의 결과는 문서에 없음",
    },
}


# What a condition names that is chosen in the PG's window.
KOREAN_NAMES = {
    "Japanese convenience store": "일본 편의점 결제",
    "overseas card": "해외 카드",
    "bank transfer": "계좌이체",
    "pc": "PC",
    "Naver Pay": "네이버페이",
    "mobile": "모바일",
    "mobile_web": "모바일 웹",
    "ios_app": "iOS 앱",
    "app": "앱",
}
ENGLISH_NAMES = {
    "pc": "PC",
    "mobile_web": "the mobile web",
    "ios_app": "an iOS app",
    "app": "an app",
}


def quotation(check: Check) -> str | None:
    """The error in the page's words, which are Korean."""
    says = check.get("says", "")
    return says.removeprefix("error ") if re.search("[가-힣]", says) else None


def sentence(check: Check, language: str) -> str:
    """language: "en" or "ko"."""
    rule = "equals" if check["rule"] == "required" and "value" in check else check["rule"]
    wanted = WANTS[language][rule].format(value=_shown(check.get("value"), check["rule"]))
    if check["rule"] == "maxBytes":
        wanted += f" ({check.get('encoding', 'UTF-8').upper()})"
    quoted = quotation(check)
    conditions = [_condition(*each, language) for each in check.get("when", {}).items()]
    more = [EFFECTS[language].get(check["effect"])]
    if language == "ko":
        notes = ", ".join(filter(None, [*conditions, *more, quoted]))
        return f"{check['path']}: {wanted}{f' ({notes})' if notes else ''}"
    notes = ": ".join(filter(None, [*more, None if quoted else check.get("says")]))
    start = " ".join([check["path"], wanted, *conditions])
    return f"{start}{f' ({notes})' if notes else ''}."


def _condition(name: str, value: Any, language: str) -> str:
    text = CONDITIONS[language][name]
    if isinstance(text, tuple):
        return text[0] if value else text[1]
    names = KOREAN_NAMES if language == "ko" else ENGLISH_NAMES
    shown = names.get(value, value) if isinstance(value, str) else value
    return text.format(value=_shown(shown, name))


def _shown(value: Any, rule: str) -> str:
    if rule == "rangeDays" and isinstance(value, list):
        return "–".join(map(str, value))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "true" if value is True else str(value)
