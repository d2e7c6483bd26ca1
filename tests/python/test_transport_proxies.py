"""The transports send nothing past the proxy that the environment names."""

from __future__ import annotations

import asyncio
import http.server
import importlib
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import require

require("httpx")
require("httpx2")

ANSWER = b'{"choices":[{"message":{"content":"by proxy"},"finish_reason":"stop"}]}'


class _Proxy(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_POST(self) -> None:
        self.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What a proxy was asked for that all of the environment names."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    handler = type("Handler", (_Proxy,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("http_proxy", f"127.0.0.1:{server.server_address[1]}")
        monkeypatch.setenv("no_proxy", "direct.invalid")
        yield handler.asked
        server.shutdown()
        thread.join()


def ask(library: str, url: str) -> Any:
    httpx: Any = importlib.import_module(library)
    door: Any = importlib.import_module(f"resayil.{library}")
    with httpx.Client(transport=door.RetryTransport(policy=_once())) as client:
        return client.post(url, json={})


def ask_async(library: str, url: str) -> Any:
    httpx: Any = importlib.import_module(library)
    door: Any = importlib.import_module(f"resayil.{library}")

    async def run() -> Any:
        async with httpx.AsyncClient(transport=door.AsyncRetryTransport(policy=_once())) as client:
            return await client.post(url, json={})

    return asyncio.run(run())


def _once() -> Any:
    import resayil

    return resayil.RetryPolicy(max_attempts=1)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("face", [ask, ask_async])
def test_requests_go_by_the_proxy(library: str, face: Any, proxy: list[str]) -> None:
    url = "http://api.invalid/v1/chat/completions"
    assert b"by proxy" in face(library, url).content
    assert proxy == [url]
    httpx: Any = importlib.import_module(library)
    with pytest.raises(httpx.ConnectError):
        face(library, "http://direct.invalid/v1")
    assert proxy == [url]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_proxy_that_cannot_be_used_is_not_passed_by(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:1")
    with pytest.raises(ValueError, match="gopher"):
        ask(library, "http://127.0.0.1:1/v1")
