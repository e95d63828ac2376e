"""A Django shop and its tests: pip install django portone-server-sdk pytest, and the sandbox.

In a project the shop's part stands in settings.py, urls.py and views.py.
"""

import json
import sys

import portone_server_sdk as sdk
import pytest

pytest.importorskip("django")

import django
from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.test import Client, override_settings
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from portone_server_sdk.payment import PaidPayment

# The shop

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], PORTONE={})
    django.setup()

ORDERS = {"order1": 1000}  # paymentId: price in KRW


def settle(payment_id):
    """Ask PortOne, whatever a browser or a webhook claims."""
    client = sdk.PaymentClient(
        secret=settings.PORTONE["PORTONE_API_SECRET"],
        base_url=settings.PORTONE["PORTONE_API_BASE"],
        store_id=settings.PORTONE["PORTONE_STORE_ID"],
    )
    payment = client.get_payment(payment_id=payment_id)
    is_paid = isinstance(payment, PaidPayment) and payment.amount.total == ORDERS[payment_id]
    return JsonResponse({"paid": is_paid})


@csrf_exempt
def complete(request):
    return settle(json.loads(request.body)["paymentId"])


@csrf_exempt
def webhook(request):
    secret = settings.PORTONE["PORTONE_WEBHOOK_SECRET"]
    try:
        event = sdk.webhook.verify(secret, request.body.decode(), request.headers)
    except sdk.webhook.WebhookVerificationError:
        return HttpResponse(status=401)
    return settle(event.data.payment_id)


urlpatterns = [path("complete", complete), path("webhook", webhook)]


# Its tests


@pytest.fixture
def shop(portone):
    with override_settings(PORTONE=portone.settings, ROOT_URLCONF=sys.modules[__name__]):
        yield Client()


@pytest.fixture
def payment(portone):
    """What the shop's page hands to PortOne.requestPayment."""
    return {
        "storeId": portone.settings["PORTONE_STORE_ID"],
        "channelKey": portone.settings["PORTONE_CHANNEL_KEY"],
        "paymentId": "order1",
        "orderName": "Shoes",
        "totalAmount": 1000,
        "currency": "KRW",
        "payMethod": "CARD",
    }


def post(shop, **body):
    return shop.post("/complete", body, content_type="application/json").json()


def test_a_payment(portone, shop, payment):
    assert "code" not in portone.pay(payment)
    assert post(shop, paymentId="order1") == {"paid": True}


def test_a_decline(portone, shop, payment):
    assert portone.pay(payment, "decline", code="INVALID_PASSWORD")["pgCode"] == "INVALID_PASSWORD"
    assert post(shop, paymentId="order1") == {"paid": False}


def test_another_amount(portone, shop, payment):
    portone.pay({**payment, "totalAmount": 1})
    assert post(shop, paymentId="order1") == {"paid": False}


def send(shop, body, headers):
    headers = {name: value for name, value in headers.items() if name != "Content-Type"}
    return shop.post("/webhook", body, content_type="application/json", headers=headers)


def test_a_webhook(portone, shop, payment):
    portone.pay(payment, "abandon")  # the browser never comes back
    webhook = portone.webhooks_for("order1")[-1]
    assert send(shop, webhook.body + b" ", webhook.headers).status_code == 401
    assert send(shop, webhook.body, webhook.headers).json() == {"paid": True}
    assert portone.calls[-1].path == "/payments/order1"
