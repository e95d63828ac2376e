"""A host with Flask-Limiter and a default limit, as its documentation writes it, and docs/copy's
line.
"""

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_sqlalchemy import SQLAlchemy

import merchant


def create_app(config):
    app = Flask(__name__)
    app.config.from_mapping(config)
    limiter = Limiter(
        get_remote_address,
        app=app,
        default_limits=["200 per day", "3 per hour"],
        storage_uri="memory://",
    )
    SQLAlchemy(app)

    @app.get("/slow")
    def slow():
        return ":("

    limiter.exempt(merchant.bp)  # PortOne's webhooks come from few addresses
    merchant.init_app(app, url_prefix="/shop")
    return app
