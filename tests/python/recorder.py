"""A server that keeps what it is asked, for what a sandbox would not do."""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

ANSWER = {"choices": [{"message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}]}


class Request(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Recorder:
    """The running server."""

    def __init__(self, answer: Callable[[Request], Any]) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.base_url = ""


@contextlib.contextmanager
def recorder(answer: Callable[[Request], Any] = lambda _: ANSWER) -> Iterator[Recorder]:
    """Answers with what the function makes of a request: JSON, or (status, headers, bytes)."""
    running = Recorder(answer)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            raw = self.rfile.read(length)
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                body = raw
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body)
            running.requests.append(request)
            found = running.answer(request)
            status, head, content = (
                found if isinstance(found, tuple) else (200, {}, json.dumps(found).encode())
            )
            self.send_response(status)
            for name, value in {"content-type": "application/json", **head}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            # Who asked may have gone.
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        do_GET = do_POST

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    running.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
