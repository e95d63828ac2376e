"""The process. `flask run` and `gunicorn wsgi:app` start here."""

import os
from pathlib import Path

from dotenv import load_dotenv
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from merchant import config, create_app

load_dotenv(Path(__file__).with_name(".env"))

if config.flag(os.environ, "PORTONE_SANDBOX") and not any(
    os.environ.get(name) for name in config.ACCOUNT
):
    import portone_sandbox

    portone = portone_sandbox.create_app(webhook_url="/payment/webhook")
    app = create_app({**os.environ, **portone_sandbox.settings("/sandbox")})
    app.extensions["merchant"].portone.session.mount(
        portone_sandbox.API_BASE, portone_sandbox.SandboxAdapter(portone)
    )
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/sandbox": portone})
else:
    app = create_app(os.environ)
