"""A sandbox for the time of the judgement, on a free port of this machine."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from werkzeug.serving import make_server

from .. import create_app, settings


@contextmanager
def running_sandbox(webhook_url: str | None) -> Iterator[str]:
    """Its address. The settings for the merchant are printed."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with TemporaryDirectory() as folder:
        app = create_app(Path(folder) / "sandbox.db", webhook_url)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://localhost:{server.server_port}"
        print("# Start the merchant with these settings:")
        for name, value in settings(base).items():
            print(f"{name}={value}")
        print("", flush=True)
        try:
            yield base
        finally:
            app.extensions["sandbox"].close()
            server.shutdown()
            thread.join()
            server.server_close()
