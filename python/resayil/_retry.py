"""The decorator that calls a function again."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, cast, overload

from . import _idempotency, _interop, _native, _time
from ._exceptions import ResponseError
from ._native import Budget, Decision, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

#: What `retry(on=...)` takes: exception classes, or a function that says yes or no.
On = Union[type[Exception], tuple[type[Exception], ...], Callable[[Exception], bool], None]

#: What `retry(retry_if_result=...)` takes.
Predicate = Optional[Callable[[Any], object]]

logger = logging.getLogger("resayil")

DEFAULT_POLICY = RetryPolicy()


class Attempts:
    """One call of a decorated function or of a transport: it decides, logs and marks."""

    def __init__(self, name: str, policy: RetryPolicy, budget: Optional[Budget]) -> None:
        self._name = name
        self._policy = policy
        self._call = policy.start(_time.now(), budget=budget)
        self._tries = 0
        self._sent = 0

    def succeeded(self) -> None:
        """Tells that the call succeeded."""
        self._call.on_success()

    def decide(self, error: _native.Error) -> tuple[Optional[float], _native.Error]:
        """How long to wait before the next attempt; if None, the error comes back marked."""
        self._tries += 1
        # An inner layer may have sent several.
        self._sent += max(1, error.attempts)
        decision = self._call.on_error(error, _time.now())
        if decision.delay is not None:
            logger.warning(
                "%s: attempt %d failed, next in %.3g s (%s): %s",
                self._name,
                self._tries,
                decision.delay,
                decision.reason,
                error,
                extra=self._fields(error, decision),
            )
            return decision.delay, error
        if self._tries > 1:
            logger.info(
                "%s: gave up after %d attempts (%s): %s",
                self._name,
                self._tries,
                decision.reason,
                error,
                extra=self._fields(error, decision),
            )
        return None, error.marked(self._sent, self._is_exhausted(decision.reason, error))

    def failed(self, exception: Exception, error: Optional[_native.Error]) -> Optional[float]:
        """The same for an exception, which is marked. Without an error it is not retried."""
        if error is None:
            return None
        delay, error = self.decide(error)
        if delay is None:
            _interop.mark(exception, error)
        return delay

    def _is_exhausted(self, reason: str, error: _native.Error) -> bool:
        """Whether an outer layer must not begin anew; the native client says the same."""
        if reason == "max_attempts":
            return self._policy.max_attempts > 1
        if reason == "max_quota_waits":
            return self._policy.max_quota_waits > 0
        return reason in ("budget", "deadline") or error.exhausted

    def _fields(self, error: _native.Error, decision: Decision) -> dict[str, object]:
        return {
            "callable": self._name,
            "kind": error.kind,
            "status": error.status,
            "code": error.code,
            "request_id": error.request_id,
            "attempt": self._tries,
            "delay": decision.delay,
            "reason": decision.reason,
        }


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
    retry_if_result: Predicate = ...,
) -> Callable[[Callable[P, T]], Callable[P, T]]: ...


def retry(
    function: Optional[Callable[..., Any]] = None,
    /,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
    on: On = None,
    budget: Optional[Budget] = None,
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

    `retry_if_result` says of what the function returns whether to treat it as a failure all the
    same: `retry_if_result=lambda answer: not answer` retries empty ones. A result that is rejected
    to the last raises ResponseError, with `rejected` set and the result in `result`.

    The requests that a `Client` and this package's transports send for one call carry the same
    idempotency key in each attempt; after a result that was rejected, another one.

    The last exception is raised as it is, marked with `attempts` and `exhausted`; one of another
    package is also given `resayil_error`. Each retry is one WARNING of the logger `resayil`, with
    the fields `callable`, `kind`, `status`, `code`, `request_id`, `attempt`, `delay` and `reason`.
    """
    decorate = functools.partial(
        _decorate, policy=policy, on=on, budget=budget, retry_if_result=retry_if_result
    )
    return decorate if function is None else decorate(function)


def _decorate(
    function: Callable[..., Any],
    *,
    policy: RetryPolicy,
    on: On,
    budget: Optional[Budget],
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
            attempts = Attempts(name, policy, budget)
            keys = _idempotency.Keys(name)
            while True:
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
        attempts = Attempts(name, policy, budget)
        keys = _idempotency.Keys(name)
        while True:
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
