"""Who may use the console and /control, and that a merchant's page and server can use the rest."""

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from portone_sandbox import API_BASE, channels
from tests.browser import sync_api
from tests.portone_sandbox.client import SECRET, make_payment, payment_request
from tests.portone_sandbox.conftest import serve

HEADERS = {"Authorization": f"PortOne {SECRET}"}
# What a browser sends with a form or a script of another page.
FOREIGN = {
    "another site": {"Origin": "https://evil.example"},
    "another port": {"Origin": "http://localhost:8000"},
    "a file, or a sandboxed frame": {"Origin": "null"},
    "no URL": {"Origin": "http://[evil"},
    "another site, by the browser": {"Sec-Fetch-Site": "cross-site"},
    "another port, by the browser": {"Sec-Fetch-Site": "same-site"},
    "both": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "a form": {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
}
OWN = {
    "a script": {},
    "the console": {"Origin": "http://localhost"},
    "the console, by the browser": {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"},
    "the console behind a proxy": {
        "Sec-Fetch-Site": "same-origin",
        "Origin": "https://proxy.example",
    },
    "a typed address": {"Sec-Fetch-Site": "none"},
}
POSTS = (
    ("/control/reset", None),
    ("/control/switches/window", {"outcome": "decline"}),
    ("/control/payments", {"request": payment_request(paymentId="payment2"), "outcome": "approve"}),
    ("/control/payments/payment1/cancel", {"amount": 100}),
    ("/console/payments/payment1/cancel", None),
    ("/console/switches/window", None),
)


@pytest.fixture
def client(room):
    client = room.test_client()
    body = {"request": payment_request(), "outcome": "approve"}
    assert client.post("/control/payments", json=body).status_code == 200
    return client


def state(client):
    payments = client.get("/payments", headers=HEADERS).json["items"]
    return payments, client.get("/control/switches").json


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
def test_another_site_changes_nothing(client, headers):
    before = state(client)
    for path, body in POSTS:
        answer = client.post(path, json=body, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (403, "FORBIDDEN"), path
        form = client.post(path, data={"outcome": "decline"}, headers=headers)
        assert form.status_code == 403, path
    assert state(client) == before


@pytest.mark.parametrize("headers", OWN.values(), ids=OWN)
def test_people_and_scripts_of_this_machine_change_what_they_like(client, headers):
    for path, body in (*POSTS[1:5], POSTS[0]):
        assert client.post(path, json=body, headers=headers).status_code < 400, path


def test_another_site_reads_nothing_but_may_link_to_it(client):
    for path in ("/", "/console/payments/payment1", "/control/switches", "/control/channels"):
        for site in (FOREIGN["another site"], FOREIGN["another site, by the browser"]):
            assert client.get(path, headers=site).status_code == 403, path
        link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
        assert client.get(path, headers=link).status_code == 200, path


@pytest.mark.parametrize(
    "path", ["/", "/console/payments/payment1", "/console/payments/no", "/control/channels"]
)
def test_nobody_frames_it(client, path):
    for headers in ({}, {"Host": "evil.example"}):
        answer = client.get(path, headers=headers)
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"


HOSTS = {
    "localhost": True,
    "localhost:5001": True,
    "LOCALHOST.": True,
    "shop.localhost:5001": True,
    "127.0.0.1:5001": True,
    "127.8.9.1": True,
    "[::1]:5001": True,
    "10.1.2.3": True,
    "172.17.0.2:5001": True,
    "192.168.0.7": True,
    "portone-sandbox.invalid": True,
    "evil.example": False,
    "evil.example:5001": False,
    "localhost.evil.example": False,
    "evillocalhost": False,
    "127.0.0.1.evil.example": False,
    "8.8.8.8": False,
    "[2001:4860:4860::8888]": False,
    "sandbox": False,
    "[": False,
}


@pytest.mark.parametrize("host", HOSTS)
def test_a_name_that_is_not_of_this_machine_is_refused(client, host):
    expected = 200 if HOSTS[host] else 403
    for path in ("/", "/control/channels"):
        assert client.get(path, headers={"Host": host}).status_code == expected
    assert client.post("/control/reset", headers={"Host": host}).status_code == expected


def test_further_names_are_a_setting(client, monkeypatch):
    monkeypatch.setenv("SANDBOX_HOSTS", "sandbox, .Example.dev")

    def status(host, **headers):
        return client.get("/control/channels", headers={"Host": host, **headers}).status_code

    assert status("sandbox:5001") == status("SANDBOX") == status("a.b.example.dev") == 200
    assert status("example.dev") == status("other") == status("sandbox.evil.example") == 403
    # A proxy that leads a public name to localhost changes the host, not the origin.
    assert status("localhost:5001", Origin="https://a.example.dev") == 200
    assert status("localhost:5001", Origin="https://evil.example") == 403
    monkeypatch.setenv("SANDBOX_HOSTS", "*")
    assert status("whatever.example") == 200


def test_the_refusal_tells_a_browser_what_to_set(client):
    page = client.get("/", headers={"Host": "sandbox:5001", "Accept": "text/html"})
    assert page.status_code == 403
    assert "sandbox:5001" in page.text and "SANDBOX_HOSTS" in page.text and "<html" in page.text


# What a merchant uses is open


@pytest.mark.parametrize("host", ["sandbox:5001", "sandbox.example"])
def test_the_merchant_uses_it_under_any_name_and_from_any_page(client, host):
    """In a container it has the container's name, in a tunnel a public one."""
    page = {"Host": host, "Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"}
    assert client.get("/v2/browser-sdk.js", headers=page).status_code == 200
    params = payment_request(paymentId="from-afar")
    body = {"request": params, "windowType": "IFRAME", "page": "https://shop.example/"}
    opened = client.post("/checkout/", json=body, headers=page)
    assert opened.status_code == 200
    url = opened.json["url"]
    frame = client.get(url, headers={"Host": host, "Sec-Fetch-Site": "cross-site"})
    assert frame.status_code == 200
    assert "X-Frame-Options" not in frame.headers
    assert "Content-Security-Policy" not in frame.headers
    ended = client.post(f"{url}/outcome", data={"outcome": "approve"}, headers={"Host": host})
    assert ended.status_code == 303
    assert client.post(f"{url}/close", headers=page).status_code == 200
    paid = client.get("/payments/from-afar", headers={"Host": host, **HEADERS})
    assert paid.json["status"] == "PAID"


def test_in_a_site_of_its_own_it_is_reached_under_the_sites_path(room):
    def not_found(environ, start_response):
        start_response("404 Not Found", [])
        return []

    client = Client(DispatcherMiddleware(not_found, {"/sandbox": room}))
    for host, status in (("localhost:5000", 200), ("shop.example", 403)):
        assert client.get("/sandbox/", headers={"Host": host}).status_code == status
        own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert client.post("/sandbox/control/reset", headers=own).status_code == status
    sdk = client.get("/sandbox/v2/browser-sdk.js", headers={"Host": "shop.example"})
    assert sdk.status_code == 200


def test_in_process_calls_reach_the_control_api(session):
    listed = session.get(f"{API_BASE}/control/channels").json()
    assert {each["key"] for each in listed} == set(channels.CHANNELS)


# The language


def test_the_language_has_a_cookie_of_its_own(room):
    """All sites on localhost have their cookies in common."""
    client = room.test_client()
    client.set_cookie("lang", "en")
    assert '<html lang="ko"' in client.get("/", headers={"Accept-Language": "ko"}).text
    client.get("/?lang=en")
    assert client.get_cookie("lang").value == "en"
    assert '<html lang="en"' in client.get("/", headers={"Accept-Language": "ko"}).text
    client.get("/?lang=ko")
    assert client.get_cookie("lang").value == "en", "the merchant's"


# In a browser


@pytest.mark.browser
def test_a_page_elsewhere_can_neither_reset_nor_frame_it(base, room, open_tab):
    make_payment(base)

    def evil(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        return [
            f"""<form id=form method=post action="{base}/control/reset" target=answer></form>
            <iframe name=answer></iframe><iframe id=framed src="{base}/"></iframe>
            <script>form.submit()</script>""".encode()
        ]

    with serve(evil) as port:
        page = open_tab()
        with page.expect_response("**/control/reset") as reset:
            page.goto(f"http://localhost:{port}/")
        assert reset.value.status == 403
        fetched = page.evaluate(
            """(base) => fetch(`${base}/control/reset`, { method: "POST", mode: "no-cors" })
                .then((answer) => answer.type)""",
            base,
        )
        assert fetched == "opaque"
        frame = page.frame_locator("#framed").locator("main")
        sync_api().expect(frame).to_have_count(0)
    payments = room.test_client().get("/payments", headers=HEADERS).json["items"]
    assert [payment["id"] for payment in payments] == ["payment1"]
