"""The decorator that calls a function again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Optional, TypeVar, cast, overload

from . import _idempotency, _telemetry, _time
from ._attempts import Hook, On, Predicate, Running, raise_failure
from ._native import Budget, Counters, Quota, RetryPolicy
from ._operation import OVER
from ._policy import DEFAULT_POLICY, resolve
from ._result import PLAIN, error_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")

__all__ = ["DEFAULT_POLICY", "Retry", "retry"]


class Retry:
    """What `retry(...)` gives: a decorator, which can also call a function at once."""

    __slots__ = ("_options", "_policy")

    def __init__(self, policy: RetryPolicy, **options: Any) -> None:
        predicate = options.get("retry_if_result")
        if predicate is not None and _is_async(predicate):
            raise TypeError("retry_if_result cannot be a coroutine function")
        self._policy = policy
        self._options = options

    def __call__(self, function: Callable[P, T]) -> Callable[P, T]:
        """Decorates a function."""
        return _decorate(function, self._policy, self._options)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function, again if that may help; of an async one the result is to be awaited."""
        return self(function)(*args, **kwargs)


class _RetryFunction:
    """Calls a function again when it fails in a way that another try may mend.

    For plain and for async functions (asyncio and trio):

    ```python
    @resayil.retry
    def ask(): ...

    @resayil.retry(max_attempts=3, deadline=60)
    async def ask(): ...

    answer = resayil.retry.call(ask, "question")
    answer = resayil.retry(max_attempts=3).call(ask, "question")
    ```

    For a part of a function there is `attempts`.

    It reads the exceptions of this package, and those of httpx, openai, requests and their like: by
    the response that they carry, or as a lost connection or a time-out. `policy` decides whether
    and when to try again; `max_attempts`, `deadline` and the others change single options of it.
    The wait that the server asks for is a floor. Other exceptions go through at once.

    A success that is an error is one, too: a function that returns an answer of httpx, requests or
    aiohttp with a status of 2xx and an error as its JSON, or that JSON parsed, has failed. No more
    than 1 MiB is looked at, and nothing of a stream; other results cost a look at their type.

    `on` narrows or widens this: an exception class, a tuple of them, or a function of the exception
    that says yes or no. Only these are retried; one that cannot be read as an error of an API
    is retried with back-off.

    `quota` is waited for before each attempt. `on_event` is called with a `RetryEvent` for each
    decision. The decorated function has its counters: `ask.statistics()`.

    `budget` is shared by all calls of the function, and of others that are given the same one.
    `counters` counts them: `counters.stats()` and `counters.metrics()` may be read at any time.

    `retry_if_result` says of what the function returns whether to treat it as a failure all the
    same: `retry_if_result=lambda answer: not answer` retries empty ones. A result that is rejected
    to the last raises ResponseError, with `rejected` set and the result in `result`.

    The requests that a `Client` and this package's transports send for one call carry the same
    idempotency key in each attempt; after a result that was rejected, another one.

    The last exception is raised as it is, marked with `attempts` and `exhausted`; one of another
    package is also given `resayil_error`. After several attempts a note tells their history. Each
    retry is one WARNING of the logger `resayil`, and the end of a call that failed an INFO, with
    the attributes `callable`, `action`, `kind`, `status`, `code`, `request_id`, `attempt`, `delay`
    and `reason`.
    """

    __name__ = "retry"

    @overload
    def __call__(self, function: Callable[P, T], /) -> Callable[P, T]: ...

    @overload
    def __call__(
        self,
        *,
        policy: Optional[RetryPolicy] = ...,
        max_attempts: Optional[int] = ...,
        deadline: Optional[float] = ...,
        base_delay: Optional[float] = ...,
        max_delay: Optional[float] = ...,
        max_hint: Optional[float] = ...,
        on: On = ...,
        budget: Optional[Budget] = ...,
        counters: Optional[Counters] = ...,
        quota: Optional[Quota] = ...,
        retry_if_result: Predicate = ...,
        on_event: Hook = ...,
    ) -> Retry: ...

    def __call__(self, *functions: Any, **options: Any) -> Any:
        function = functions[0] if functions else None
        if isinstance(function, int):
            raise TypeError(
                f"retry decorates functions, not int: write @retry(max_attempts={function})"
            )
        decorate = _configured(**options)
        return decorate if function is None else decorate(function)

    def call(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a function with the defaults; `retry(...).call(function, ...)` with options."""
        return Retry(DEFAULT_POLICY).call(function, *args, **kwargs)

    def __repr__(self) -> str:
        return "<function resayil.retry>"


retry = _RetryFunction()


def _configured(
    *,
    policy: Optional[RetryPolicy] = None,
    max_attempts: Optional[int] = None,
    deadline: Optional[float] = None,
    base_delay: Optional[float] = None,
    max_delay: Optional[float] = None,
    max_hint: Optional[float] = None,
    on: On = None,
    budget: Optional[Budget] = None,
    counters: Optional[Counters] = None,
    quota: Optional[Quota] = None,
    retry_if_result: Predicate = None,
    on_event: Hook = None,
) -> Retry:
    return Retry(
        resolve(policy, max_attempts, deadline, base_delay, max_delay, max_hint),
        on=on, budget=budget, counters=counters, quota=quota,
        retry_if_result=retry_if_result, on_event=on_event,
    )  # fmt: skip


_configured.__name__ = "retry"


def _decorate(
    function: Callable[..., Any], policy: RetryPolicy, options: dict[str, Any]
) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError(f"retry decorates functions, not {type(function).__name__}")
    # Loaded when something is decorated: it is large.
    import inspect

    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError("retry cannot decorate a generator: what it has yielded cannot be undone")
    name = getattr(function, "__qualname__", repr(function))
    has_quota = options.get("quota") is not None
    if options.get("counters") is None:
        options = {**options, "counters": Counters()}

    # Nobody has to be asked before the first attempt, nor whether its result is taken.
    is_plain = not has_quota and options.get("retry_if_result") is None
    has_deadline = policy.deadline is not None
    counters, budget = options["counters"], options.get("budget")
    new_keys = _idempotency.keys_of(name)
    set_keys, end_keys = _idempotency.begin, _idempotency.end
    keys_before = _idempotency.before
    succeeded = counters.answered_at_once

    def begun(keys: _idempotency.Unmade, now: Optional[float]) -> Running:
        made = _idempotency.made(keys)
        return Running(name, policy, keys=made, now=now, begun=True, **options)

    if _is_async(function) or _is_async(getattr(function, "__call__", None)):  # noqa: B004
        coroutine = cast("Callable[..., Awaitable[Any]]", function)

        @functools.wraps(function)
        async def call_async(*args: Any, **kwargs: Any) -> Any:
            if is_plain and _telemetry.active is None:
                # A success costs no machine.
                now = _time.now() if has_deadline else None
                token = set_keys(keys := [new_keys, keys_before(), None])
                try:
                    result = await coroutine(*args, **kwargs)
                    if type(result) not in PLAIN and (error := error_in(result)) is not None:
                        raise error
                except Exception as exception:
                    end_keys(token)
                    running = begun(keys, now)
                    running.failed(exception)
                except BaseException:
                    end_keys(token)
                    begun(keys, now).abandon()
                    raise
                else:
                    end_keys(token)
                    succeeded(budget)
                    return result
            else:
                running = Running(name, policy, **options)
            alarm = _time.AsyncAlarm() if has_quota else None
            running.alarm = alarm
            while (wait := running.step()) is not OVER:
                if wait is not None:
                    await (_time.sleep_async if alarm is None else alarm.sleep)(wait)
                    running.waited()
                    continue
                token = running.keys.begin_attempt()
                try:
                    with running.inside():
                        result = await coroutine(*args, **kwargs)
                    if (error := error_in(result)) is not None:
                        raise error
                    if running.takes(result):
                        return result
                except Exception as exception:
                    running.failed(exception)
                except BaseException:
                    # Nobody asks for this call any more.
                    running.abandon()
                    raise
                finally:
                    end_keys(token)
            try:
                raise_failure(running)
            finally:
                del running

        _equip(call_async, options["counters"])
        return call_async

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if is_plain and _telemetry.active is None:
            # A success costs no machine.
            now = _time.now() if has_deadline else None
            token = set_keys(keys := [new_keys, keys_before(), None])
            try:
                result = function(*args, **kwargs)
                if type(result) not in PLAIN and (error := error_in(result)) is not None:
                    raise error
            except Exception as exception:
                end_keys(token)
                running = begun(keys, now)
                running.failed(exception)
            except BaseException:
                end_keys(token)
                begun(keys, now).abandon()
                raise
            else:
                end_keys(token)
                succeeded(budget)
                return result
        else:
            running = Running(name, policy, **options)
        alarm = _time.Alarm() if has_quota else None
        running.alarm = alarm
        while (wait := running.step()) is not OVER:
            if wait is not None:
                (_time.sleep if alarm is None else alarm.sleep)(wait)
                running.waited()
                continue
            token = running.keys.begin_attempt()
            try:
                with running.inside():
                    result = function(*args, **kwargs)
                if (error := error_in(result)) is not None:
                    raise error
                if running.takes(result):
                    return result
            except Exception as exception:
                running.failed(exception)
            except BaseException:
                # Nobody asks for this call any more.
                running.abandon()
                raise
            finally:
                end_keys(token)
        try:
            raise_failure(running)
        finally:
            # The exception's traceback holds this frame: no circle.
            del running

    _equip(call, options["counters"])
    return call


def _is_async(function: object) -> bool:
    import inspect

    return inspect.iscoroutinefunction(function)


def _equip(call: Any, counters: Counters) -> None:
    """Gives the decorated function its counters, and `statistics()`."""
    call.counters = counters
    call.statistics = counters.stats
