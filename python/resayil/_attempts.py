"""One call in attempts, for whoever drives them: the decorator, a loop, a call of a function."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Optional, Union

from . import _idempotency, _interop, _native, _time
from ._exceptions import ResponseError
from ._native import Budget, Counters, Quota, RetryPolicy
from ._notes import RetryEvent
from ._operation import Operation
from ._policy import resolve

#: What `on=...` takes: exception classes, or a function that says yes or no.
On = Union[type[Exception], tuple[type[Exception], ...], Callable[[Exception], bool], None]

#: What `retry_if_result=...` takes.
Predicate = Optional[Callable[[Any], object]]

#: What `on_event=...` takes.
Hook = Optional[Callable[[RetryEvent], object]]


class Running(Operation):
    """A call under way."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        *,
        budget: Optional[Budget] = None,
        counters: Optional[Counters] = None,
        quota: Optional[Quota] = None,
        on: On = None,
        retry_if_result: Predicate = None,
        on_event: Hook = None,
        keys: Optional[_idempotency.Keys] = None,
        now: Optional[float] = None,
        begun: bool = False,
    ) -> None:
        super().__init__(name, policy, budget, counters, quota, on_event, now, begun=begun)
        self._on = on
        self._predicate = retry_if_result
        #: The keys of what is sent for it.
        self.keys = keys or _idempotency.keys_of(name)()

    def failed(self, exception: Exception) -> None:
        """The attempt raised this."""
        self.raised(exception, _read(exception, self._on))

    def takes(self, result: Any) -> bool:
        """Whether the result is the call's."""
        if self._predicate is None or not self._predicate(result):
            self.succeeded()
            return True
        self.reject(result)
        return False

    def reject(self, result: Any) -> ResponseError:
        """The attempt gave a result that is not taken."""
        error = ResponseError("the result was rejected by retry_if_result", rejected=True)
        error.result = result
        self.keys.renew()
        self.raised(error, error._error)
        return error


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


class Attempt:
    """One attempt of a loop: what is done in its `with` block.

    An exception that another attempt may mend ends the block, and the loop goes on; any other is
    raised.
    """

    __slots__ = ("_inside", "_keys", "_running", "_state", "number")

    def __init__(self, running: Running, number: int) -> None:
        self._running = running
        self._state = "new"
        self._keys: Any = None
        self.number = number
        """Which attempt this is, from 1."""

    def reject(self, result: object) -> None:
        """Says that what came is no answer: the next attempt is made, or ResponseError raised."""
        if self._state != "open":
            raise RuntimeError("reject() belongs into the attempt's `with` block")
        raise _Rejected(result)

    def __enter__(self) -> Attempt:
        if self._state != "new":
            raise RuntimeError("an attempt is made once")
        self._state = "open"
        self._keys = self._running.keys.begin_attempt()
        self._inside = self._running.inside()
        self._inside.__enter__()
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> bool:
        self._state = "done"
        self._inside.__exit__(None, None, None)
        _idempotency.end(self._keys)
        if exc is None:
            self._running.succeeded()
            return False
        if isinstance(exc, _Rejected):
            rejected = self._running.reject(exc.result)
            if self._running.goes_on():
                return True
            self._running.failure()
            raise rejected from None
        if not isinstance(exc, Exception):
            self._running.abandon()
            return False
        self._running.failed(exc)
        if self._running.goes_on():
            return True
        # The same exception, marked.
        self._running.failure()
        return False

    async def __aenter__(self) -> Attempt:
        return self.__enter__()

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> bool:
        return self.__exit__(exc_type, exc, traceback)

    def _check(self) -> None:
        if self._state != "done":
            raise RuntimeError("what an attempt does belongs into `with attempt:`")


class _Rejected(BaseException):
    """Carries what `Attempt.reject` was given to the end of its block."""

    def __init__(self, result: object) -> None:
        super().__init__(result)
        self.result = result


class Attempts:
    """The attempts of one call, for `for` and `async for`; see `attempts`."""

    def __init__(self, make: Callable[[], Running], has_quota: bool) -> None:
        self._make = make
        self._has_quota = has_quota

    def __iter__(self) -> Iterator[Attempt]:
        running, number = self._make(), 0
        alarm = _time.Alarm() if self._has_quota else None
        for wait in running.steps(alarm):
            if wait is not None:
                (_time.sleep if alarm is None else alarm.sleep)(wait)
                continue
            number += 1
            attempt = Attempt(running, number)
            yield attempt
            attempt._check()
            if running.is_over:
                return
        raise_failure(running)

    def __aiter__(self) -> AsyncIterator[Attempt]:
        return _AsyncLoop(self._make(), self._has_quota)


class _AsyncLoop(AsyncIterator[Attempt]):
    # No asynchronous generator: who leaves the loop would have to close it.

    def __init__(self, running: Running, has_quota: bool) -> None:
        self._running = running
        self._alarm = _time.AsyncAlarm() if has_quota else None
        self._steps = running.steps(self._alarm)
        self._attempt: Optional[Attempt] = None
        self._number = 0

    async def __anext__(self) -> Attempt:
        if self._attempt is not None:
            self._attempt._check()
            if self._running.is_over:
                raise StopAsyncIteration
        for wait in self._steps:
            if wait is None:
                self._number += 1
                self._attempt = Attempt(self._running, self._number)
                return self._attempt
            await (_time.sleep_async if self._alarm is None else self._alarm.sleep)(wait)
        raise_failure(self._running)
        raise StopAsyncIteration


def raise_failure(running: Running) -> None:
    """Raises what the call failed with."""
    exception = running.failure()
    try:
        raise exception
    finally:
        # The exception's traceback holds this frame: no circle.
        del exception, running


def attempts(
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
    on_event: Hook = None,
    name: str = "attempts",
) -> Attempts:
    """The attempts of one call, for a part of a function; the options are those of `retry`.

    ```python
    for attempt in resayil.attempts(max_attempts=3):
        with attempt:
            answer = ask()

    async for attempt in resayil.attempts():
        with attempt:
            answer = await ask_async()
    ```

    The loop ends with the first block that raises nothing. `attempt.number` counts from 1, and
    `attempt.reject(answer)` treats what came as a failure. `name` is that of the log's events.
    """
    chosen = resolve(policy, max_attempts, deadline, base_delay, max_delay, max_hint)

    def make() -> Running:
        return Running(
            name, chosen, budget=budget, counters=counters, quota=quota, on=on, on_event=on_event
        )

    return Attempts(make, quota is not None)
