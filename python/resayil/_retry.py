"""The decorator that calls a function again."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, cast, overload

from . import _idempotency, _interop, _log, _native, _time
from ._exceptions import ResponseError
from ._native import Budget, Counters, Decision, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

#: What `retry(on=...)` takes: exception classes, or a function that says yes or no.
On = Union[type[Exception], tuple[type[Exception], ...], Callable[[Exception], bool], None]

#: What `retry(retry_if_result=...)` takes.
Predicate = Optional[Callable[[Any], object]]

DEFAULT_POLICY = RetryPolicy()


class Attempts:
    """One call of a decorated function or of a transport: it decides, logs, counts and marks."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        budget: Optional[Budget],
        counters: Optional[Counters] = None,
    ) -> None:
        self._name = name
        self._call = policy.start(_time.now(), budget=budget)
        self._counters = counters
        self._tries = 0
        self._sent = 0
        if counters is not None:
            counters.call_started()

    def begin(self) -> None:
        """Tells that an attempt begins."""
        self._tries += 1
        if self._counters is not None:
            self._counters.attempt_started()

    def succeeded(self) -> None:
        """Tells that the call succeeded."""
        self._call.on_success()
        if self._counters is not None:
            self._counters.answered()

    def decide(self, error: _native.Error) -> tuple[Optional[float], _native.Error]:
        """How long to wait before the next attempt; if None, the error comes back marked."""
        # An inner layer may have sent several.
        self._sent += max(1, error.attempts)
        decision = self._call.on_error(error, _time.now())
        self._count(decision, error)
        _log.emit(
            self._name,
            "retry" if decision.retry else "stop",
            decision.reason,
            self._tries,
            decision.delay,
            error,
            decision._text(self._tries, error),
        )
        if decision.delay is not None:
            return decision.delay, error
        return None, self._call._mark(error, decision, self._sent)

    def failed(self, exception: Exception, error: Optional[_native.Error]) -> Optional[float]:
        """The same for an exception, which is marked. Without an error it is not retried."""
        if error is None:
            self.given_up(None)
            return None
        delay, error = self.decide(error)
        if delay is None:
            _interop.mark(exception, error)
        return delay

    def given_up(self, error: Optional[_native.Error]) -> None:
        """Tells that the call failed in a way that no retry mends, whatever the policy."""
        if self._counters is not None:
            self._counters.decided(_GIVEN_UP, error or _native.Error("unknown"))

    def _count(self, decision: Decision, error: _native.Error) -> None:
        counters = self._counters
        if counters is None:
            return
        counters.decided(decision, error)
        if error.kind == "rate_limit":
            counters.refused()
        if decision.delay is not None:
            if decision.reason == "quota_window":
                counters.waited_for_quota(decision.delay)
            else:
                counters.waited_for_backoff(decision.delay)


# What no retry mends, without asking the policy.
_GIVEN_UP = Decision(False, None, "not_retryable")


def _read(exception: Exception, on: On) -> Optional[_native.Error]:
    """The error to decide on, or None if this exception is not to be retried."""
    if on is None:
        return _interop.read_error(exception)
    if isinstance(on, (type, tuple)):
        wanted = isinstance(exception, on)
    else:
        wanted = on(exception)
    if not wanted:
        return None
    error = _interop.read_error(exception)
    # Nothing is known of it but that the caller wants it repeated.
    return error or _native.Error("unknown", type(exception).__name__, retryable=True)


@overload
def retry(function: Callable[P, T], /) -> Callable[P, T]: ...


@overload
def retry(
    *,
    policy: RetryPolicy = ...,
    on: On = ...,
    budget: Optional[Budget] = ...,
    counters: Optional[Counters] = ...,
    retry_if_result: Predicate = ...,
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def retry(
    function: Optional[Callable[..., Any]] = None,
    /,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
    on: On = None,
    budget: Optional[Budget] = None,
    counters: Optional[Counters] = None,
    retry_if_result: Predicate = None,
) -> Any:
    """Calls a function again when it fails in a way that another try may mend.

    For plain and for async functions (asyncio and trio), as `@retry` or `@retry(policy=...)`.

    It reads the exceptions of this package, and those of httpx, openai, requests and their like: by
    the response that they carry, or as a lost connection or a time-out. `policy` decides whether
    and when to try again: the wait that the server asks for is a floor. Other exceptions go
    through at once.

    `on` narrows or widens this: an exception class, a tuple of them, or a function of the exception
    that says yes or no. Only these are retried; one that cannot be read as an error of an API
    is retried with back-off.

    `budget` is shared by all calls of the function, and of others that are given the same one.
    `counters` counts them: `counters.stats()` and `counters.metrics()` may be read at any time.

    `retry_if_result` says of what the function returns whether to treat it as a failure all the
    same: `retry_if_result=lambda answer: not answer` retries empty ones. A result that is rejected
    to the last raises ResponseError, with `rejected` set and the result in `result`.

    The requests that a `Client` and this package's transports send for one call carry the same
    idempotency key in each attempt; after a result that was rejected, another one.

    The last exception is raised as it is, marked with `attempts` and `exhausted`; one of another
    package is also given `resayil_error`. Each retry is one WARNING of the logger `resayil`, and
    the end of a call that failed an INFO, with the attributes `callable`, `action`, `kind`,
    `status`, `code`, `request_id`, `attempt`, `delay` and `reason`.
    """
    decorate = functools.partial(
        _decorate,
        policy=policy,
        on=on,
        budget=budget,
        counters=counters,
        retry_if_result=retry_if_result,
    )
    return decorate if function is None else decorate(function)


def _decorate(
    function: Callable[..., Any],
    *,
    policy: RetryPolicy,
    on: On,
    budget: Optional[Budget],
    counters: Optional[Counters],
    retry_if_result: Predicate,
) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError(f"retry decorates functions, not {type(function).__name__}")
    if not isinstance(policy, RetryPolicy):
        raise TypeError(f"policy has to be a RetryPolicy, not {type(policy).__name__}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("retry cannot decorate a generator: what it has yielded cannot be undone")
    if inspect.iscoroutinefunction(retry_if_result):
        raise TypeError("retry_if_result cannot be a coroutine function")
    name = getattr(function, "__qualname__", repr(function))

    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    ):
        coroutine = cast("Callable[..., Awaitable[Any]]", function)

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            attempts = Attempts(name, policy, budget, counters)
            keys = _idempotency.Keys(name)
            while True:
                attempts.begin()
                try:
                    with keys.attempt():
                        result = await coroutine(*args, **kwargs)
                except Exception as exception:
                    delay = attempts.failed(exception, _read(exception, on))
                    if delay is None:
                        raise
                else:
                    rejected = _rejected(result, retry_if_result)
                    if rejected is None:
                        attempts.succeeded()
                        return result
                    keys.renew()
                    delay = attempts.failed(rejected, rejected._error)
                    if delay is None:
                        raise rejected
                await _time.sleep_async(delay)

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        attempts = Attempts(name, policy, budget, counters)
        keys = _idempotency.Keys(name)
        while True:
            attempts.begin()
            try:
                with keys.attempt():
                    result = function(*args, **kwargs)
            except Exception as exception:
                delay = attempts.failed(exception, _read(exception, on))
                if delay is None:
                    raise
            else:
                rejected = _rejected(result, retry_if_result)
                if rejected is None:
                    attempts.succeeded()
                    return result
                keys.renew()
                delay = attempts.failed(rejected, rejected._error)
                if delay is None:
                    raise rejected
            _time.sleep(delay)

    return call


def _rejected(result: Any, predicate: Predicate) -> Optional[ResponseError]:
    """The error that a result makes which is not taken."""
    if predicate is None or not predicate(result):
        return None
    error = ResponseError("the result was rejected by retry_if_result", rejected=True)
    error.result = result
    return error
