"""Call a WSGI app through `requests`, without a server or a port."""

import threading
from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError, ReadTimeout
from urllib3 import HTTPHeaderDict, HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Timeout = float | tuple[float, float] | tuple[float, None] | None


class SandboxAdapter(HTTPAdapter):
    """`session.mount("http://some.invalid", SandboxAdapter(app))` sends requests to the WSGI app.

    The app runs in a thread of its own, so that the read timeout of the request counts:
    requests.ReadTimeout when the app does not answer in time, requests.ConnectionError when it
    raises.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        super().__init__()
        self.app = app

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Timeout = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        call = _Call(self.app, request)
        # A daemon: the process may end although nobody waits for this answer any more.
        worker = threading.Thread(target=call.run, daemon=True)
        worker.start()
        worker.join(timeout[1] if isinstance(timeout, tuple) else timeout)
        if worker.is_alive():
            message = f"The sandbox did not answer within {timeout} seconds."
            raise ReadTimeout(message, request=request)
        if call.response is None:
            raise ConnectionError(call.error, request=request)
        response = self.build_response(request, call.response)
        if not stream:
            response.content  # noqa: B018 - requests reads the body here too
        return response


class _Call:
    """response: the app's answer. error: what it raised instead."""

    def __init__(self, app: "WSGIApplication", request: PreparedRequest) -> None:
        self.app = app
        self.environ = _environ(request)
        self.response: HTTPResponse | None = None
        self.error: Exception | None = None

    def run(self) -> None:
        try:
            body, status, headers = run_wsgi_app(self.app, self.environ, buffered=True)
            self.response = HTTPResponse(
                body=BytesIO(b"".join(body)),
                status=int(status.split()[0]),
                reason=status.partition(" ")[2],
                headers=HTTPHeaderDict(headers),
                preload_content=False,
            )
        except Exception as error:
            self.error = error


def _environ(request: PreparedRequest) -> "WSGIEnvironment":
    body: Any = request.body or b""
    if not isinstance(body, (str, bytes)):
        body = body.read() if hasattr(body, "read") else b"".join(body)
    url = urlsplit(str(request.url))
    return EnvironBuilder(
        path=url.path,
        query_string=url.query,
        base_url=f"{url.scheme}://{url.netloc}/",
        method=str(request.method),
        headers=list(request.headers.items()),
        data=body,
    ).get_environ()
