"""The HTTP server of a test's sandbox: in threads of the test's process, on a free port."""

import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

POLL_SECONDS = 0.05
END_SECONDS = 5  # for the calls that are running


def no_sandbox(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """What the server answers between two tests."""
    start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
    return [b"No test uses the sandbox at present."]


class TestServer(ThreadedWSGIServer):
    """wsgi: the app, which may be exchanged at any time."""

    __test__ = False  # not a class of tests, in spite of its name
    request_queue_size = 128
    wsgi: "WSGIApplication" = staticmethod(no_sandbox)

    def __init__(self) -> None:
        self._calls: dict[threading.Thread, socket.socket] = {}
        super().__init__("127.0.0.1", 0, self._answer, handler=_QuietHandler)
        self.url = f"http://127.0.0.1:{self.port}"
        name = "portone-sandbox server"
        self._thread = threading.Thread(
            target=self.serve_forever, args=[POLL_SECONDS], name=name, daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End the server and its threads."""
        self.shutdown()
        self._thread.join(END_SECONDS)
        self.end_calls()
        self.server_close()

    def end_calls(self) -> None:
        """Wait for the calls that are running, and cut off those that do not end by themselves."""
        for thread in list(self._calls):
            thread.join(END_SECONDS)
        for connection in list(self._calls.values()):
            with suppress(OSError):  # the other side was faster
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._calls):
            thread.join(END_SECONDS)

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        return self.wsgi(environ, start_response)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """socketserver's: the whole life of a call's thread."""
        self._calls[threading.current_thread()] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._calls.pop(threading.current_thread(), None)


class _QuietHandler(WSGIRequestHandler):
    timeout = 60  # for a client that connects and sends nothing

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """The journal has every call."""
