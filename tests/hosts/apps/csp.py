"""A host with Flask-Talisman and its default Content Security Policy, and the sandbox beside it.

HTTPS: as in production; without it as Talisman's documentation says for development.
"""

from flask import Flask, request
from flask_sqlalchemy import SQLAlchemy
from flask_talisman import Talisman
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import merchant
import portone_sandbox


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    SQLAlchemy(app)
    Talisman(app, force_https=app.config["HTTPS"], session_cookie_secure=app.config["HTTPS"])
    merchant.init_app(app, url_prefix="/shop")

    @app.get("/")
    def index():
        return f"<h1>host</h1> {request.url}"

    return app


def mount_sandbox(app, database):
    """Beside the host, as our own wsgi.py mounts it: the host's policy is not the PG's."""
    sandbox = portone_sandbox.create_app(database)
    app.extensions["merchant"].portone.session.mount(
        portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(sandbox)
    )
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": sandbox})
    return sandbox
