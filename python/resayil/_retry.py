"""The decorator that calls a function again."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Optional, TypeVar, Union, cast, overload

from . import _idempotency, _interop, _native, _time
from ._exceptions import ResponseError
from ._native import Budget, Counters, RetryPolicy
from ._operation import Operation

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
            attempts = _Attempts(name, policy, budget, counters, on, retry_if_result)
            for wait in attempts.steps():
                if wait is not None:
                    await _time.sleep_async(wait)
                    continue
                with attempts.one():
                    result = await coroutine(*args, **kwargs)
                    if attempts.takes(result):
                        return result
            try:
                raise attempts.failure()
            finally:
                del attempts

        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        attempts = _Attempts(name, policy, budget, counters, on, retry_if_result)
        for wait in attempts.steps():
            if wait is not None:
                _time.sleep(wait)
                continue
            with attempts.one():
                result = function(*args, **kwargs)
                if attempts.takes(result):
                    return result
        try:
            raise attempts.failure()
        finally:
            # The exception's traceback holds this frame: no circle.
            del attempts

    return call


class _Attempts(Operation):
    """The attempts of one call of a decorated function."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        budget: Optional[Budget],
        counters: Optional[Counters],
        on: On,
        retry_if_result: Predicate,
    ) -> None:
        super().__init__(name, policy, budget, counters)
        self._on = on
        self._predicate = retry_if_result
        self._keys = _idempotency.Keys(name)

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """One attempt: its exception is kept, to be raised at the end."""
        try:
            with self._keys.attempt():
                yield
        except Exception as exception:
            self.raised(exception, _read(exception, self._on))

    def takes(self, result: Any) -> bool:
        """Whether the result is the call's."""
        rejected = _rejected(result, self._predicate)
        if rejected is None:
            self.succeeded()
            return True
        self._keys.renew()
        self.raised(rejected, rejected._error)
        return False


def _rejected(result: Any, predicate: Predicate) -> Optional[ResponseError]:
    """The error that a result makes which is not taken."""
    if predicate is None or not predicate(result):
        return None
    error = ResponseError("the result was rejected by retry_if_result", rejected=True)
    error.result = result
    return error
