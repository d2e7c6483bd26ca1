from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import logging
import pickle
import time
from typing import Any

import pytest
import resayil
from conftest import require

httpx = require("httpx")
requests = require("requests")
openai = require("openai")
trio = require("trio")


class Flaky:
    """Fails with each of these, then succeeds."""

    def __init__(self, *failures: BaseException) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self, value: int = 1) -> int:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return value


def server_error() -> resayil.APIError:
    return resayil.InternalServerError("down", status=500, code="E1", request_id="req_1")


def limited(wait: float = 45.0) -> resayil.APIError:
    return resayil.RateLimitError("slow", status=429, retry_after=wait)


def test_it_waits_as_long_as_the_server_asks_and_succeeds() -> None:
    flaky = Flaky(limited(45.0), server_error())

    @resayil.retry
    def call(value: int) -> int:
        """Says it."""
        return flaky(value)

    with resayil.testing() as waits:
        assert call(7) == 7
    assert flaky.calls == 3
    assert 45.0 <= waits[0] <= 46.0 and 0.5 <= waits[1] <= 1.0
    assert waits.total == sum(waits)
    assert (call.__name__, call.__doc__) == ("call", "Says it.")
    assert list(inspect.signature(call).parameters) == ["value"]


def test_it_really_sleeps() -> None:
    flaky = Flaky(limited(0.2))
    started = time.monotonic()
    assert resayil.retry(flaky)() == 1
    assert 0.2 <= time.monotonic() - started < 2.0


@pytest.mark.parametrize(
    "run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"]
)
def test_async_functions(run: Any) -> None:
    flaky = Flaky(limited(45.0), server_error())

    @resayil.retry(policy=resayil.RetryPolicy(max_attempts=3))
    async def call(value: int) -> int:
        return flaky(value)

    assert inspect.iscoroutinefunction(call)

    async def main() -> int:
        return await call(7)

    with resayil.testing() as waits:
        assert run(main()) == 7
    assert len(waits) == 2 and flaky.calls == 3


@pytest.mark.parametrize(
    "run", [asyncio.run, lambda main: trio.run(lambda: main)], ids=["asyncio", "trio"]
)
def test_async_sleep_lets_others_run(run: Any) -> None:
    flaky = Flaky(limited(0.2))
    call = resayil.retry(_coroutine(flaky))
    started = time.monotonic()
    run(call())
    assert 0.2 <= time.monotonic() - started < 2.0


def _coroutine(function: Any) -> Any:
    async def call() -> Any:
        return function()

    return call


def test_objects_with_an_async_call() -> None:
    class Caller:
        def __init__(self) -> None:
            self.flaky = Flaky(limited(45.0))

        async def __call__(self) -> int:
            return self.flaky()

    with resayil.testing() as waits:
        assert asyncio.run(resayil.retry(Caller())()) == 1
    assert len(waits) == 1


def test_cancelling_ends_the_wait() -> None:
    flaky = Flaky(limited(60.0))

    async def main() -> None:
        await asyncio.wait_for(resayil.retry(_coroutine(flaky))(), 0.1)

    started = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(main())
    assert time.monotonic() - started < 5.0 and flaky.calls == 1


def test_the_last_error_is_raised_and_marked() -> None:
    errors = [server_error() for _ in range(5)]
    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError) as caught:
        resayil.retry(Flaky(*errors))()
    assert caught.value is errors[-1]
    assert (caught.value.attempts, caught.value.exhausted) == (5, True)
    assert len(waits) == 4


def test_what_cannot_be_mended_is_raised_at_once() -> None:
    for error in (
        resayil.UnprocessableEntityError("no"),
        resayil.QuotaExhaustedError("spent", status=429, retry_after=3.0),
        resayil.RateLimitError("later", retry_after=3600.0),
    ):
        flaky = Flaky(error)
        with resayil.testing() as waits, pytest.raises(type(error)) as caught:
            resayil.retry(flaky)()
        assert (flaky.calls, waits, caught.value.attempts, caught.value.exhausted) == (
            1,
            [],
            1,
            False,
        )


def test_layers_do_not_multiply() -> None:
    flaky = Flaky(*(server_error() for _ in range(100)))
    inner = resayil.retry(
        flaky,
    )
    outer = resayil.retry(policy=resayil.RetryPolicy.patient())(inner)
    with resayil.testing(), pytest.raises(resayil.InternalServerError) as caught:
        outer()
    assert flaky.calls == 5
    assert (caught.value.attempts, caught.value.exhausted) == (5, True)


def test_other_exceptions_go_through() -> None:
    for exception in (ValueError("x"), KeyboardInterrupt(), RuntimeError("y")):
        flaky = Flaky(exception)
        with resayil.testing() as waits, pytest.raises(type(exception)) as caught:
            resayil.retry(flaky)()
        assert caught.value is exception and flaky.calls == 1 and waits == []
        assert not hasattr(exception, "attempts")


def test_the_deadline_counts_skipped_waits() -> None:
    flaky = Flaky(*(limited(30.0) for _ in range(9)))
    policy = resayil.RetryPolicy(deadline=100.0)
    with resayil.testing() as waits, pytest.raises(resayil.RateLimitError) as caught:
        resayil.retry(policy=policy)(flaky)()
    assert len(waits) == 3 and caught.value.exhausted


def test_on_narrows_and_widens() -> None:
    class Odd(Exception):
        pass

    flaky = Flaky(Odd(), Odd())
    with resayil.testing() as waits:
        assert resayil.retry(on=Odd)(flaky)() == 1
    assert len(waits) == 2

    for on in (Odd, (Odd, KeyError), lambda error: isinstance(error, Odd)):
        flaky = Flaky(server_error())
        with resayil.testing() as waits, pytest.raises(resayil.InternalServerError):
            resayil.retry(on=on)(flaky)()
        assert waits == []

    flaky = Flaky(*(Odd() for _ in range(9)))
    with resayil.testing(), pytest.raises(Odd) as caught:
        resayil.retry(on=Odd)(flaky)()
    assert (flaky.calls, caught.value.attempts, caught.value.exhausted) == (5, 5, True)  # type: ignore[attr-defined]


def test_the_budget_is_drawn_and_filled() -> None:
    budget = resayil.Budget(ratio=0.5, reserve=1.0)
    with resayil.testing():
        assert resayil.retry(budget=budget)(Flaky(server_error()))() == 1
    assert budget.remaining == 0.5

    def always() -> None:
        raise server_error()

    # What is not afforded waits for a sign of life, and tries now and then.
    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError) as caught:
        resayil.retry(budget=budget)(always)()
    assert caught.value.exhausted and caught.value.stop_reason == "budget"
    assert 14.9 <= waits.total < 20


def http_status_error(library: Any) -> Exception:
    request = library.Request("POST", "https://api.example.com/v1/chat/completions")
    body = b'{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}'
    response = library.Response(
        429, headers={"X-Request-Id": "req_1"}, content=body, request=request
    )
    return library.HTTPStatusError("429", request=request, response=response)  # type: ignore[no-any-return]


def openai_error() -> Exception:
    httpx2 = require("httpx2")
    inner: Any = http_status_error(httpx2)
    return openai.RateLimitError("slow", response=inner.response, body=None)  # type: ignore[no-any-return]


def requests_error() -> Exception:
    response = requests.Response()
    response.status_code = 429
    response.headers["X-Request-Id"] = "req_1"
    response._content = b'{"error":{"message":"slow"},"retry_after":45}'
    return requests.HTTPError("429", response=response)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "make",
    [lambda: http_status_error(httpx), openai_error, requests_error],
    ids=["httpx", "openai", "requests"],
)
def test_exceptions_with_a_response_are_read(make: Any) -> None:
    with resayil.testing() as waits:
        assert resayil.retry(Flaky(make()))() == 1
    assert 45.0 <= waits[0] <= 46.0

    policy = resayil.RetryPolicy(max_quota_waits=1)
    with resayil.testing(), pytest.raises(Exception) as caught:
        resayil.retry(policy=policy)(Flaky(make(), make()))()
    assert (caught.value.attempts, caught.value.exhausted) == (2, True)  # type: ignore[attr-defined]
    error = caught.value.resayil_error  # type: ignore[attr-defined]
    assert (error.kind, error.request_id, error.attempts) == ("rate_limit", "req_1", 2)
    with resayil.testing() as waits, pytest.raises(type(caught.value)):
        resayil.retry(Flaky(caught.value))()
    assert waits == []


def _request() -> Any:
    return httpx.Request("POST", "https://api.example.com/")


@pytest.mark.parametrize(
    ("exception", "kind", "ambiguous"),
    [
        (httpx.ConnectError("refused"), "network", False),
        (httpx.ConnectTimeout("slow"), "timeout", False),
        (httpx.ReadTimeout("slow"), "timeout", True),
        (httpx.RemoteProtocolError("cut"), "network", True),
        (requests.ConnectTimeout("slow"), "timeout", False),
        (requests.ReadTimeout("slow"), "timeout", True),
        (requests.ConnectionError("gone"), "network", True),
        (openai.APITimeoutError(request=_request()), "timeout", True),
        (openai.APIConnectionError(request=_request()), "network", True),
        (TimeoutError("slow"), "timeout", True),
        (asyncio.TimeoutError(), "timeout", True),
        (ConnectionResetError("gone"), "network", True),
        (ConnectionRefusedError("no"), "network", False),
    ],
    ids=lambda value: (
        type(value).__module__ + type(value).__name__ if isinstance(value, Exception) else ""
    ),
)
def test_exceptions_without_an_answer_are_read(
    exception: Exception, kind: str, ambiguous: bool
) -> None:
    policy = resayil.RetryPolicy(max_attempts=1)
    with pytest.raises(type(exception)):
        resayil.retry(policy=policy)(Flaky(exception))()
    error = exception.resayil_error  # type: ignore[attr-defined]
    assert (error.kind, error.ambiguous, error.exhausted) == (kind, ambiguous, False)
    cautious = resayil.RetryPolicy(retry_ambiguous=False).start(0.0).on_error(exception, 0.0)
    assert cautious.retry is not ambiguous


@pytest.mark.parametrize(
    "exception",
    [
        httpx.UnsupportedProtocol("x"),
        httpx.InvalidURL("x"),
        requests.exceptions.InvalidURL("x"),
        OSError("x"),
    ],
)
def test_what_no_retry_mends_is_not_read(exception: Exception) -> None:
    with resayil.testing() as waits, pytest.raises(type(exception)):
        resayil.retry(Flaky(exception))()
    assert waits == []


def test_one_event_a_retry_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @resayil.retry(policy=resayil.RetryPolicy(max_attempts=2))
    def ask() -> None:
        raise server_error()

    with caplog.at_level(logging.INFO, "resayil"), resayil.testing() as waits:
        with pytest.raises(resayil.InternalServerError):
            ask()
    first, last = caplog.records
    assert (first.levelname, last.levelname) == ("WARNING", "INFO")
    expected = {
        "kind": "server", "status": 500, "code": "E1", "request_id": "req_1",
        "attempt": 1, "delay": waits[0], "reason": "backoff",
    }  # fmt: skip
    assert {name: getattr(first, name) for name in expected} == expected
    assert "ask" in first.callable  # type: ignore[attr-defined]
    assert "server (500): down" in first.getMessage()
    assert (last.reason, last.attempt, last.delay) == ("max_attempts", 2, None)  # type: ignore[attr-defined]


def test_what_cannot_be_decorated_is_refused() -> None:
    def generator() -> Any:
        yield 1

    async def async_generator() -> Any:
        yield 1

    for function in (generator, async_generator):
        with pytest.raises(TypeError, match="retry cannot decorate a generator"):
            resayil.retry(function)
    with pytest.raises(TypeError, match="retry decorates functions, not int"):
        resayil.retry(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="policy has to be a RetryPolicy, not int"):
        resayil.retry(policy=3)(generator)  # type: ignore[call-overload]


def test_testing_nests_and_ends() -> None:
    with resayil.testing() as outer:
        with resayil.testing() as inner:
            resayil.retry(Flaky(server_error()))()
        resayil.retry(Flaky(server_error()))()
    assert (len(inner), len(outer)) == (1, 1)
    flaky = Flaky(limited(0.1))
    started = time.monotonic()
    resayil.retry(flaky)()
    assert time.monotonic() - started >= 0.1


def test_time_that_was_skipped_stays_past() -> None:
    policy = resayil.RetryPolicy(9, deadline=30.0, base_delay=20.0, factor=1.0, jitter="none")
    calls = []

    @resayil.retry(policy=policy)
    def call() -> None:
        # A test that looks at its waits one by one may empty the list.
        calls.append(list(waits))
        waits.clear()
        raise ConnectionError("gone")

    with resayil.testing() as waits, pytest.raises(ConnectionError):
        call()
    assert calls == [[], [20.0]]


def test_results_that_are_not_taken() -> None:
    results = ["", "", "good"]

    @resayil.retry(retry_if_result=lambda result: not result)
    def call() -> str:
        return results.pop(0)

    with resayil.testing() as waits:
        assert call() == "good"
    assert len(waits) == 2 and 0.5 <= waits[0] <= 1.0

    @resayil.retry(policy=resayil.RetryPolicy(3), retry_if_result=lambda result: result == "bad")
    async def call_async() -> str:
        return "bad"

    with resayil.testing() as waits, pytest.raises(resayil.ResponseError) as caught:
        asyncio.run(call_async())
    error = caught.value
    assert (error.rejected, error.exhausted, error.attempts, error.result) == (True, True, 3, "bad")
    again = pickle.loads(pickle.dumps(error))
    assert (again.rejected, again.result) == (True, "bad")
    assert len(waits) == 2 and not resayil.ResponseError("x").rejected

    # It costs no budget, and what the predicate raises goes through.
    budget = resayil.Budget(reserve=1)
    with resayil.testing(), pytest.raises(resayil.ResponseError):
        resayil.retry(budget=budget, retry_if_result=lambda _: True)(lambda: 0)()
    assert budget.remaining == 1
    with pytest.raises(ZeroDivisionError):
        resayil.retry(retry_if_result=lambda result: 1 // result)(lambda: 0)()

    async def predicate(_: Any) -> bool:
        return True

    with pytest.raises(TypeError, match="coroutine"):
        resayil.retry(retry_if_result=predicate)(lambda: 0)


def test_nothing_of_a_call_is_kept_after_it() -> None:
    from resayil import _operation

    @resayil.retry(policy=resayil.RetryPolicy(base_delay=0.0))
    def ask(fails: bool) -> None:
        if fails:
            raise resayil.AuthenticationError("bad key", status=401)

    def alive() -> int:
        return sum(isinstance(it, _operation.Operation) for it in gc.get_objects())

    gc.collect()
    before = alive()
    gc.disable()
    try:
        for _ in range(20):
            ask(False)
            with contextlib.suppress(resayil.AuthenticationError):
                ask(True)
        # Without a collection: there is no circle.
        assert alive() == before
    finally:
        gc.enable()
