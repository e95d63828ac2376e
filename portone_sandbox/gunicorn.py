"""gunicorn's settings for the sandbox alone: it prints a merchant's settings once it listens.

gunicorn --config python:portone_sandbox.gunicorn --bind 127.0.0.1:5001
"""

import os
from typing import Any

from . import settings, startup

wsgi_app = "portone_sandbox:create_app()"
worker_class = "gthread"
threads = 16  # a call that hangs on purpose keeps its thread


def when_ready(server: Any) -> None:
    """gunicorn's server hook. server: the Arbiter, whose sockets are open."""
    scheme = "https" if server.cfg.is_ssl else "http"
    for listener in server.LISTENERS:
        address = listener.sock.getsockname()
        if not isinstance(address, tuple) and not os.environ.get("SANDBOX_URL"):
            print(f"# {address} is a Unix socket: set SANDBOX_URL to its address on the web.")
            continue
        host, port = address[:2] if isinstance(address, tuple) else ("", 0)
        url = startup.public_url(scheme, host, port)
        for line in startup.lines(settings(url), os.environ.get("SANDBOX_WEBHOOK_URL")):
            print(line, flush=True)
