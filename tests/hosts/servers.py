"""Real servers for a host's app, each on loopback and a free port."""

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import requests
from werkzeug.serving import make_server

ROOT = Path(__file__).parents[2]


@contextmanager
def serve(app):
    """The app in a thread of this process. Gives its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def run(*command, env, log, cwd=ROOT, path="/"):
    """A program of this Python that listens on the socket {fd} or at the port {port}. Gives its
    address.

    path: what it is asked for until it answers. log: a file for what it prints.
    """
    listener = socket.create_server(
        ("127.0.0.1", 0)
    )  # connections wait in it until a worker is there
    port = listener.getsockname()[1]
    words = [word.format(fd=listener.fileno(), port=port) for word in command]
    is_handed_over = words != [word.format(fd="", port=port) for word in command]
    if not is_handed_over:
        listener.close()
    with log.open("w") as output:
        process = subprocess.Popen(
            [Path(sys.executable).with_name(words[0]), *words[1:]],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()] if is_handed_over else [],
            start_new_session=True,
        )
    listener.close()
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(base + path, process, log)
        yield base
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # its own way to stop may take seconds
        process.wait(30)


def wait_until_up(url, process, log):
    while True:
        try:
            assert requests.get(url, timeout=30).status_code < 500, log.read_text()
            return
        except requests.ConnectionError:
            assert process.poll() is None, log.read_text()
            threading.Event().wait(0.05)
