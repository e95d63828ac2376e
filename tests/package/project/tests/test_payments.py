"""The shop's own tests: nothing but pytest, the shop and `portone`."""

import threading

import pytest
from shop import create_app
from werkzeug.serving import make_server


@pytest.fixture
def client(portone):
    return create_app(portone.settings).test_client()


def order(client, **fields):
    return client.post("/orders", json={"product": "shoes", **fields}).json


def complete(client, request):
    return client.post("/complete", json={"paymentId": request["paymentId"]})


@pytest.mark.parametrize("number", range(16))  # so that every process of xdist has some
def test_a_payment(portone, client, number):
    request = order(client)
    result = portone.pay(request)
    assert "code" not in result and result["paymentId"] == request["paymentId"]
    assert complete(client, request).json == {"status": "PAID"}
    (call,) = portone.calls
    assert call.path == f"/payments/{request['paymentId']}" and call.status == 200


@pytest.mark.parametrize("code", ["REJECT_CARD_COMPANY", "INVALID_CARD_EXPIRATION"])
def test_a_declined_payment(portone, client, code):
    request = order(client)
    assert portone.pay(request, "decline", code=code)["pgCode"] == code
    assert complete(client, request).json == {"status": "PENDING"}


def test_a_buyer_who_changes_the_amount(portone, client):
    request = order(client)
    portone.pay({**request, "totalAmount": 1})
    assert complete(client, request).json == {"status": "MISMATCH"}


def test_a_virtual_account(portone, client):
    request = order(client, payMethod="VIRTUAL_ACCOUNT")
    portone.pay({**request, "virtualAccount": {"accountExpiry": {"validHours": 24}}})
    assert complete(client, request).json == {"status": "PENDING"}
    portone.deposit(request["paymentId"])
    assert complete(client, request).json == {"status": "PAID"}


def test_portone_is_down(portone, client):
    request = order(client)
    portone.pay(request)
    portone.outage("500", calls=1)
    assert complete(client, request).status_code == 503
    assert complete(client, request).json == {"status": "PAID"}


def test_a_webhook_without_a_server(portone, client):
    request = order(client)
    portone.pay(request, "abandon")  # the browser never comes back
    webhook = portone.webhooks_for(request["paymentId"])[-1]
    forged = client.post("/webhook", data=webhook.body + b" ", headers=webhook.headers)
    assert forged.status_code == 401
    answer = client.post("/webhook", data=webhook.body, headers=webhook.headers)
    assert answer.json == {"status": "PAID"}


def test_a_webhook_over_http(portone):
    app = create_app(portone.settings)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.02])
    thread.start()
    try:
        portone.deliver_to(f"http://127.0.0.1:{server.port}/webhook")
        client = app.test_client()
        request = order(client)
        portone.pay(request, "abandon")
        portone.wait_for_webhooks(request["paymentId"])
        assert client.get(f"/orders/{request['paymentId']}").json == {"status": "PAID"}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    statuses = [call.status for call in portone.calls if call.kind == "WEBHOOK"]
    assert statuses == [200, 200]  # READY, PAID
