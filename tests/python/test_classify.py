from __future__ import annotations

import email.message
import http
import pickle
from collections import OrderedDict
from typing import Any

import pytest
import resayil
from conftest import RATE_LIMITED, require

httpx = require("httpx")
requests = require("requests")

VALIDATION = (
    b'{"error":{"message":"Validation failed","code":422},'
    b'"errors":{"model":["The model field is required."],"messages":["Bad.","Worse."]}}'
)


def read(status: Any = 429, headers: Any = None, body: Any = RATE_LIMITED) -> resayil.APIError:
    error = resayil.classify(status, headers, body, now=1741305555)
    assert error is not None
    return error


def test_an_error_has_its_class_and_attributes() -> None:
    error = read(headers={"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"})
    assert type(error) is resayil.RateLimitError
    assert (error.kind, error.number, error.status, error.status_code) == (
        "rate_limit",
        300,
        429,
        429,
    )
    assert (error.severity, error.retryable, error.exhausted, error.attempts) == (
        "error",
        True,
        False,
        0,
    )
    assert (error.message, error.code, error.type, error.param) == (
        "Rate limit exceeded",
        "429",
        None,
        None,
    )
    assert (error.retry_after, error.retry_after_source) == (45.0, "body")
    assert error.rate_limit == resayil.RateLimit(20, 0)
    assert error.user_message == "Too many requests right now. Please try again in 45 seconds."
    assert error.advice and all(isinstance(step, str) for step in error.advice)
    assert error.raw_body == RATE_LIMITED
    assert error.headers["x-ratelimit-limit"] == "20"
    assert (error.partial_text, error.safe_to_replay, error.ambiguous) == (None, True, False)
    assert error.request_state == "answered"
    assert str(error) == "rate_limit (429): Rate limit exceeded; retry after 45 s"
    assert "45" in error.user_message_in("ar") and error.advice_in("ar-KW") != error.advice


def test_limits_of_tokens_are_told_apart() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-input-tokens-limit": "30000",
        "anthropic-ratelimit-input-tokens-remaining": "0",
        "anthropic-ratelimit-output-tokens-limit": "8000",
    }
    error = resayil.classify(429, headers, b"{}", provider="anthropic")
    assert error is not None and error.rate_limit is not None
    told = error.rate_limit
    assert told == resayil.RateLimit(
        50, input_token_limit=30_000, input_tokens_remaining=0, output_token_limit=8_000
    )
    assert (told.limit, told.input_token_limit, told.output_tokens_remaining) == (50, 30_000, None)
    assert told.input_tokens_reset_after is told.output_tokens_reset_after is None
    assert pickle.loads(pickle.dumps(told)) == told


def test_invalid_fields_are_named() -> None:
    error = read(422, None, VALIDATION)
    assert isinstance(error, resayil.UnprocessableEntityError)
    assert error.field_errors == {
        "model": ["The model field is required."],
        "messages": ["Bad.", "Worse."],
    }
    assert list(error.field_errors) == ["model", "messages"]


def test_a_success_is_none() -> None:
    assert resayil.classify(200, {}, b'{"choices":[{"message":{"content":"Hi"}}]}') is None
    assert resayil.classify(204, {}, b"") is None


@pytest.mark.parametrize(
    "body",
    [
        RATE_LIMITED,
        bytearray(RATE_LIMITED),
        memoryview(RATE_LIMITED),
        memoryview(RATE_LIMITED * 2)[: len(RATE_LIMITED)],
        RATE_LIMITED.decode(),
    ],
    ids=["bytes", "bytearray", "memoryview", "slice", "str"],
)
def test_bodies_of_all_types(body: Any) -> None:
    error = read(body=body)
    assert error.retry_after == 45.0
    assert error.raw_body == RATE_LIMITED


def message_headers() -> email.message.Message:
    message = email.message.Message()
    message["Retry-After"] = "7"
    message["X-Request-Id"] = "req_1"
    return message


HEADERS = [("Retry-After", "7"), ("X-Request-Id", "req_1")]


@pytest.mark.parametrize(
    "headers",
    [
        dict(HEADERS),
        OrderedDict(HEADERS),
        {b"Retry-After": b"7", b"x-request-id": "req_1"},
        HEADERS,
        tuple(HEADERS),
        [[b"retry-after", "7"], (b"X-Request-Id", b"req_1")],
        (pair for pair in HEADERS),
        httpx.Headers(HEADERS),
        requests.structures.CaseInsensitiveDict(HEADERS),
        message_headers(),
        resayil.Headers([(b"Retry-After", b"7"), (b"X-Request-ID", b"req_1")]),
    ],
    ids=lambda headers: type(headers).__name__,
)
def test_headers_of_all_types(headers: Any) -> None:
    error = read(headers=headers, body=None)
    assert (error.retry_after, error.request_id) == (7.0, "req_1")
    assert error.headers["RETRY-AFTER"] == "7"
    assert len(error.headers.raw) == 2


def test_lines_of_one_name_stay_apart() -> None:
    headers = httpx.Headers([("Retry-After", "soon"), ("Retry-After", "7")])
    error = read(headers=headers, body=b"")
    assert error.retry_after == 7.0
    assert error.headers.get_all("retry-after") == ["soon", "7"]
    assert error.headers.get("absent") is None
    with pytest.raises(KeyError):
        error.headers["absent"]


def test_header_values_of_any_bytes() -> None:
    error = read(headers={"x-odd": "é\udcff", "X-Request-Id": "مرحبا", "b": b"\xff"}, body=None)
    assert error.request_id == "مرحبا"
    assert error.headers["b"] == "ÿ"
    assert error.headers["x-odd"] == "é\N{REPLACEMENT CHARACTER}"
    assert "ÿ" not in repr(error.headers) and "x-odd" in repr(error.headers)


@pytest.mark.parametrize(
    ("status", "headers", "body", "expected"),
    [
        ("429", {}, b"", "status has to be an int, not str"),
        (None, {}, b"", "status has to be an int, not NoneType"),
        (4.29, {}, b"", "status has to be an int, not float"),
        (429, 7, b"", "headers has to be a mapping or an iterable of"),
        (429, "retry-after: 7", b"", "headers has to be a mapping .* not str"),
        (429, b"x", b"", "headers has to be a mapping .* not bytes"),
        (429, {"Retry-After": 7}, b"", "the value of the header 'Retry-After' .* not int"),
        (429, {"a": ["b"]}, b"", "the value of the header 'a' has to be str or bytes, not list"),
        (429, {None: "b"}, b"", "the name of a header has to be str or bytes, not NoneType"),
        (429, ["ab"], b"", "each entry of headers has to be a pair of name and value, not str"),
        (429, [("a", "b", "c")], b"", "each entry of headers has to be a pair"),
        (429, {}, 7, "body has to be bytes, bytearray, memoryview, str or None, not int"),
        (429, {}, {"error": 1}, "body has to be .* not dict"),
        (429, {}, [1, 2], "body has to be .* not list"),
    ],
)
def test_wrong_types_are_type_errors(status: Any, headers: Any, body: Any, expected: str) -> None:
    with pytest.raises(TypeError, match=expected):
        resayil.classify(status, headers, body)


@pytest.mark.parametrize("status", [-1, 65536, 2**80, -(2**80)])
def test_a_status_out_of_range_is_a_value_error(status: int) -> None:
    with pytest.raises(ValueError, match="status has to be from 0 to 65535"):
        resayil.classify(status, {}, b"")


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match='unknown provider "acme"; known are resayil, openai'):
        resayil.classify(500, {}, b"", provider="acme")
    with pytest.raises(ValueError, match="now has to be a finite number"):
        resayil.classify(500, {}, b"", now=float("nan"))
    with pytest.raises(TypeError):
        resayil.classify(500, {}, b"", now="noon")  # type: ignore[arg-type]
    endless = (("a", "b") for _ in iter(int, 1))
    with pytest.raises(ValueError, match="headers has more than 10000 entries"):
        resayil.classify(500, endless, b"")


def test_an_iterator_that_raises_is_heard() -> None:
    def broken() -> Any:
        yield ("a", "b")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        resayil.classify(500, broken(), b"")


def test_statuses_may_be_http_status() -> None:
    assert type(read(http.HTTPStatus.PAYMENT_REQUIRED, {}, b"")) is resayil.PaymentRequiredError


def test_the_time_is_the_callers() -> None:
    headers = {"Retry-After": "Thu, 06 Mar 2025 23:59:45 GMT"}
    error = resayil.classify(503, headers, b"", now=1741305555)
    assert error is not None and error.retry_after == 30.0
    error = resayil.classify(503, headers, b"")
    assert error is not None and error.retry_after == 0.0


def test_the_provider_may_be_named() -> None:
    date = {"Date": "Thu, 06 Mar 2025 23:59:15 GMT"}
    body = b'{"error":{"message":"Rate limit exceeded","code":429}}'
    error = resayil.classify(429, date, body, provider="resayil")
    assert error is not None
    assert (error.retry_after, error.retry_after_source) == (45.0, "window")
    assert error.help_url == "https://llm.resayil.io/docs/rate-limits"
