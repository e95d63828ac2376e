"""The merchant's side of a PortOne V2 payment: a blueprint for your app, and our own site around it."""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from flask import Flask
from sqlalchemy import exc, text

from . import config
from .cli import bp  # the views' blueprint, with the commands
from .models import create_tables, db
from .portone import PortOne
from .views import error, error_page


@dataclass(frozen=True)
class Merchant:
    """What the blueprint needs besides the database; kept in `app.extensions["merchant"]`."""

    settings: config.Settings
    portone: PortOne


def init_app(app: Flask, url_prefix: str | None = None) -> None:
    """Put the payment pages into an app of yours. Reads the settings (see .env.example) from `app.config`.

    Uses the app's Flask-SQLAlchemy if it has one. Raises config.SettingsError.
    """
    settings = config.load(app.config)
    app.extensions["merchant"] = Merchant(settings, PortOne(settings))
    if "sqlalchemy" not in app.extensions:
        db.init_app(app)
    app.register_blueprint(bp, url_prefix=url_prefix)
    with app.app_context():
        create_tables()


def create_app(settings: Mapping) -> Flask:
    """Our own site. `settings` maps the names in .env.example to their values, as `os.environ` does."""
    app = Flask(__name__, static_folder=None, template_folder="../templates")
    app.config.from_mapping(
        {name: value for name, value in settings.items() if name.startswith("PORTONE_")}
    )
    app.config["PUBLIC_URL"] = settings.get("PUBLIC_URL")
    database = settings.get("DATABASE_URL") or "sqlite:///merchant.db"  # in instance/
    app.config["SQLALCHEMY_DATABASE_URI"] = database
    # A server may have closed a connection that was kept, such as for its restart.
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": not database.startswith("sqlite")}
    app.jinja_env.policies["json.dumps_kwargs"] = {
        "ensure_ascii": False
    }  # Korean in pages as it is, at half the size
    app.logger.setLevel(
        logging.INFO
    )  # a line for each change of state: Flask's logger is that of this package
    init_app(app)
    with app.app_context():
        if (
            db.engine.dialect.name == "sqlite"
        ):  # pragma: no branch - the suite runs on PostgreSQL as well
            # Readers don't wait for a writer then. The mode stays: who finds the file locked finds it set next time.
            with suppress(exc.OperationalError), db.engine.connect() as connection:
                connection.execute(text("PRAGMA journal_mode=WAL"))
            db.engine.dispose()
    app.register_error_handler(404, lambda problem: error_page(404, "There is no such page."))
    app.register_error_handler(405, method_not_allowed)
    app.register_error_handler(
        500, lambda problem: error_page(500, "Something went wrong on our side.")
    )
    return app


def method_not_allowed(problem):
    response = error("INVALID_REQUEST", "This address does not take that method.")[0]
    return response, 405, {"Allow": ", ".join(sorted(problem.valid_methods or ()))}
