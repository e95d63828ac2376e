"""What the merchant's answers give away, to whom, and how it reaches PortOne from a guarded
network.
"""

import json
import shutil
import ssl
import subprocess
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from merchant import config as merchant_config
from tests.conftest import BUYER
from tests.hosts.apps import plain
from tests.stand_in import Call, record

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.fixture
def host(config, buyer):
    return buyer(plain.create_app(config))


# The order's address


def pieces(text, size=8):
    return {text[start : start + size] for start in range(len(text) - size + 1)}


def test_what_portone_and_the_pg_are_given_shares_nothing_with_the_orders_address(host):
    order = host.order()
    retried = json.loads(host.retry(order).text)
    for request in (order["request"], retried["request"]):
        assert request["customer"]["customerId"].isalnum()
        assert 8 <= len(request["customer"]["customerId"]) <= 20  # what Smartro takes
        assert not pieces(order["orderId"]) & pieces(json.dumps(request))
    customer_ids = {host.order()["request"]["customer"]["customerId"] for _ in range(3)}
    assert len(customer_ids) == 3


def test_who_knows_only_a_payment_id_is_led_to_a_page_without_personal_data(host):
    """PortOne's and the PG's staff know it, and all that this page shows; the buyer comes back with
    nothing else.

    The buyer may come back in another browser than the one that ordered, such as the one of a card
    company's app. So no cookie can tell the buyer from somebody else, and the address that PortOne
    is given holds no secret.
    """
    order = host.order()
    host.portone.records[order["paymentId"]] = record(order, "VIRTUAL_ACCOUNT_ISSUED")
    answer = host.get(f"/shop/payment-redirect?paymentId={order['paymentId']}")
    assert answer.status_code == 303
    page = host.get(answer.headers["Location"])
    assert 'data-order-status="VIRTUAL_ACCOUNT_ISSUED"' in page.text
    for personal in (*BUYER.values(), BUYER["phone"].replace("-", "")):
        assert personal not in page.text + answer.text + str(answer.headers)


@pytest.mark.parametrize("payment_id", ["0" * 32, "x", "%00", "0" * 500])
def test_who_guesses_a_payment_id_learns_nothing(host, payment_id):
    order = host.order()
    answer = host.get(f"/shop/payment-redirect?paymentId={payment_id}")
    assert answer.status_code == 404 and order["orderId"] not in answer.text
    assert host.portone.calls == []


# Headers


def test_each_answer_of_the_merchant_has_the_headers_that_protect_it(host):
    order = host.pay()
    ids = {"orderId": order["orderId"], "paymentId": order["paymentId"]}
    answers = [
        host.get("/shop/"),
        host.get(f"/shop/orders/{order['orderId']}"),
        host.get("/shop/orders/nothing"),
        host.get(f"/shop/payment-redirect?paymentId={order['paymentId']}"),
        host.post("/orders", {}),
        host.post("/payment/complete", ids),
        host.post("/payment/webhook", {}),
        host.get("/shop/static/merchant/checkout.js"),
    ]
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    for answer in answers[:-1]:
        assert answer.headers["Cache-Control"] == "no-store"


def test_the_answers_of_the_host_are_left_as_they_are(host):
    for path in ("/", "/nowhere", "/static/nothing"):
        answer = host.get(path)
        assert not {*HEADERS, "Cache-Control", "Content-Security-Policy"} & set(
            answer.headers.keys()
        )


# To PortOne through a guarded network


def test_an_egress_proxy_is_used_for_portone_and_the_secret_stays_ours(
    config, buyer, portone, tmp_path, monkeypatch
):
    """The stand-in is the proxy here: what reaches it is a request for another host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    settings = {"PORTONE_PROXY": portone.url, "PORTONE_API_BASE": "http://portone.invalid"}
    buyer(plain.create_app({**config, **settings})).pay()
    assert portone.calls
    for _, path, headers, _ in portone.calls:
        assert urlsplit(path).netloc == "portone.invalid"
        assert headers["Authorization"] == f"PortOne {config['PORTONE_API_SECRET']}"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_that_the_environment_names_for_others_is_not_used(
    config, buyer, monkeypatch, name
):
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    buyer(plain.create_app(config)).pay()


def test_a_proxy_that_does_not_answer_is_portone_that_can_not_be_asked(config, buyer, portone):
    settings = {"PORTONE_PROXY": "http://127.0.0.1:9", "PORTONE_API_BASE": "http://portone.invalid"}
    host = buyer(plain.create_app({**config, **settings}))
    answer = host.complete(host.order())
    assert answer.json["error"]["code"] == "PORTONE_UNAVAILABLE"


def test_a_proxy_that_is_no_address_is_named(config):
    with pytest.raises(merchant_config.SettingsError, match="PORTONE_PROXY"):
        merchant_config.load({**config, "PORTONE_PROXY": "proxy.example:3128"})


@pytest.fixture
def secure(portone, tmp_path):
    """The stand-in over TLS, with a certificate of a private CA. Gives (address, the CA's file)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = f"{openssl} req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    command += (
        f" -subj /CN=portone -addext subjectAltName=IP:127.0.0.1 -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True, timeout=60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Call)
    server.portone, server.daemon_threads = portone, True
    server.handle_error = lambda *_: None  # a client that does not trust it hangs up
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}", certificate
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_private_ca_is_trusted_when_requests_is_told_so_and_netrc_is_still_not_read(
    config, buyer, portone, secure, tmp_path, monkeypatch
):
    url, certificate = secure
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    buyer(plain.create_app({**config, "PORTONE_API_BASE": url})).pay()
    secrets = {headers["Authorization"] for _, _, headers, _ in portone.calls}
    assert secrets == {f"PortOne {config['PORTONE_API_SECRET']}"}


def test_without_it_a_private_ca_is_not_trusted(config, buyer, portone, secure, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    host = buyer(plain.create_app({**config, "PORTONE_API_BASE": secure[0]}))
    answer = host.complete(host.order())
    assert answer.json["error"]["code"] == "PORTONE_UNAVAILABLE" and portone.calls == []
