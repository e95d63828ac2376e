"""What the browser SDK, a buyer, a merchant's server and a script say to the sandbox.

base: its address. http: a `requests` session, for a sandbox without a server.
"""

import subprocess
import sys
from pathlib import Path

import requests

import portone_sandbox
from portone_sandbox.channels import KEYS_BY_PG

ROOT = Path(__file__).parents[2]
SETTINGS = portone_sandbox.settings("/sandbox")
STORE_ID = SETTINGS["PORTONE_STORE_ID"]
SECRET = SETTINGS["PORTONE_API_SECRET"]
KEY = '"refund-00000000001"'


# payMethod: a PG that has it, and what that PG wants besides. The others are the default channel's.
OTHERS = {
    "EASY_PAY": {"channelKey": KEYS_BY_PG["NICE_V2"]},  # where the buyer may choose the provider
    "MOBILE": {"productType": "REAL"},
    "GIFT_CERTIFICATE": {"channelKey": KEYS_BY_PG["GALAXIA"]},  # which cancels it in part
    "CONVENIENCE_STORE": {
        "channelKey": KEYS_BY_PG["INICIS_JP"],
        "currency": "JPY",
        "redirectUrl": "https://shop.test/back",
        "customer": {"fullName": "洪吉童", "firstNameKana": "キルトン", "lastNameKana": "ホン"},
        "convenienceStore": {"paymentDeadline": {"validHours": 48}},
    },
    "PAYPAL": {"channelKey": KEYS_BY_PG["PAYMENTWALL"]},  # which takes any payMethod
    "ALIPAY": {"channelKey": KEYS_BY_PG["PAYMENTWALL"]},
    "ALIPAY_PLUS": {"channelKey": KEYS_BY_PG["KICC_V2"], "alipayPlus": {}, "orderDetail": "신발"},
}


def payment_request(**changes):
    return {
        "storeId": STORE_ID,
        "channelKey": SETTINGS["PORTONE_CHANNEL_KEY"],
        "paymentId": "payment1",
        "orderName": "나이키 와플 트레이너 2 SD",
        "totalAmount": 1000,
        "currency": "KRW",
        "payMethod": "CARD",
        "customer": {"customerId": "c1", "fullName": "홍길동", "email": "buyer@example.com"},
        **OTHERS.get(changes.get("payMethod"), {}),
        **changes,
    }


def open_window(base, window_type="IFRAME", http=requests, **changes):
    """What the browser SDK does. Gives the HTTP answer."""
    body = {
        "request": payment_request(**changes),
        "windowType": window_type,
        "page": "http://shop.test/order",
    }
    return http.post(
        f"{base}/checkout/", json=body, headers={"Origin": "http://shop.test"}, timeout=10
    )


def choose(base, url, outcome, http=requests, **form):
    """What the buyer does. Gives the HTTP answer, redirects not followed."""
    form["outcome"] = outcome
    return http.post(f"{base}{url}/outcome", data=form, allow_redirects=False, timeout=10)


def pay(base, outcome, http=requests, **changes):
    """A whole window, up to its outcome; gives what the SDK would resolve to."""
    url = open_window(base, http=http, **changes).json()["url"]
    choose(base, url, outcome, http=http)
    return http.post(f"{base}{url}/close", timeout=10).json()["result"]


def post_cancel(base, body, key=None, http=requests, payment_id="payment1"):
    headers = {"Authorization": f"PortOne {SECRET}", **({"Idempotency-Key": key} if key else {})}
    return http.post(f"{base}/payments/{payment_id}/cancel", json=body, headers=headers, timeout=60)


def control(base, action, body=None, payment_id="payment1"):
    return requests.post(f"{base}/control/payments/{payment_id}/{action}", json=body, timeout=20)


def switch(base, name, **fields):
    answer = requests.post(f"{base}/control/switches/{name}", json=fields, timeout=10)
    assert answer.status_code == 200, answer.text


def make_payment(base, outcome="approve", **changes):
    """A payment that was made without a browser; gives its record."""
    body = {"request": payment_request(**changes), "outcome": outcome}
    answer = requests.post(f"{base}/control/payments", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


def run_together(script, arguments):
    """Runs the script once for each list of arguments, all at once."""
    commands = [[sys.executable, "-c", script, *map(str, each)] for each in arguments]
    runs = [subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) for command in commands]
    for run in runs:
        _, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors.decode()
