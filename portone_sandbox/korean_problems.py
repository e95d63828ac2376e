"""The Korean of journal_problems.py. `{}` stands for what differs from problem to problem."""

import re

PROBLEMS = {
    "The storeId of the query is not the store's.": "쿼리의 storeId가 이 상점의 것이 아닙니다.",
    "PORTONE_STORE_ID must be the sandbox's.": (
        "PORTONE_STORE_ID가 샌드박스의 값과 같은지 확인하세요."
    ),
    "no Authorization": "Authorization 없음",
    "PORTONE_API_SECRET must be the sandbox's, after 'PortOne' and one space.": (
        "'PortOne'과 공백 한 칸 뒤에 샌드박스의 PORTONE_API_SECRET을 넣었는지 확인하세요."
    ),
    "The header Authorization is missing.": "Authorization 헤더가 없습니다.",
    "The secret is right, but the scheme 'PortOne ' before it is missing.": (
        "API Secret은 맞지만 앞에 'PortOne '이 없습니다."
    ),
    "The secret is right, but the scheme is '{}' and must be 'PortOne'.": (
        "API Secret은 맞지만 앞부분이 '{}'입니다. 'PortOne'이어야 합니다."
    ),
    "That is a webhook secret. The API takes the API secret.": (
        "웹훅 시크릿입니다. API에는 API Secret을 사용하세요."
    ),
    "The secret is right, but has quotation marks around it.": (
        "API Secret은 맞지만 따옴표로 감싸져 있습니다."
    ),
    "The secret is another one: already its first character differs.": (
        "API Secret이 다릅니다. 첫 글자부터 다릅니다."
    ),
    "The first {} characters of the secret are right,"
    " then it differs ({} instead of {} characters).": (
        "API Secret의 앞 {}자는 맞지만 그 뒤가 다릅니다. (받은 값 {}자, 올바른 값 {}자)"
    ),
    "The merchant refused the webhook; its answer may say why. The signature is right. If the"
    " merchant finds it wrong, then its secret is another one, or it does not check the body"
    " exactly as it came.": (
        "상점이 웹훅을 거부했습니다. 이유는 상점의 응답을 확인하세요. 서명은 올바릅니다."
        " 상점에서 서명 오류가 난다면 웹훅 시크릿이 다르거나, 받은 본문을 그대로 검증하지 않은 것입니다."
    ),
    "The signature is 'v1,' and the base64 of HMAC-SHA256 of this text, with the bytes {}"
    " (hexadecimal; the part of {} after 'whsec_', decoded from base64) as the key:\n{}": (
        "서명은 'v1,' 뒤에 아래 텍스트의 HMAC-SHA256 값을 base64로 붙인 것입니다. 키는 16진수로"
        " {}이며, {}에서 'whsec_' 뒤를 base64로 디코딩한 값입니다.\n{}"
    ),
}
PATTERNS = [
    (re.compile(re.escape(english).replace(r"\{\}", "(.*?)"), re.DOTALL), korean)
    for english, korean in PROBLEMS.items()
]


def in_korean(text: str) -> str:
    """The same text when it has no Korean, such as a header."""
    for pattern, korean in PATTERNS:
        if found := pattern.fullmatch(text):
            return korean.format(*found.groups())
    return text
