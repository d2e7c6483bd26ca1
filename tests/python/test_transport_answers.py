"""What the transports, the adapter and the middleware make of answers that are none."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import resayil
from conftest import Sandbox, require

httpx = require("httpx")
httpx2 = require("httpx2")
requests = require("requests")
aiohttp = require("aiohttp")

import resayil.aiohttp  # noqa: E402
import resayil.httpx  # noqa: E402
import resayil.httpx2  # noqa: E402
import resayil.requests  # noqa: E402


class Got(NamedTuple):
    """What a program has in hand in the end."""

    body: bytes
    exception: Any
    error: Any
    """What is known of the failure."""


class Call:
    """One chat through a face."""

    def __init__(self, sandbox: Sandbox, stream: bool, fault: str) -> None:
        origin = sandbox.base_url.removesuffix("/v1")
        path = f"/fault/{fault}/v1" if fault else "/v1"
        self.url = f"{origin}{path}/chat/completions"
        self.headers = {"Authorization": f"Bearer {sandbox.api_key}", "Accept": "application/json"}
        self.json = {
            "model": "mistral",
            "messages": [{"role": "user", "content": "one two three four"}],
            "stream": stream,
        }


def by_httpx(call: Call, options: Any) -> bytes:
    body = b""
    with httpx.Client(transport=resayil.httpx.RetryTransport(**options), timeout=60) as client:
        with client.stream("POST", call.url, json=call.json, headers=call.headers) as response:
            for piece in response.iter_bytes():
                body += piece
            response.raise_for_status()
    return body


def by_httpx2_async(call: Call, options: Any) -> bytes:
    async def main() -> bytes:
        body = b""
        transport = resayil.httpx2.AsyncRetryTransport(**options)
        async with (
            httpx2.AsyncClient(transport=transport, timeout=60) as client,
            client.stream("POST", call.url, json=call.json, headers=call.headers) as response,
        ):
            async for piece in response.aiter_bytes():
                body += piece
            response.raise_for_status()
        return body

    return asyncio.run(main())


def by_requests(call: Call, options: Any) -> bytes:
    with requests.Session() as session:
        session.mount("http://", resayil.requests.RetryAdapter(**options))
        response = session.post(
            call.url, json=call.json, headers=call.headers, stream=True, timeout=60
        )
        body: bytes = b"".join(response.iter_content(7))
        response.raise_for_status()
    return body


def by_aiohttp(call: Call, options: Any) -> bytes:
    async def main() -> bytes:
        body = b""
        options.pop("max_wire_bytes", None)
        middleware = resayil.aiohttp.RetryMiddleware(**options)
        async with (
            aiohttp.ClientSession(middlewares=[middleware]) as session,
            session.post(call.url, json=call.json, headers=call.headers) as response,
        ):
            async for piece in response.content.iter_any():
                body += piece
            response.raise_for_status()
        return body

    return asyncio.run(main())


Face = Callable[..., Got]


@pytest.fixture(params=[by_httpx, by_httpx2_async, by_requests, by_aiohttp])
def face(request: pytest.FixtureRequest, sandbox: Sandbox) -> Face:
    def ask(*, stream: bool = False, fault: str = "", **options: Any) -> Got:
        try:
            body = request.param(Call(sandbox, stream, fault), options)
        except Exception as exception:
            return Got(b"", exception, resayil.from_exception(exception))
        return Got(body, None, None)

    return ask


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "stream_error"},
        "empty_answer",
        "bad_json",
        "drop_mid_body",
        {"fault": "cut_stream"},
        "gzip_cut",
    ],
)
def test_an_answer_that_is_none_is_asked_for_again(
    sandbox: Sandbox, face: Face, fault: Any
) -> None:
    sandbox.script(fault)
    with resayil.testing():
        got = face()
    assert got.exception is None and b"echo: one two three four" in got.body
    assert len(sandbox.log) == 2


def test_an_error_in_a_success_has_the_status_that_it_stands_for(
    sandbox: Sandbox, face: Face
) -> None:
    sandbox.script(*["stream_error"] * 9)
    with resayil.testing():
        got = face(policy=resayil.RetryPolicy(2))
    assert got.error.kind == "server" and got.error.exhausted and got.error.attempts == 2
    response = getattr(got.exception, "response", None)
    status = getattr(got.exception, "status", None) if response is None else response.status_code
    assert status == 500
    assert len(sandbox.log) == 2


def test_a_stream_is_handed_on_as_it_came(sandbox: Sandbox, face: Face) -> None:
    got = face(stream=True)
    assert got.exception is None
    assert got.body.startswith(b"data: ") and got.body.rstrip().endswith(b"data: [DONE]")
    assert len(sandbox.log) == 1


def test_a_stream_that_fails_before_it_delivers_is_sent_again(sandbox: Sandbox, face: Face) -> None:
    cut = {"fault": "cut_stream", "events": 0}
    sandbox.script({**cut, "end": "close"}, {**cut, "end": "done"})
    with resayil.testing() as waits:
        got = face(stream=True)
    assert got.exception is None, got.exception
    assert b"[DONE]" in got.body
    assert len(sandbox.log) == 3 and len(waits) == 2


@pytest.mark.parametrize("end", ["done", "end", "close"])
def test_a_stream_that_is_cut_later_ends_in_an_exception(
    sandbox: Sandbox, face: Face, end: str
) -> None:
    sandbox.script({"fault": "cut_stream", "events": 3, "end": end})
    got = face(stream=True)
    if got.exception is None:
        # Of a broken connection aiohttp gives nothing that came before.
        assert end == "close" and len(sandbox.log) == 2
        return
    assert got.error.kind == "network" and not got.error.safe_to_replay
    assert got.error.partial_text
    # Of a broken connection aiohttp may lose what had come and was not read yet.
    assert end == "close" or "one" in got.error.partial_text
    assert len(sandbox.log) == 1


def test_an_error_in_a_stream_is_an_exception_and_no_event(sandbox: Sandbox, face: Face) -> None:
    sandbox.script("stream_error")
    got = face(stream=True)
    assert got.error.kind == "server" and got.error.partial_text
    assert isinstance(got.exception, resayil.InternalServerError)
    theirs = (httpx.HTTPError, httpx2.HTTPError, requests.RequestException, aiohttp.ClientError)
    assert isinstance(got.exception, theirs)
    assert len(sandbox.log) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "head_drip",
        "slow_drip~bytes=1~interval=0.2",
        "hang",
        "silent_mid_body",
        "gzip_empty_blocks",
    ],
)
@pytest.mark.parametrize("limit", ["deadline", "attempt_timeout"])
def test_nothing_takes_longer_than_it_may(face: Face, fault: str, limit: str) -> None:
    options: Any = {"attempt_timeout": 0.7, "policy": resayil.RetryPolicy.none()}
    if limit == "deadline":
        options = {"policy": resayil.RetryPolicy(deadline=0.7)}
    start = time.monotonic()
    got = face(fault=fault, **options)
    assert time.monotonic() - start < 1.7
    kinds = {limit.replace("attempt_", "")}
    if fault.startswith("gzip"):
        # A library may see what is wrong with it before.
        kinds |= {"protocol", "network"}
    assert got.error.kind in kinds


def test_of_an_error_no_more_is_read_than_is_wanted(sandbox: Sandbox, face: Face) -> None:
    got = face(fault="status~status=500~body=" + "x" * 2000, policy=resayil.RetryPolicy.none())
    assert got.error.status == 500
    sandbox.script(*[{"fault": "huge_body", "bytes": 8 * 2**20}] * 2)
    got = face(policy=resayil.RetryPolicy.none(), max_response_bytes=2**20)
    assert got.error.kind == "protocol" and "max_response_bytes" in str(got.error)
    assert not got.error.retryable


def test_what_is_unpacked_is_bounded_too(face: Face) -> None:
    got = face(fault="gzip_bomb", policy=resayil.RetryPolicy.none(), max_response_bytes=2**20)
    assert got.error.kind == "protocol" and "max_response_bytes" in str(got.error)


def test_a_quota_that_admits_nothing_in_time_is_an_error_at_once(
    sandbox: Sandbox, face: Face
) -> None:
    quota = resayil.Quota(limit=1, window=3600)
    assert face(quota=quota).exception is None
    start = time.monotonic()
    got = face(quota=quota, policy=resayil.RetryPolicy(deadline=1))
    assert time.monotonic() - start < 1
    assert got.error.kind == "deadline" and got.error.attempts == 0
    assert len(sandbox.log) == 1


def test_a_quota_is_shared_by_the_processes_of_a_host(
    sandbox: Sandbox, face: Face, tmp_path: Any
) -> None:
    tmp_path.chmod(0o700)
    shared: Any = {"share_quota": True, "quota_folder": tmp_path}
    assert face(quota=resayil.Quota(limit=1, window=3600), **shared).exception is None
    # Another one of the same folder, origin and key.
    got = face(
        quota=resayil.Quota(limit=1, window=3600), policy=resayil.RetryPolicy(deadline=1), **shared
    )
    assert got.error.kind == "deadline" and got.error.attempts == 0
    assert list(tmp_path.iterdir())


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(TypeError, match="quota"):
        resayil.httpx.RetryTransport(quota=20)
    with pytest.raises(TypeError, match="share_quota"):
        resayil.requests.RetryAdapter(quota=None, share_quota=True)
    with pytest.raises(ValueError, match="provider"):
        resayil.aiohttp.RetryMiddleware(provider="nobody")
