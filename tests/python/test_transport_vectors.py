"""The vectors once more, as answers that come through the transports and the adapter."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
import resayil
from conftest import require
from resayil import _time
from test_vectors import cases, content

httpx = require("httpx")
requests = require("requests")
require("requests.adapters")
urllib3 = require("urllib3")

import resayil.httpx  # noqa: E402
import resayil.requests  # noqa: E402

URL = "http://127.0.0.1:9/v1/chat/completions"

#: All but redirects, which are their library's business.
ERRORS = [case for case in cases("errors.jsonl") if not 300 <= case.values[0]["status"] < 400]

#: What only a layer that sends knows.
OWN = {"attempts", "exhausted", "stop_reason"}


class Pieces(httpx.SyncByteStream):
    """A body that comes in small pieces."""

    def __init__(self, data: bytes, size: int = 41) -> None:
        self.pieces = [data[at : at + size] for at in range(0, len(data), size)]

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces


def through_httpx(row: dict[str, Any], body: bytes) -> tuple[bytes, Any]:
    class Canned(httpx.BaseTransport):
        def handle_request(self, request: Any) -> Any:
            headers = [(name.encode(), value.encode()) for name, value in row["headers"]]
            return httpx.Response(row["status"], headers=headers, stream=Pieces(body))

    transport = resayil.httpx.RetryTransport(
        Canned(), policy=resayil.RetryPolicy.none(), quota=None, provider=row["provider"]
    )
    read = b""
    with httpx.Client(transport=transport) as client:
        try:
            with client.stream("POST", URL, json={}) as response:
                for piece in response.iter_raw():
                    read += piece
                response.raise_for_status()
        except httpx.HTTPError as exception:
            return read, exception
    return read, None


def through_requests(row: dict[str, Any], body: bytes) -> tuple[bytes, Any]:
    class Canned(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(41 if size is None or size < 0 else min(size, 41))

        read1 = read

    def answer(_self: Any, request: Any, *_: Any, **__: Any) -> Any:
        headers = urllib3.HTTPHeaderDict()
        for name, value in row["headers"]:
            headers.add(name, value)
        raw = urllib3.HTTPResponse(
            Canned(body), headers=headers, status=row["status"], preload_content=False
        )
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    adapter = resayil.requests.RetryAdapter(
        policy=resayil.RetryPolicy.none(), quota=None, provider=row["provider"]
    )
    read = b""
    with pytest.MonkeyPatch.context() as patch, requests.Session() as session:
        patch.setattr(requests.adapters.HTTPAdapter, "send", answer)
        session.mount("http://", adapter)
        try:
            response = session.post(URL, json={}, stream=True, allow_redirects=False)
            for piece in response.raw.stream(41, decode_content=False):
                read += piece
            response.raise_for_status()
        except requests.RequestException as exception:
            return read, exception
    return read, None


@pytest.fixture(params=[through_httpx, through_requests], ids=["httpx", "requests"])
def through(request: pytest.FixtureRequest) -> Any:
    return request.param


def record(exception: Any) -> Any:
    if exception is None:
        return None
    error = resayil.from_exception(exception)
    assert error is not None, repr(exception)
    assert error.attempts == 1
    return {name: value for name, value in error.to_dict().items() if name not in OWN}


def expected(row: dict[str, Any]) -> Any:
    found = row["record"]
    return found and {name: value for name, value in found.items() if name not in OWN}


@pytest.mark.parametrize("row", ERRORS)
def test_errors(row: dict[str, Any], through: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_time, "wall", lambda: row["now"])
    read, exception = through(row, content(row))
    assert record(exception) == expected(row)
    if exception is None or row["status"] >= 400:
        assert read == content(row)


@pytest.mark.parametrize("row", cases("streams.jsonl"))
def test_streams(row: dict[str, Any], through: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_time, "wall", lambda: row["now"])
    body = row["stream"].encode()
    if body.startswith(b"{") and not any(name == "content-type" for name, _ in row["headers"]):
        # Without a word of its own nobody takes it for a stream.
        row = {**row, "headers": [*row["headers"], ["content-type", "application/x-ndjson"]]}
    read, exception = through(row, body)
    found, wanted = record(exception), expected(row)
    assert found == wanted
    if exception is None:
        assert read == body
        return
    error: Any = resayil.from_exception(exception)
    assert (error.partial_text or "") == row["partial_text"]
    assert error.safe_to_replay == row["safe_to_replay"]
    # What was delivered is handed on; what is wrong is not.
    assert body.startswith(read) or read == error.raw_body
