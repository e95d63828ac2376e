"""Reach a WSGI app through `requests` without a server, a port, or a second worker."""

import threading
from io import BytesIO
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError, ReadTimeout
from urllib3 import HTTPResponse
from werkzeug.test import EnvironBuilder, run_wsgi_app


class SandboxAdapter(HTTPAdapter):
    """`session.mount("http://some.invalid", SandboxAdapter(app))` sends what goes there to the WSGI app.

    The app runs in a thread of its own, so that the read time-out (seconds) of the request counts:
    requests.ReadTimeout when it does not answer in time, requests.ConnectionError when it breaks.
    """

    def __init__(self, app):
        super().__init__()
        self.app = app

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        environ = _environ(request)
        answer = {}

        def answer_request():
            try:
                body, status, headers = run_wsgi_app(self.app, environ, buffered=True)
                answer["response"] = HTTPResponse(
                    body=BytesIO(b"".join(body)),
                    status=int(status.split()[0]),
                    reason=status.partition(" ")[2],
                    headers=list(headers),
                    preload_content=False,
                )
            except Exception as error:
                answer["error"] = error

        # A daemon, so that an answer nobody waits for does not keep the process from ending.
        worker = threading.Thread(target=answer_request, daemon=True)
        worker.start()
        worker.join(_read_seconds(timeout))
        if worker.is_alive():
            raise ReadTimeout(
                f"The sandbox did not answer within {timeout} seconds.", request=request
            )
        if "error" in answer:
            raise ConnectionError(answer["error"], request=request)
        response = self.build_response(request, answer["response"])
        if not stream:
            response.content  # noqa: B018 - requests reads the body here too
        return response


def _environ(request):
    body = request.body or b""
    if not isinstance(body, (str, bytes)):
        body = body.read() if hasattr(body, "read") else b"".join(body)
    url = urlsplit(request.url)
    return EnvironBuilder(
        path=url.path,
        query_string=url.query,
        base_url=f"{url.scheme}://{url.netloc}/",
        method=request.method,
        headers=dict(request.headers),
        data=body,
    ).get_environ()


def _read_seconds(timeout):
    return timeout[1] if isinstance(timeout, tuple) else timeout
