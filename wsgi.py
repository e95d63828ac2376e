"""The process. `flask run` and `gunicorn wsgi:app` start here."""

import os
from pathlib import Path

from dotenv import load_dotenv
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from merchant import config, create_app

load_dotenv(Path(__file__).with_name(".env"))

if config.flag(os.environ, "PORTONE_SANDBOX") and not any(
    os.environ.get(name) for name in (*config.ACCOUNT, config.CHANNELS)
):
    import portone_sandbox

    portone = portone_sandbox.create_app(webhook_url="/payment/webhook")
    panel = os.environ.get("PAYMENT_PANEL") or "1"  # learners see the payment step by step
    settings = portone_sandbox.settings("/sandbox")
    app = create_app({**os.environ, **settings, "PAYMENT_PANEL": panel})
    app.extensions["merchant"].portone.session.mount(
        portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(portone)
    )
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": portone})
else:
    app = create_app(os.environ)
