"""A host behind a proxy, under a path, on a name of its own: every link and every redirect leads
back to it.
"""

import re

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client
from werkzeug.wrappers import Response

import merchant
from merchant import config as merchant_config
from tests.hosts.apps import plain
from tests.hosts.conftest import Buyer


def addresses(page):
    """What a page leads to and what it loads."""
    return re.findall(
        r'\s(?:href|src|action|data-complete|data-payments|data-order)="(/[^"]*)"', page
    )


def pay_and_look(buyer, host, outside):
    """Pays, and follows every address of the pages.

    host: what the paths of links begin with. outside: the whole address that the world uses for the
    merchant's pages.
    """
    order = buyer.pay()
    assert order["request"]["redirectUrl"] == f"{outside}/payment-redirect"
    for path in (f"{buyer.prefix}/", f"{buyer.prefix}/orders/{order['orderId']}"):
        found = addresses(buyer.get(path).text)
        assert found and all(each.startswith(f"{host}/shop/") for each in found), found
    back = buyer.get(f"{buyer.prefix}/payment-redirect?paymentId={order['paymentId']}")
    assert back.status_code == 303
    assert back.headers["Location"].removeprefix(outside.removesuffix(f"{host}/shop")) == (
        f"{host}/shop/orders/{order['orderId']}"
    )


PROXY = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}


class Outside(Buyer):
    """A buyer whose requests pass a proxy that takes `/site` off the path."""

    def get(self, path):
        return super().get(path.removeprefix("/site"))


def test_behind_a_proxy_with_a_prefix_links_and_the_redirect_are_the_proxys(config, portone, buyer):
    app = plain.create_app({**config, "BEHIND_PROXY": True})
    headers = {**PROXY, "X-Forwarded-Prefix": "/site", "X-Forwarded-For": "203.0.113.7"}
    buyer(app)
    outside = Outside(app.test_client(), portone, "/shop", headers=headers)
    pay_and_look(outside, "/site", "https://shop.example/site/shop")


def test_public_url_is_the_redirects_host_under_a_prefix_too(config, portone, buyer):
    app = plain.create_app({**config, "BEHIND_PROXY": True, "PUBLIC_URL": "https://pay.example/"})
    buyer(app)
    outside = Outside(
        app.test_client(), portone, "/shop", headers={**PROXY, "X-Forwarded-Prefix": "/site"}
    )
    pay_and_look(outside, "/site", "https://pay.example/site/shop")


@pytest.mark.parametrize(
    "url", ["https://shop.example/site", "https://shop.example/?a=b", "https://shop.example#top"]
)
def test_a_public_url_with_more_than_a_host_is_refused_with_an_explanation(config, url):
    with pytest.raises(merchant_config.SettingsError, match="PUBLIC_URL.*without a path"):
        merchant_config.load({**config, "PUBLIC_URL": url})


class Mounted(Client):
    """Flask's test client for a whole WSGI application: what the host is a part of."""

    def __init__(self, application):
        super().__init__(application, Response)


def test_a_host_that_is_mounted_under_a_path_and_knows_it(config, portone, buyer):
    """SCRIPT_NAME from the dispatcher, APPLICATION_ROOT as Flask's documentation says for it."""
    app = plain.create_app({**config, "APPLICATION_ROOT": "/site"})
    buyer(app)
    outer = DispatcherMiddleware(Response("another app", status=404), {"/site": app})
    pay_and_look(
        Buyer(Mounted(outer), portone, "/site/shop"), "/site", "http://localhost/site/shop"
    )
    with app.test_request_context():
        assert app.url_for("merchant.order_page") == "/site/shop/"


def test_a_host_with_a_server_name_of_its_own(config, buyer):
    app = plain.create_app({**config, "SERVER_NAME": "shop.example"})
    pay_and_look(buyer(app), "", "http://shop.example/shop")
    other = buyer(
        app, base_url="https://tunnel.example"
    )  # such as PortOne's webhook through a tunnel
    assert other.webhook(other.pay()).status_code == 200


def test_a_host_with_subdomains_has_the_merchant_on_the_main_one(config, buyer):
    options = {"subdomain_matching": True}
    app = plain.create_app({**config, "SERVER_NAME": "shop.example"}, **options)
    pay_and_look(buyer(app, base_url="http://shop.example"), "", "http://shop.example/shop")
    assert buyer(app, base_url="http://pay.shop.example").get("/shop/").status_code == 404


def test_a_host_with_subdomains_has_the_merchant_on_one_of_them(config, buyer):
    app = plain.create_app(
        {**config, "SERVER_NAME": "shop.example", "SHOP_SUBDOMAIN": "pay"}, subdomain_matching=True
    )
    pay_and_look(buyer(app, base_url="http://pay.shop.example"), "", "http://pay.shop.example/shop")
    main = buyer(app, base_url="http://shop.example")
    assert main.get("/shop/").status_code == 404
    assert main.get("/").text == "1 http://pay.shop.example/shop/"


@pytest.mark.parametrize("prefix", [None, "/", "/shop", "/a/b"])
def test_any_prefix_leads_to_the_same_pages(config, buyer, prefix):
    from flask import Flask
    from flask_sqlalchemy import SQLAlchemy

    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    merchant.init_app(app, prefix)
    buyer(app, (prefix or "").rstrip("/")).pay()
