"""The exceptions and answers of other packages: the real ones, against a server here."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent import futures
from typing import Any

import pytest
import resayil
import sdks
from conftest import require
from recorder import Recorder, recorder

BODY = {
    "error": {"message": "Rate limit exceeded", "code": 429, "type": "x"},
    "message": "Rate limit exceeded",
    "retry_after": 45,
}
RAW = json.dumps(BODY).encode()
HEADERS = {"retry-after": "45", "x-request-id": "req-1"}

pytestmark = [
    # What other packages leave open or use of each other.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[Recorder]:
    with recorder(lambda _: (429, HEADERS, RAW)) as running:
        yield running
    # Here, where it is no error, and not at the end of all tests.
    gc.collect()


@pytest.fixture(scope="module")
def closed() -> str:
    """A base URL at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"


# What of an answer does not come through: their exceptions do not have it.
NO_BODY = {"aiohttp", "urllib3", "pycurl"}
NO_HEADERS = {"urllib3", "pycurl"}
# Of the body only code and message, or only the error object.
PARTS = {"boto3", "pydantic_ai"}


@pytest.mark.parametrize("name", sdks.CALLS)
def test_an_answer_is_read(server: Recorder, name: str) -> None:
    with pytest.raises(Exception) as caught:
        sdks.CALLS[name](server.base_url)
    error = resayil.from_exception(caught.value)
    assert isinstance(error, resayil.RateLimitError) and error.status_code == 429
    assert error.__cause__ is caught.value
    if name not in NO_HEADERS:
        assert (error.request_id, error.headers["retry-after"]) == ("req-1", "45")
        assert error.retry_after == 45.0
    if name not in NO_BODY:
        assert error.message == "Rate limit exceeded"
        if name not in PARTS:
            assert json.loads(error.raw_body) == BODY


# One is no client, and litellm says that the service failed.
NOT_CLIENTS = {"google_api_core", "litellm"}


@pytest.mark.parametrize("name", [name for name in sdks.CALLS if name not in NOT_CLIENTS])
def test_a_refused_connection_was_not_sent(closed: str, name: str) -> None:
    with pytest.raises(Exception) as caught:
        sdks.CALLS[name](closed)
    error = resayil.from_exception(caught.value)
    assert isinstance(error, resayil.APIConnectionError), repr(caught.value)
    assert error.status is None and error.retryable and not error.ambiguous


def test_from_response(server: Recorder) -> None:
    url = server.base_url
    answers = [
        require("httpx").post(url, json={}),
        require("httpx2").post(url, json={}),
        require("requests").post(url, json={}, timeout=10),
        require("urllib3").request("POST", url, body=b"{}", retries=False),
        resayil.Response(429, resayil.Headers([(b"Retry-After", b"45")]), RAW),
    ]
    for answer in answers:
        error = resayil.from_response(answer)
        assert isinstance(error, resayil.RateLimitError) and error.retry_after == 45.0
        assert json.loads(error.raw_body) == BODY
    with pytest.raises(TypeError, match="has to be an answer of HTTP, not int"):
        resayil.from_response(3)

    async def main() -> None:
        async with require("aiohttp").ClientSession() as session:
            async with session.post(url, json={}) as response:
                assert resayil.from_response(response).raw_body == b""  # type: ignore[union-attr]
                error = resayil.from_response(response, body=await response.read())
                assert error is not None and json.loads(error.raw_body) == BODY
                again = resayil.from_response(response)
                assert again is not None and json.loads(again.raw_body) == BODY

    asyncio.run(main())


def test_a_success_is_none_and_a_disguised_error_is_not() -> None:
    httpx = require("httpx")
    assert resayil.from_response(httpx.Response(200, json={"choices": []})) is None
    error = resayil.from_response(httpx.Response(200, json={"error": {"message": "no", "code": 5}}))
    assert error is not None and error.message == "no"
    parsed = resayil.from_response(httpx.Response(400), body={"error": {"message": "m"}})
    assert parsed is not None and parsed.message == "m"


def test_urllibs_body_stays_readable(server: Recorder) -> None:
    long = json.dumps({"error": {"message": "no"}, "pad": "x" * 1_200_000}).encode()
    with recorder(lambda _: (400, {}, long)) as big:
        for url, body in ((server.base_url, RAW), (big.base_url, long)):
            for first in (False, True):
                with pytest.raises(urllib.error.HTTPError) as caught:
                    urllib.request.urlopen(urllib.request.Request(url, b"{}"), timeout=10)
                head = caught.value.read(5) if first else b""
                error = resayil.from_exception(caught.value)
                assert error is not None
                if not first:
                    assert error.message in ("Rate limit exceeded", None) or error.status == 400
                    assert error.raw_body[:20] == body[:20]
                assert head + caught.value.read() == body
                caught.value.close()


def test_exceptions_of_the_standard_library(closed: str) -> None:
    for exception, cls, ambiguous in (
        (TimeoutError(), resayil.APITimeoutError, True),
        (ConnectionRefusedError(), resayil.APIConnectionError, False),
        (ConnectionResetError(), resayil.APIConnectionError, True),
        (socket.gaierror(-2, "no such name"), resayil.APIConnectionError, False),
        (urllib.error.URLError(TimeoutError("slow")), resayil.APITimeoutError, True),
    ):
        error = resayil.from_exception(exception)
        assert type(error) is cls and error.ambiguous is ambiguous
    for other in (ValueError("x"), KeyError("y"), OSError("disk"), StopIteration(), Exception()):
        assert resayil.from_exception(other) is None
    own = resayil.RateLimitError("x")
    assert resayil.from_exception(own) is own


def test_time_outs() -> None:
    def slow(_: Any) -> Any:
        import time

        time.sleep(1.0)
        return {}

    with recorder(slow) as running:
        url = running.base_url
        for name in ("httpx", "httpx2"):
            with pytest.raises(Exception) as caught:
                require(name).post(url, json={}, timeout=0.2)
            error = resayil.from_exception(caught.value)
            assert isinstance(error, resayil.APITimeoutError) and error.ambiguous
        with pytest.raises(Exception) as caught:
            require("requests").post(url, json={}, timeout=0.2)
        error = resayil.from_exception(caught.value)
        assert isinstance(error, resayil.APITimeoutError) and error.ambiguous
        pycurl = require("pycurl")
        curl = pycurl.Curl()
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.TIMEOUT_MS, 200)
        with pytest.raises(pycurl.error) as caught:
            curl.perform()
        error = resayil.from_exception(caught.value)
        assert isinstance(error, resayil.APITimeoutError) and error.ambiguous


def test_what_wraps_another_is_looked_through() -> None:
    tenacity = require("tenacity")
    inner = resayil.classify(402, {}, b"")
    assert inner is not None

    @tenacity.retry(stop=tenacity.stop_after_attempt(1))
    def fails() -> None:
        raise inner

    with pytest.raises(tenacity.RetryError) as caught:
        fails()
    assert isinstance(resayil.from_exception(caught.value), resayil.PaymentRequiredError)
    # But not every exception that has a cause.
    try:
        raise ValueError("of the program") from inner
    except ValueError as error:
        assert resayil.from_exception(error) is None


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def test_grpc() -> None:
    grpc = require("grpc")
    delay = field(1, varint(1 << 3) + varint(7) + varint(2 << 3) + varint(500_000_000))
    info = field(1, b"type.googleapis.com/google.rpc.RetryInfo") + field(2, delay)
    status = varint(1 << 3) + varint(8) + field(2, b"slow down") + field(3, info)

    def refuse(_: Any, context: Any) -> None:
        context.set_trailing_metadata((("x-request-id", "r"), ("grpc-status-details-bin", status)))
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "slow down")

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, _: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(refuse)

    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            method = channel.unary_unary("/s/m", lambda text: text, lambda text: text)
            with pytest.raises(grpc.RpcError) as caught:
                method(b"x", timeout=10)
    finally:
        server.stop(None)
    error = resayil.from_exception(caught.value)
    assert isinstance(error, resayil.RateLimitError) and error.message == "slow down"
    assert (error.request_id, error.retry_after) == ("r", 7.5)
    # The same below google-api-core.
    wrapped = require("google.api_core.exceptions").from_grpc_error(caught.value)
    again = resayil.from_exception(wrapped)
    assert isinstance(again, resayil.RateLimitError) and again.retry_after == 7.5
    with grpc.insecure_channel("127.0.0.1:9") as channel:
        method = channel.unary_unary("/s/m", lambda text: text, lambda text: text)
        with pytest.raises(grpc.RpcError) as caught:
            method(b"x", timeout=5)
    error = resayil.from_exception(caught.value)
    assert isinstance(error, resayil.OverloadedError) and error.retryable


def test_bedrocks_codes_are_read() -> None:
    client_error = require("botocore.exceptions").ClientError

    def made(code: str, status: int) -> Any:
        metadata = {"HTTPStatusCode": status, "HTTPHeaders": {"x-amzn-requestid": "r"}}
        response = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": metadata}
        return resayil.from_exception(client_error(response, "Converse"))

    assert isinstance(made("ThrottlingException", 400), resayil.RateLimitError)
    assert isinstance(made("ServiceUnavailableException", 503), resayil.OverloadedError)
    assert isinstance(made("AccessDeniedException", 403), resayil.PermissionDeniedError)
    assert made("ModelTimeoutException", 408).request_id == "r"


def test_retry_reads_them_all(server: Recorder) -> None:
    tries = []

    @resayil.retry
    def ask() -> str:
        tries.append(1)
        if len(tries) < 3:
            sdks.CALLS["cohere"](server.base_url)
        return "answer"

    with resayil.testing() as waits:
        assert ask() == "answer"
    assert len(waits) == 2 and min(waits) >= 45.0
