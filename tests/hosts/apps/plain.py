"""A small host in a factory, as Flask's tutorial has it, with everything about addresses left to
the test.

`create_app()` without settings reads them from the environment, for servers: HOST_… are the host's
own.
"""

import os

from flask import Flask, session, url_for
from flask_sqlalchemy import SQLAlchemy
from werkzeug.middleware.proxy_fix import ProxyFix

import merchant


def create_app(config=None, **options):
    app = Flask(__name__, **options)
    app.config.from_prefixed_env("HOST")
    app.config.from_mapping({k: v for k, v in os.environ.items() if k.startswith("PORTONE_")})
    app.config.from_mapping(config)
    if app.config.get("BEHIND_PROXY"):
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
    SQLAlchemy(app)

    @app.get("/")
    def index():
        session["visits"] = session.get("visits", 0) + 1
        return f"{session['visits']} {url_for('merchant.order_page')}"

    where = {"subdomain": app.config["SHOP_SUBDOMAIN"]} if "SHOP_SUBDOMAIN" in app.config else {}
    merchant.init_app(app, url_prefix="/shop", **where)
    return app
