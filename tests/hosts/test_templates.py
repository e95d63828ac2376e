"""A host whose own templates have other signs than Jinja's usual ones: Vue's and Angular's {{ }} stay
free by them.
"""

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy

import merchant
from tests.hosts.test_sessions import run

pytestmark = pytest.mark.database


class VueFlask(Flask):
    jinja_options = {
        **Flask.jinja_options,
        "variable_start_string": "[[",
        "variable_end_string": "]]",
        "block_start_string": "<%",
        "block_end_string": "%>",
        "comment_start_string": "<#",
        "comment_end_string": "#>",
        "line_statement_prefix": "#",
        "autoescape": False,
    }


def test_a_host_with_signs_of_its_own_has_the_payment_pages_and_its_own(config, buyer):
    app = VueFlask("host")
    app.config.from_mapping(config, PAYMENT_PANEL="1")
    SQLAlchemy(app)
    merchant.init_app(app, url_prefix="/shop")

    @app.get("/own")
    def own():
        template = app.jinja_env.from_string("<% if 1 %>[[ name ]] {{ left }}<% endif %>")
        return template.render(name="<b>")

    visitor = buyer(app)
    assert "{{" not in visitor.get("/shop/").text
    order = visitor.pay()
    page = visitor.get(f"/shop/orders/{order['orderId']}?message=%3Cscript%3E")
    assert "{%" not in page.text and "<script>" not in page.text
    failed = visitor.order()
    page = visitor.get(f"/shop/orders/{failed['orderId']}?message=%3Cscript%3E")
    assert page.status_code == 200 and "&lt;script&gt;" in page.text
    assert visitor.get("/shop/orders/none").status_code == 404
    assert visitor.get("/own").text == "<b> {{ left }}", "the host's own signs are left alone"
    assert run(app, "orders").exit_code == 0
