"""Warnings and work at the start. What is not possible yet is done before the first request."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from flask import Blueprint, Flask, current_app
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from .. import models
from ..config import Settings

CSRF = (
    "Flask-WTF's CSRFProtect refuses PortOne's webhooks and our pages' requests, without a token: "
    "write csrf.exempt(merchant.bp) before merchant.init_app (docs/copy)"
)
NO_WEBHOOK_SECRET = (
    "PORTONE_WEBHOOK_SECRET is not set, although this shop takes real payments: unsigned webhooks "
    "are taken, so anybody can make this server ask PortOne. PortOne's console shows the secret"
)
MIGRATIONS = (
    "this app has migrations, which do not know our tables: their next revision may remove the "
    "payments. Write create_tables=False in merchant.init_app, and our metadata in "
    "migrations/env.py (docs/copy)"
)
POSTPONED = "merchant_postponed"  # in app.extensions: a list of functions

logger = logging.getLogger(__name__)


def warn(app: Flask, bp: Blueprint, settings: Settings) -> None:
    """Warn once. CSRF protection that is set up after us is noticed by the first request."""
    if not settings.allow_test and not settings.webhook_secrets:
        logger.warning(NO_WEBHOOK_SECRET)
    if "csrf" in app.extensions:
        _warn_of_csrf(app, bp)
    else:
        _postpone(app, partial(_warn_of_csrf, app, bp))


def _warn_of_csrf(app: Flask, bp: Blueprint) -> None:
    csrf = app.extensions.get("csrf")
    switches = ("WTF_CSRF_ENABLED", "WTF_CSRF_CHECK_DEFAULT")
    is_on = csrf is not None and all(app.config.get(name, True) for name in switches)
    # Flask-WTF has no public name for this; older releases store the blueprint's name.
    if is_on and not {bp, bp.name} & set(getattr(csrf, "_exempt_blueprints", ())):
        logger.warning(CSRF)


def create_tables(app: Flask) -> None:
    """Create the tables now, or before the first request if the database does not answer yet."""
    if not _warn_of_migrations(app):
        _postpone(app, partial(_warn_of_migrations, app))
    with app.app_context():
        try:
            inspect(app.extensions["sqlalchemy"].engine)  # it connects
        except OperationalError as error:  # such as in a host's own tests
            logger.warning("no database yet; the first request creates the tables: %s", error.orig)
            _postpone(app, models.create_tables)
        else:
            models.create_tables()


def _warn_of_migrations(app: Flask) -> bool:
    has_migrations = not {"migrate", "alembic"}.isdisjoint(app.extensions)
    if has_migrations:
        logger.warning(MIGRATIONS)
    return has_migrations


def finish() -> None:
    """Before a request: do what the start postponed. What fails is done by the next request."""
    postponed = current_app.extensions.get(POSTPONED)
    while postponed:
        work = postponed[-1]
        work()
        with suppress(ValueError):  # another thread has just done the same
            postponed.remove(work)


def _postpone(app: Flask, work: Callable[[], object]) -> None:
    app.extensions.setdefault(POSTPONED, []).append(work)
