"""The Korean of the pages and of the server's messages: {English: Korean}. What is missing is shown in English."""

# Banks of virtual accounts, by PortOne's codes.
BANKS = {
    "KOOKMIN": "국민은행",
    "SHINHAN": "신한은행",
    "WOORI": "우리은행",
    "HANA": "하나은행",
    "NONGHYUP": "농협은행",
    "IBK": "기업은행",
    "STANDARD_CHARTERED": "SC제일은행",
    "KAKAO": "카카오뱅크",
    "TOSS": "토스뱅크",
    "K_BANK": "케이뱅크",
    "POST": "우체국",
    "BUSAN": "부산은행",
    "DAEGU": "대구은행",
    "KWANGJU": "광주은행",
    "KYONGNAM": "경남은행",
    "SUHYUP": "수협은행",
    "CITI": "씨티은행",
    "JEJU": "제주은행",
    "JEONBUK": "전북은행",
    "KDB": "산업은행",
    "KFCC": "새마을금고",
    "SHINHYUP": "신협",
}

KOREAN = {
    # every page
    "PortOne demo shop": "포트원 데모 상점",
    "Language": "언어",
    "PortOne console": "포트원 콘솔",
    # the order page
    "Order": "주문하기",
    "The payment window needs JavaScript. Please turn it on.": "결제창을 열려면 자바스크립트가 필요합니다. 브라우저 설정에서 켜 주세요.",
    "Product": "상품",
    "Buyer": "주문자",
    "Name": "이름",
    "Phone": "휴대폰 번호",
    "E-mail": "이메일",
    "Payment method": "결제 수단",
    "Card": "카드",
    "Virtual account": "가상계좌",
    "Bank transfer": "계좌이체",
    "Easy pay": "간편결제",
    "Mobile phone bill": "휴대폰 소액결제",
    "Payment window": "결제창",
    "Automatic (recommended)": "자동 (권장)",
    "On this page (IFRAME)": "이 페이지 안에서 (IFRAME)",
    "New window (POPUP)": "새 창으로 (POPUP)",
    "Go to the payment page (REDIRECTION)": "결제 페이지로 이동 (REDIRECTION)",
    "Pay": "결제하기",
    "Pay %s": "%s 결제하기",
    # checkout.js
    "The payment module could not be loaded. Check your connection or content blocker, then reload this page.":
        "결제 모듈을 불러오지 못했습니다. 인터넷 연결이나 콘텐츠 차단 설정을 확인한 뒤 페이지를 새로고침해 주세요.",
    "The shop could not be reached. Check your connection and try again.":
        "상점 서버에 연결하지 못했습니다. 인터넷 연결을 확인하고 다시 시도해 주세요.",
    "Preparing the payment…": "결제를 준비하고 있습니다…",
    "Continue in the payment window.": "결제창에서 결제를 진행해 주세요.",
    "The payment window could not be opened. Nothing has been charged. Try again, or tell the shop.":
        "결제창을 열지 못했습니다. 결제된 금액은 없습니다. 다시 시도하시거나 상점에 문의해 주세요.",
    "The browser blocked the payment window. Nothing has been charged. Allow popups for this site, or choose another payment window, and try again.":
        "브라우저가 결제창을 차단했습니다. 결제된 금액은 없습니다. 이 사이트의 팝업을 허용하거나 다른 결제창을 선택한 뒤 다시 시도해 주세요.",
    "The payment window could not be opened because of the shop's settings. Nothing has been charged. Please tell the shop.":
        "상점의 결제 설정 문제로 결제창을 열지 못했습니다. 결제된 금액은 없습니다. 상점에 알려 주세요.",
    "The amount is no longer that of the order. Nothing has been charged. Reload this page and order again.":
        "결제 금액이 주문 금액과 다릅니다. 결제된 금액은 없습니다. 페이지를 새로고침한 뒤 다시 주문해 주세요.",
    "This payment was made before or is under way. Do not pay again; see the order page.":
        "이미 완료되었거나 진행 중인 결제입니다. 다시 결제하지 마시고 주문 상세를 확인해 주세요.",
    "Confirming the payment…": "결제를 확인하고 있습니다…",
    "The payment is still being confirmed. You do not need to pay again; its state is on the order page.":
        "결제를 아직 확인하고 있습니다. 다시 결제하지 마시고, 주문 상세에서 결과를 확인해 주세요.",
    "Order page": "주문 상세 보기",
    "Reload this page": "페이지 새로고침",
    # the result page
    "The payment window's message:": "결제창 메시지:",
    "For the developer:": "개발자 안내:",
    # words.py: what happened, and what now
    "Not paid yet": "결제 대기 중",
    "No payment has been confirmed for this order.": "아직 확인된 결제가 없습니다.",
    "If you have just paid, check again in a moment. If not, try the payment again.":
        "방금 결제하셨다면 잠시 후 다시 확인해 주세요. 결제 전이라면 다시 결제해 주세요.",
    "PortOne has no payment yet, or one that is READY: the window was not opened, or not finished. The browser's console shows what the SDK said.":
        "포트원에 결제 건이 없거나 READY 상태입니다. 결제창이 열리지 않았거나 끝나지 않았습니다. SDK의 메시지는 브라우저 콘솔에 있습니다.",
    "The payment company has not decided about this payment yet.": "결제사에서 아직 승인 여부를 결정하지 않았습니다.",
    "Do not pay again. Check again in a moment.": "다시 결제하지 마시고 잠시 후 다시 확인해 주세요.",
    "PortOne says PAY_PENDING. A webhook, this page or flask reconcile brings the decision.":
        "포트원 상태가 PAY_PENDING입니다. 결과는 웹훅, 이 페이지 또는 flask reconcile로 반영됩니다.",
    "No payment has been confirmed for a long time.": "오랫동안 확인된 결제가 없습니다.",
    "You can try the payment again. If money was taken, tell the shop your order ID.":
        "다시 결제하실 수 있습니다. 이미 결제된 금액이 있다면 상점에 주문 번호를 알려 주세요.",
    "The window was probably left. If the buyer says that money was taken, look for the payment ID in PortOne's console.":
        "구매자가 결제창을 떠난 것으로 보입니다. 결제되었다는 문의가 오면 포트원 콘솔에서 결제 번호를 찾아보세요.",
    "This payment asks for manual approval, which this shop does not support. Nothing has been charged.":
        "이 상점은 수동 승인 결제를 지원하지 않습니다. 결제된 금액은 없습니다.",
    "Please tell the shop.": "상점에 알려 주세요.",
    "The channel approves manually (a paymentToken came back). Turn that off in PortOne's console.":
        "수동 승인 채널입니다(paymentToken이 전달됨). 포트원 콘솔에서 수동 승인을 꺼 주세요.",
    "Waiting for your deposit": "입금 대기 중",
    "An account has been opened for your deposit.": "입금하실 계좌가 발급되었습니다.",
    "Pay the exact amount into the account below before the deadline, and the order is paid by itself.":
        "입금 기한 안에 아래 계좌로 정확한 금액을 입금하시면 자동으로 결제가 완료됩니다.",
    "The deposit is told by a webhook (Transaction.Paid). Without one, this page or flask reconcile finds it.":
        "입금은 웹훅(Transaction.Paid)으로 통지됩니다. 웹훅이 없으면 이 페이지나 flask reconcile이 확인합니다.",
    "The deposit is overdue": "입금 기한 만료",
    "No deposit has been confirmed before the account's deadline.": "입금 기한까지 확인된 입금이 없습니다.",
    "You can pay again, in another way too.": "같은 방법이나 다른 방법으로 다시 결제하실 수 있습니다.",
    "PortOne's status stays VIRTUAL_ACCOUNT_ISSUED after the deadline. The next attempt closes the account first.":
        "입금 기한이 지나도 포트원 상태는 VIRTUAL_ACCOUNT_ISSUED로 남습니다. 다음 결제 시도가 이 계좌를 먼저 말소합니다.",
    "Paid": "결제 완료",
    "The payment is confirmed with PortOne.": "포트원에서 결제를 확인했습니다.",
    "There is nothing more to do.": "더 하실 일은 없습니다.",
    "PortOne's record matched the order, and merchant/fulfilment.py ran in the same transaction.":
        "포트원 기록이 주문과 일치하여 같은 트랜잭션에서 merchant/fulfilment.py를 실행했습니다.",
    "Cancelled": "결제 취소",
    "The payment was cancelled and the whole amount is given back.": "결제가 취소되어 전액 환불됩니다.",
    "To buy again, place a new order.": "다시 구매하시려면 새로 주문해 주세요.",
    "It was cancelled by flask refund, in PortOne's console or by the PG; the record's cancellations say by whom.":
        "flask refund, 포트원 콘솔 또는 PG사에서 취소했습니다. 누가 취소했는지는 기록의 cancellations에 있습니다.",
    "Partly cancelled": "부분 취소",
    "Part of the payment was cancelled and is given back; the rest stays paid.":
        "결제 금액의 일부가 취소되어 환불되며, 나머지는 결제된 상태입니다.",
    "Not paid": "결제되지 않음",
    "The payment was closed before any money was paid.": "결제가 이루어지지 않은 채 종료되었습니다.",
    "You can try again.": "다시 결제하실 수 있습니다.",
    "The record is CANCELLED and was never paid, such as a virtual account that was closed.":
        "말소된 가상계좌처럼, 결제된 적 없이 CANCELLED가 된 기록입니다.",
    "The payment that was not accepted is given back.": "주문과 맞지 않아 인정되지 않은 결제 금액이 환불되었습니다.",
    "The mismatch was refunded. The order was never paid, so another attempt is open.":
        "주문과 맞지 않는 결제가 환불되었습니다. 주문은 결제된 적이 없어 다시 시도할 수 있습니다.",
    "Payment failed": "결제 실패",
    "The payment was not approved.": "결제가 승인되지 않았습니다.",
    "Try again, or pay in another way. If it fails again, ask your card company or bank.":
        "다시 시도하시거나 다른 방법으로 결제해 주세요. 계속 실패하면 카드사나 은행에 문의해 주세요.",
    "A code that merchant/words.py does not know. Look it up in the PG's documentation, and add it there if buyers meet it often.":
        "merchant/words.py에 없는 코드입니다. PG사 문서에서 찾아보고, 자주 나오면 추가해 주세요.",
    "You cancelled the payment": "결제를 취소하셨습니다",
    "The payment was cancelled in the payment window. Nothing has been charged.":
        "결제창에서 결제가 취소되었습니다. 결제된 금액은 없습니다.",
    "The order is kept: pay whenever you like.": "주문은 그대로 있으니 원하실 때 다시 결제하실 수 있습니다.",
    "The buyer closed the window or pressed cancel. There is nothing to repair in the shop.":
        "구매자가 결제창을 닫거나 취소를 눌렀습니다. 상점에서 고칠 것은 없습니다.",
    "The amount or the number of payments is over the limit of this card or account.":
        "이 카드나 계좌의 결제 금액 또는 횟수 한도를 초과했습니다.",
    "Pay with another card or in another way.": "다른 카드나 다른 방법으로 결제해 주세요.",
    "The buyer's card company, bank or PG refused it. There is nothing to repair in the shop.":
        "구매자의 카드사, 은행 또는 PG사가 거절했습니다. 상점에서 고칠 것은 없습니다.",
    "The balance or the limit of this card or account is not enough.": "이 카드나 계좌의 잔액 또는 한도가 부족합니다.",
    "Top it up, or pay with another card or in another way.": "잔액을 채우시거나 다른 카드나 다른 방법으로 결제해 주세요.",
    "The card number or the password was not right.": "카드 번호나 비밀번호가 올바르지 않습니다.",
    "Check what you enter, and try again.": "입력하신 내용을 확인하고 다시 결제해 주세요.",
    "The card has expired, or its expiry date was not right.": "카드의 유효기간이 지났거나 올바르지 않습니다.",
    "Check the date, or pay with another card.": "유효기간을 확인하시거나 다른 카드로 결제해 주세요.",
    "The card company did not allow this payment.": "카드사에서 이 결제를 승인하지 않았습니다.",
    "Pay with another card, or ask your card company.": "다른 카드로 결제하시거나 카드사에 문의해 주세요.",
    "The card company, bank or payment company is not available just now.":
        "지금은 카드사, 은행 또는 결제사를 이용할 수 없습니다.",
    "Try again a little later, or pay in another way.": "잠시 후 다시 시도하시거나 다른 방법으로 결제해 주세요.",
    "A fault or maintenance beyond the shop. If it lasts, see the PG's notices.":
        "상점 밖의 장애나 점검입니다. 오래 이어지면 PG사의 공지를 확인해 주세요.",
    "The time for this payment has run out.": "결제 시간이 만료되었습니다.",
    "Try again, and finish the payment without leaving the window.": "다시 시도하시고, 결제창을 떠나지 말고 결제를 마쳐 주세요.",
    "The PG ended the window because it was open for too long. There is nothing to repair in the shop.":
        "결제창이 너무 오래 열려 있어 PG사가 종료했습니다. 상점에서 고칠 것은 없습니다.",
    "This payment had been processed before.": "이미 처리된 결제입니다.",
    "Do not pay again yet: check again to see what became of it.": "아직 다시 결제하지 마시고 결과를 다시 확인해 주세요.",
    "The PG saw the same payment twice. PortOne's console shows by the payment ID what became of it.":
        "PG사에 같은 결제가 두 번 전달되었습니다. 포트원 콘솔에서 결제 번호로 결과를 확인하세요.",
    "Payment not accepted": "결제 불일치",
    "If money was taken, the shop gives it back. With any question, tell the shop your order ID.":
        "결제된 금액이 있다면 상점에서 환불해 드립니다. 문의하실 때 주문 번호를 알려 주세요.",
    "The payment is not the one this order asked for.": "이 주문이 요청한 결제와 다릅니다.",
    "The cross-check has both values. ORDER_NAME, TAX_FREE and PROMOTION differ when somebody changed the request in the browser.":
        "대조 내용에 두 값이 있습니다. ORDER_NAME, TAX_FREE, PROMOTION이 다르면 브라우저에서 결제 요청이 바뀐 것입니다.",
    "The amount of the payment is not the amount of this order.": "결제 금액이 주문 금액과 다릅니다.",
    "Somebody changed the amount in the browser. PORTONE_PRE_REGISTER=1 has PortOne refuse that before money moves. Give it back with flask refund.":
        "브라우저에서 금액이 바뀌었습니다. PORTONE_PRE_REGISTER=1이면 포트원이 결제 전에 거절합니다. flask refund로 환불하세요.",
    "The payment is in another currency than this order.": "결제 통화가 주문과 다릅니다.",
    "Somebody changed the currency in the browser. Give the payment back with flask refund.":
        "브라우저에서 통화가 바뀌었습니다. flask refund로 환불하세요.",
    "This is a test payment, which this shop does not accept.": "테스트 결제입니다. 이 상점에서는 받지 않습니다.",
    "The payment was made through a test channel. To accept such payments set PORTONE_ALLOW_TEST=1, never in production.":
        "테스트 채널로 진행된 결제입니다. 받으려면 PORTONE_ALLOW_TEST=1을 설정하세요. 운영 환경에서는 설정하지 마세요.",
    "The payment was made to another shop or in another way than this order asked for.":
        "이 주문이 요청한 상점이나 채널의 결제가 아닙니다.",
    "PAYMENT_ID, STORE or CHANNEL differ: somebody changed the request in the browser, or another store's API answers. See PORTONE_STORE_ID and PORTONE_CHANNEL_KEY.":
        "PAYMENT_ID, STORE, CHANNEL이 다릅니다. 브라우저에서 결제 요청이 바뀌었거나 다른 상점의 API가 응답했습니다. PORTONE_STORE_ID와 PORTONE_CHANNEL_KEY를 확인하세요.",
    "This order was paid twice.": "이 주문은 두 번 결제되었습니다.",
    "The second payment is given back by the shop. You need not do anything.": "두 번째 결제는 상점에서 환불해 드립니다. 하실 일은 없습니다.",
    "An earlier window was still open and was approved as well. flask orders --attention lists the payment to give back.":
        "먼저 열린 결제창에서도 결제가 승인되었습니다. 환불할 결제는 flask orders --attention에 나옵니다.",
    "PortOne could not be asked just now, so this may be out of date.": "지금은 포트원에 확인할 수 없어 최신 상태가 아닐 수 있습니다.",
    "The log says why: PORTONE_API_BASE, the network, the API secret, or an outage at PortOne. A webhook or flask reconcile catches up.":
        "원인은 로그에 있습니다. PORTONE_API_BASE, 네트워크, API 시크릿, 포트원 장애 중 하나입니다. 이후 웹훅이나 flask reconcile로 반영됩니다.",
    # the result page: account, actions, details
    "Account to pay into": "입금 계좌",
    "The deadline has passed. Please do not pay into this account any more.":
        "입금 기한이 지났습니다. 이 계좌로 입금하지 마세요.",
    "Bank": "은행",
    "Account number": "계좌번호",
    "Account holder": "예금주",
    "Copy": "복사",
    "Copied": "복사됨",
    "Amount": "금액",
    "Deadline": "입금 기한",
    "Give up this account and pay again": "이 계좌 대신 다시 결제하기",
    "Try the payment again": "다시 결제하기",
    "Check again": "다시 확인하기",
    "New order": "새로 주문하기",
    "Order details": "주문 정보",
    "Given back": "환불 금액",
    "Remaining": "남은 결제 금액",
    "Ordered": "주문 시각",
    "Order ID": "주문 번호",
    "Payment ID": "결제 번호",
    # the result page: the trail
    "Order created": "주문 생성",
    "Payment attempt opened": "결제 시도",
    "The payment window answered": "결제창 응답",
    "Came back by redirect": "리디렉션으로 돌아옴",
    "Webhook received": "웹훅 수신",
    "Looked up at PortOne": "포트원 결제 조회",
    "PortOne could not be asked": "포트원 조회 실패",
    "Did not match the order": "주문과 불일치",
    "Waiting for the deposit": "입금 대기",
    "Order paid": "주문 결제 완료",
    "Fulfilment failed": "주문 처리 실패",
    "Fulfilled after all": "주문 처리 완료",
    "Refund requested": "환불 요청",
    "Refund failed": "환불 실패",
    "Payment attempt failed": "결제 시도 실패",
    "Order cancelled": "주문 취소",
    "Order partly cancelled": "주문 부분 취소",
    "Payment attempt cancelled": "결제 시도 취소됨",
    "shop": "상점",
    "browser SDK": "브라우저 SDK",
    "redirect": "리디렉션",
    "this page": "이 페이지",
    "webhook": "웹훅",
    "retry": "재시도",
    "command line": "명령줄",
    "PortOne:": "포트원:",
    "Cross-check": "대조 내용",
    "Check": "항목",
    "Asked for": "요청",
    "At PortOne": "포트원 기록",
    # error pages
    "To the order page": "주문 페이지로",
    "There is no such page.": "페이지를 찾을 수 없습니다.",
    "This address does not take that method.": "이 주소에서 지원하지 않는 요청 방식입니다.",
    "Something went wrong on our side.": "서버에 문제가 생겼습니다.",
    "Go back to the shop and follow its links.": "상점으로 돌아가 다시 진행해 주세요.",
    "Check the address. If you have paid, tell the shop your order ID.": "주소를 확인해 주세요. 이미 결제하셨다면 상점에 주문 번호를 알려 주세요.",
    "If you have just paid, do not pay again: open your order once more in a moment, or ask the shop.":
        "방금 결제하셨다면 다시 결제하지 마시고, 잠시 후 주문을 다시 열거나 상점에 문의해 주세요.",
    # the server's messages
    "Unknown product.": "없는 상품입니다.",
    "Choose one of %s.": "다음 중 하나를 선택해 주세요: %s",
    "Expected JSON (Content-Type: application/json).": "JSON 요청이어야 합니다 (Content-Type: application/json).",
    "The request is larger than 16 KB.": "요청이 16KB를 넘습니다.",
    "This field is required.": "필수 입력 항목입니다.",
    "Letters and spaces only, at most 30 bytes.": "문자와 공백만 30바이트(한글 10자)까지 입력할 수 있습니다.",
    "Expected an e-mail address such as name@example.com.": "name@example.com 형식의 이메일 주소를 입력해 주세요.",
    "Expected a phone number such as 010-1234-5678.": "010-1234-5678 형식의 전화번호를 입력해 주세요.",
    "There is no such order.": "주문을 찾을 수 없습니다.",
    "There is no such payment for this order.": "이 주문에 해당하는 결제를 찾을 수 없습니다.",
    "This order is already paid. There is nothing more to do.": "이미 결제가 완료된 주문입니다. 더 하실 일은 없습니다.",
    "A payment for this order is still in progress. Look at the order in a moment.":
        "이 주문의 결제가 아직 진행 중입니다. 잠시 후 주문을 확인해 주세요.",
    "PortOne's record is not the payment this order asked for.": "포트원의 결제 기록이 이 주문이 요청한 결제와 다릅니다.",
    "PortOne refused the request. Please tell the shop: it has to check its settings.":
        "포트원이 요청을 거절했습니다. 상점에서 설정을 확인해야 하니 상점에 알려 주세요.",
    "The shop's database is not available just now. Please try again in a moment.":
        "지금은 상점의 데이터베이스를 사용할 수 없습니다. 잠시 후 다시 시도해 주세요.",
    "PortOne can't be reached just now. What you have paid will be confirmed shortly.":
        "지금은 포트원에 연결할 수 없습니다. 결제하신 내역은 곧 확인됩니다.",
    "The signature is not valid.": "서명이 올바르지 않습니다.",
    "This payment was made through a test channel; the shop must set PORTONE_ALLOW_TEST=1 to accept it.":
        "테스트 채널로 진행된 결제입니다. 받으려면 상점에서 PORTONE_ALLOW_TEST=1을 설정해야 합니다.",
    "The address names more than one payment.": "주소에 결제가 둘 이상 지정되어 있습니다.",
    "Give a paymentId.": "paymentId를 입력해 주세요.",
    **BANKS,
    # the panel
    "The payment, step by step": "결제 과정 한눈에 보기",
    "The raw record at PortOne": "포트원의 원본 기록",
    "Browser": "브라우저",
    "Shop": "상점",
    "PortOne": "포트원",
    "PG": "PG",
    "The browser asks the shop": "브라우저가 상점에 요청",
    "The shop answers": "상점의 응답",
    "No answer from the shop": "상점의 응답 없음",
    "The browser asks for the payment window": "브라우저가 결제창을 요청",
    "The SDK answers": "SDK의 응답",
    "Payment window: what buyer and PG do there is not seen from here": "결제창: 구매자와 PG 사이의 일은 여기서 보이지 않습니다",
    "earlier attempt": "다른 결제 시도",
    "Press Pay, and each message appears here as it is sent.": "결제하기를 누르면 오가는 메시지가 여기에 하나씩 나타납니다.",
}
