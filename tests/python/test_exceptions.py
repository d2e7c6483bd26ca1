from __future__ import annotations

import concurrent.futures
import copy
import inspect
import json
import multiprocessing
import pickle
from typing import Any

import pytest
import resayil
from conftest import RATE_LIMITED
from resayil import _exceptions, _native

CLASSES = {
    name: cls
    for name, cls in vars(_exceptions).items()
    if inspect.isclass(cls)
    and issubclass(cls, resayil.APIError)
    # Of no kind of their own: the base of those with a status, and other names.
    and name == cls.__name__
    and name not in ("APIStatusError", "GatewayTimeoutError")
}
PRISTINE = {name for name in CLASSES}


def test_the_classes_are_those_of_the_table_of_kinds() -> None:
    table = {row[5]: row for row in _native.kinds()}
    more = {"APIStatusError", "GatewayTimeoutError", "OpenAIError", "APIResponseValidationError"}
    assert set(CLASSES) == set(table) == set(_exceptions.__all__) - more
    for name, (number, kind, _statuses, _severity, _retryable, _class) in table.items():
        cls = CLASSES[name]
        assert getattr(resayil, name) is cls
        assert (cls.kind, cls.number) == (kind, number)
        assert cls.__module__.startswith("resayil") and cls.__doc__


def test_every_kind_is_raised_as_its_class() -> None:
    for number, kind, _statuses, severity, retryable, name in _native.kinds():
        error = CLASSES[name]("text")
        assert (error.kind, error.number, error.severity) == (kind, number, severity)
        assert (error.retryable, error.message) == (retryable, "text")
        with pytest.raises(resayil.APIError, match=f"{kind}: text"):
            raise error


@pytest.mark.parametrize(
    ("name", "also"),
    [
        ("APITimeoutError", TimeoutError),
        ("APITimeoutError", ConnectionError),
        ("APIConnectionError", ConnectionError),
        ("DeadlineExceededError", TimeoutError),
        ("ConfigurationError", ValueError),
    ],
)
def test_some_are_also_builtin(name: str, also: type[Exception]) -> None:
    cls = getattr(resayil, name)
    assert issubclass(cls, also)
    with pytest.raises(also):
        raise cls("text")
    assert str(cls("text")).endswith(": text")


def test_a_timeout_from_an_answer_is_a_timeout_error() -> None:
    error = resayil.classify(504, {}, b"")
    assert isinstance(error, resayil.APITimeoutError) and isinstance(error, TimeoutError)
    assert error.status == 504 and error.args and str(error) == "timeout (504)"


@pytest.mark.parametrize(
    ("name", "bases"),
    [
        ("RateLimitError", ["APIStatusError"]),
        ("QuotaExhaustedError", ["RateLimitError"]),
        ("OverloadedError", ["InternalServerError"]),
        ("ContextLengthError", ["BadRequestError"]),
        ("ContentFilterError", ["BadRequestError"]),
        ("APITimeoutError", ["APIConnectionError"]),
        ("GatewayTimeoutError", ["APITimeoutError", "InternalServerError"]),
        ("CancelledError", ["OpenAIError"]),
    ],
)
def test_old_handlers_catch_new_classes(name: str, bases: list[str]) -> None:
    for base in bases:
        with pytest.raises(getattr(resayil, base)):
            raise getattr(resayil, name)("text")


def test_a_used_up_quota_is_caught_as_a_rate_limit_and_not_retried() -> None:
    body = b'{"error":{"message":"quota","type":"insufficient_quota","code":"insufficient_quota"}}'
    error = resayil.classify(429, {}, body)
    assert isinstance(error, resayil.RateLimitError) and error.kind == "quota_exhausted"
    decision = resayil.RetryPolicy().start().on_error(error)
    assert not decision.retry


def test_the_answer_can_be_read() -> None:
    body = b'{"error": {"message": "no", "code": "c"}, "more": 1}'
    error = resayil.classify(422, {"X-Request-Id": "r"}, body)
    assert error is not None and error.response is not None
    assert error.body == {"message": "no", "code": "c"} and error.raw_body == body
    response = error.response
    assert (response.status_code, response.request_id, response.is_success) == (422, "r", False)
    assert (response.text.encode(), response.json()["more"]) == (body, 1)
    assert response.headers["x-request-id"] == "r" and "no" not in repr(response)
    again = pickle.loads(pickle.dumps(response))
    assert (again.status_code, again.content) == (422, body)
    assert again.headers.raw == response.headers.raw
    for raw, parsed in (
        (b"", None), (b"<html>", "<html>"), (b"[1]", [1]), (b'{"a": 1}', {"a": 1}),
        (b"[" * 60_000, "[" * 60_000), (b'{"error": "text"}', "text"), (b"\xff", "\ufffd"),
    ):  # fmt: skip
        found = resayil.classify(500, {}, raw)
        assert found is not None and found.body == parsed
    assert resayil.APIConnectionError("gone").response is None
    assert resayil.APIConnectionError("gone").body is None


def test_a_gateways_time_out_is_both() -> None:
    for status in (504, 524):
        error = resayil.classify(status, {}, b"")
        assert type(error) is resayil.GatewayTimeoutError and error.kind == "timeout"
        assert isinstance(error, resayil.InternalServerError)
        assert type(pickle.loads(pickle.dumps(error))) is resayil.GatewayTimeoutError
    assert type(resayil.classify(408, {}, b"")) is resayil.APITimeoutError


def assert_same(found: resayil.APIError, error: resayil.APIError) -> None:
    assert type(found) is type(error)
    assert found.to_json() == error.to_json()
    assert found.to_json("ar") == error.to_json("ar")
    assert str(found) == str(error) and repr(found) == repr(error)
    assert found.report() == error.report()
    for name in (
        "body", "raw_body", "partial_text", "safe_to_replay", "ambiguous", "model", "rate_limit",
        "retry_after",
        "limit_scope", "limit_window", "retry_at", "stop_reason", "request_state",
    ):  # fmt: skip
        assert getattr(found, name) == getattr(error, name), name
    assert found.headers.raw == error.headers.raw
    assert found._error.should_retry == error._error.should_retry


def samples() -> dict[str, resayil.APIError]:
    errors = {}
    for row in _native.kinds():
        errors[row[5]] = CLASSES[row[5]]("text", status=418, model="m", attempts=3, exhausted=True)
    body = (
        b'{"error":{"message":"no","code":"c","type":"t","param":"p"},'
        b'"errors":{"messages.0.role":["a","b"]}}'
    )
    headers = [("x-request-id", "r"), ("x-should-retry", "false"), ("Set-Cookie", b"\xff\x00")]
    read = resayil.classify(422, headers, body)
    assert read is not None
    errors["read"] = read
    limits = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-tokens": "5",
        "x-ratelimit-reset-tokens": "1.5s",
        "retry-after": "99999999999999999999999",
    }
    limited = resayil.classify(429, limits, RATE_LIMITED[:-1] + b', "x": "\xff"}')
    assert limited is not None
    errors["limited"] = limited
    errors["bare"] = resayil.APIError()
    errors["scoped"] = resayil.RateLimitError(
        "slow",
        limit_scope="tokens",
        limit_window=60.0,
        retry_at=1741305600.5,
        stop_reason="max_hint",
    )
    empty = resayil.classify(500, {}, b"")
    assert empty is not None and empty.message is None
    errors["empty"] = empty
    _, stream = _end(b'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\n')
    assert stream is not None and stream.partial_text == "Hel" and not stream.safe_to_replay
    errors["stream"] = stream
    return errors


def _end(stream: bytes) -> tuple[str, resayil.APIError | None]:
    decoder = resayil.StreamDecoder()
    decoder.feed(stream)
    return decoder.finish()


SAMPLES = samples()


@pytest.mark.parametrize("name", SAMPLES)
def test_exceptions_survive_pickle_and_copy(name: str) -> None:
    error = SAMPLES[name]
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert_same(pickle.loads(pickle.dumps(error, protocol)), error)
    assert_same(copy.copy(error), error)
    assert_same(copy.deepcopy(error), error)
    again = pickle.loads(pickle.dumps(error))
    assert_same(pickle.loads(pickle.dumps(again)), error)


def test_attributes_of_the_user_survive_too() -> None:
    error = copy.copy(SAMPLES["read"])
    assert error.field_errors and error.raw_body and error.headers  # Fills the caches.
    error.tenant = "blue"  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(error))
    assert again.tenant == "blue"
    assert set(vars(again)) == {"tenant"}
    assert again.raw_body == error.raw_body


class Wrapped(resayil.RateLimitError):
    def __init__(self, tenant: str) -> None:
        super().__init__("slow down", retry_after=3.0)
        self.tenant = tenant


def test_subclasses_survive_pickle() -> None:
    error = pickle.loads(pickle.dumps(Wrapped("blue")))
    assert type(error) is Wrapped
    assert (error.tenant, error.retry_after, error.kind) == ("blue", 3.0, "rate_limit")


def _fail(body: bytes) -> None:
    error = resayil.classify(429, {"x-request-id": "r"}, body)
    assert error is not None
    raise error


def test_exceptions_cross_processes() -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        with pytest.raises(resayil.RateLimitError) as caught:
            pool.submit(_fail, RATE_LIMITED).result(timeout=60)
    assert (caught.value.retry_after, caught.value.request_id) == (45.0, "r")
    assert caught.value.raw_body == RATE_LIMITED


def test_the_record_is_json(rate_limit_error: resayil.APIError) -> None:
    record = json.loads(rate_limit_error.to_json())
    assert record == rate_limit_error.to_dict()
    assert record["kind"] == "rate_limit" and record["retry_after"] == 45.0
    assert list(record) == [
        "kind", "status", "severity", "retryable", "message", "code", "type", "param", "request_id",
        "retry_after", "retry_after_source", "rate_limit", "limit_scope", "limit_window",
        "retry_at", "field_errors", "provider", "user_message", "advice", "help_url", "attempts",
        "exhausted", "stop_reason",
    ]  # fmt: skip
    arabic = rate_limit_error.to_dict("ar")
    assert arabic["user_message"] == rate_limit_error.user_message_in("ar")
    assert arabic["advice"] == rate_limit_error.advice_in("ar")


def test_an_unknown_language_is_a_value_error(rate_limit_error: resayil.APIError) -> None:
    for ask in (
        rate_limit_error.user_message_in,
        rate_limit_error.advice_in,
        rate_limit_error.to_json,
    ):
        with pytest.raises(ValueError, match='no texts in the language "fr"; use en or ar'):
            ask("fr")


def test_an_application_may_bring_texts_or_a_language(rate_limit_error: resayil.APIError) -> None:
    data = {
        "language": "de",
        "units": {
            "second": ["Sekunde", "Sekunden"], "minute": ["Minute", "Minuten"],
            "hour": ["Stunde", "Stunden"], "day": ["Tag", "Tage"],
        },
        "kinds": {"rate_limit": {"user_message": "Bitte in {wait}.", "advice": ["Warten."]}},
    }  # fmt: skip
    for given in (data, json.dumps(data)):
        german = resayil.Messages(data=given)
        assert german.language == "de" and repr(german) == '<Messages in "de">'
        assert rate_limit_error.user_message_in(german) == "Bitte in 45 Sekunden."
        assert rate_limit_error.advice_in(german) == ["Warten."]
        assert rate_limit_error.to_dict(german)["user_message"] == "Bitte in 45 Sekunden."
    arabic = resayil.Messages("ar-KW", {"kinds": {"server": {"user_message": "حسنا"}}})
    assert rate_limit_error.user_message_in(arabic) == rate_limit_error.user_message_in("ar")


def test_texts_that_cannot_be_used_say_why(rate_limit_error: resayil.APIError) -> None:
    for data, why in (
        ("{", "not JSON"),
        ({"kinds": {"no_kind": {}}}, "no_kind"),
        ({"kinds": {"server": {"user_message": "{key}"}}}, "placeholder"),
        ({"kinds": {"server": {"user_message": 1}}}, "not text"),
    ):
        with pytest.raises(ValueError, match=why):
            resayil.Messages(data=data)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='no texts in the language "fr"'):
        resayil.Messages("fr")
    with pytest.raises(TypeError, match="the tag of a language or Messages, not int"):
        rate_limit_error.user_message_in(1)  # type: ignore[arg-type]


def test_no_secret_is_printed() -> None:
    secret = "sk-abcdefghijkl1234567890mnop"
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {secret}"}}).encode()
    error = resayil.classify(401, {"Set-Cookie": secret}, body)
    assert error is not None
    made = resayil.AuthenticationError(f"key {secret}", param=secret, type=secret)
    for found in (error, made):
        for text in (str(found), repr(found), found.report(), found.to_json(), repr(found.headers)):
            assert "abcdefghijkl" not in text
    assert secret.encode() in error.raw_body


def test_one_line() -> None:
    text = str(resayil.InternalServerError("first\r\nsecond", status=500))
    assert text == "server (500): first  second"


def test_making_one_is_checked() -> None:
    error = resayil.RateLimitError("slow", retry_after=3.0, rate_limit=resayil.RateLimit(20, 0))
    assert (error.retry_after, error.retry_after_source) == (3.0, "body")
    for details, problem, expected in (
        ({"colour": 1}, TypeError, "an error has no detail 'colour'"),
        ({"retry_after": -1.0}, ValueError, "retry_after has to be 0 or more seconds"),
        ({"retry_after": "soon"}, TypeError, "retry_after has to be a number of"),
        ({"provider": "acme"}, ValueError, 'unknown provider "acme"'),
        ({"retry_after": 1.0, "retry_after_source": "tea"}, ValueError, "unknown retry_after_s"),
        ({"limit_scope": "cups"}, ValueError, 'unknown scope "cups"; known are requests, tokens'),
        ({"limit_window": -1}, ValueError, "limit_window has to be 0 or more seconds"),
        ({"retry_at": float("inf")}, ValueError, "retry_at has to be a finite number of seconds"),
        ({"stop_reason": "tea"}, ValueError, 'unknown reason "tea"'),
        ({"status": "429"}, TypeError, "status has to be an int"),
        ({"rate_limit": 20}, TypeError, "rate_limit"),
    ):  # fmt: skip
        arguments: dict[str, Any] = details
        with pytest.raises(problem, match=expected):
            resayil.RateLimitError("slow", **arguments)
    with pytest.raises(ValueError, match="unknown kind"):
        _native.Error("tea")


def test_replaced_args_do_no_harm() -> None:
    error = resayil.NotFoundError("gone", status=404)
    error.args = ("other",)
    assert (error.kind, error.message, error.status) == ("not_found", "other", None)
    error.args = ()
    assert str(error) == "not_found"


def test_errors_are_immutable(rate_limit_error: resayil.APIError) -> None:
    for name in ("status", "message", "retry_after"):
        with pytest.raises(AttributeError):
            setattr(rate_limit_error, name, 1)
