"""The merchant's side of a PortOne V2 payment: a blueprint for your app, and a site around it."""

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from flask import Flask
from sqlalchemy.exc import OperationalError

from . import config, models
from .current import Merchant
from .pages import startup
from .pages.responses import Answer, error, error_page
from .portone import PortOne
from .views import bp

__version__ = "0.2.0"

# Optional folders: payments work without them. To leave one out, delete it and its line here.
ROOMS = (
    ".backoffice.cli",  # flask reconcile, orders, order, refund, doctor
    ".panel.steps",  # the payment step by step, for learners
)


def init_app(
    app: Flask,
    url_prefix: str | None = None,
    create_tables: bool = True,
    cli_group: str | None = "merchant",
    subdomain: str | None = None,
) -> None:
    """Add the payment pages to your app. Reads the settings of .env.example from `app.config`.

    url_prefix: where the pages start, such as "/pay".
    create_tables: False if your migrations create the tables.
    cli_group: the commands are `flask merchant …`; None puts them beside your own.
    subdomain: passed to Flask's register_blueprint.

    Uses the app's Flask-SQLAlchemy, which must be set up before; without one it uses its own, on
    DATABASE_URL. Raises config.SettingsError.
    """
    settings = config.load(app.config)
    app.extensions["merchant"] = Merchant(settings, PortOne(settings))
    if "sqlalchemy" not in app.extensions:
        url = app.config.get("DATABASE_URL") or "sqlite:///merchant.db"  # in instance/
        app.config.setdefault("SQLALCHEMY_DATABASE_URI", url)
        models.db.init_app(app)
    for room in ROOMS:
        import_module(room, __name__)
    app.register_blueprint(bp, url_prefix=url_prefix, cli_group=cli_group, subdomain=subdomain)
    startup.warn(app, bp, settings)
    if create_tables:
        startup.create_tables(app)


def _create_tables() -> None:
    """Create the tables of our own site, which does not start without its database."""
    try:
        models.create_tables()
    except OperationalError:
        context = click.get_current_context(silent=True)
        if context is None or context.info_name == "run":
            raise
        # Other commands start without it: `flask doctor` says what is wrong with the database.


def create_app(settings: Mapping[str, Any]) -> Flask:
    """Our own site. `settings` maps the names in .env.example to text, as os.environ does."""
    app = Flask(__name__, static_folder=None, template_folder="../templates")
    names = [name for name in settings if name.startswith(("PORTONE_", "PAYMENT_"))]
    app.config.from_mapping({name: settings[name] for name in names})
    app.config["PUBLIC_URL"] = settings.get("PUBLIC_URL")
    database = settings.get("DATABASE_URL") or "sqlite:///merchant.db"  # in instance/
    app.config["SQLALCHEMY_DATABASE_URI"] = database
    # A database server may have closed a kept connection, for example when it restarted.
    pre_ping = not database.startswith("sqlite")
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": pre_ping}
    # JSON in pages shows Korean as it is, which is half as long as its escapes.
    app.jinja_env.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    app.logger.setLevel(logging.INFO)  # one line for each change of state
    init_app(app, create_tables=False, cli_group=None)
    with app.app_context():
        _create_tables()
        models.set_wal_mode()
    app.register_error_handler(404, lambda _: error_page(404, "There is no such page."))
    app.register_error_handler(405, method_not_allowed)
    app.register_error_handler(500, lambda _: error_page(500, "Something went wrong on our side."))
    return app


def method_not_allowed(problem: Any) -> Answer:
    response, _, _ = error("INVALID_REQUEST", "This address does not take that method.")
    return response, 405, {"Allow": ", ".join(sorted(problem.valid_methods or ()))}
