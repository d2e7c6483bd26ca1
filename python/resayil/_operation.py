"""The course of a call, for whatever sends: the decorator, the transports, the adapter."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any, Callable, Optional

from . import _interop, _log, _native, _notes, _telemetry, _time
from ._native import Budget, Counters, Quota, RetryPolicy
from ._notes import RetryEvent

#: The end of the steps: the call has failed.
OVER = object()
#: It was not asked yet what to do next.
_UNKNOWN = object()


class _Observer:
    """Is told the events of one call.

    Not the operation itself: the native half holds this, and would make a circle of it.
    """

    __slots__ = ("_hook", "_name", "_span")

    def __init__(
        self,
        name: str,
        hook: Optional[Callable[[RetryEvent], object]],
        span: Optional[_telemetry.CallSpan],
    ) -> None:
        self._name = name
        self._hook = hook
        self._span = span

    def __call__(
        self,
        action: str,
        reason: Optional[str],
        attempt: int,
        delay: Optional[float],
        error: Optional[_native.Error],
        text: str,
        level: str,
    ) -> None:
        _log.emit(self._name, action, reason or "", attempt, delay, error, text, level)
        if self._span is not None:
            self._span.event(action, reason, attempt, delay, error, text, level)
        if self._hook is not None:
            self._hook(RetryEvent(self._name, action, reason, attempt, delay, error, text))


_OUTSIDE = contextlib.nullcontext()


class _Inside:
    """A context whose spans are parts of this one."""

    def __init__(self, span: _telemetry.CallSpan) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = self._span.enter()

    def __exit__(self, *_: object) -> None:
        self._span.leave(self._token)


class Operation:
    """One call. Rust decides; who drives it sends, sleeps, and tells what came.

    ```python
    for wait in operation.steps():
        if wait is not None:
            sleep(wait)
            continue
        ...  # send, and tell what came of it
    raise operation.failure()
    ```
    """

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        budget: Optional[Budget] = None,
        counters: Optional[Counters] = None,
        quota: Optional[Quota] = None,
        on_event: Optional[Callable[[RetryEvent], object]] = None,
        now: Optional[float] = None,
        about: Optional[Callable[[], _telemetry.Call]] = None,
        begun: bool = False,
        **options: Any,
    ) -> None:
        self._now = _time.now() if now is None else now
        #: Who is told of the call's course, if anybody is.
        self.span: Optional[_telemetry.CallSpan] = None
        if _telemetry.active is not None:
            call = _telemetry.Call(name) if about is None else about()
            self.span = _telemetry.active.begin(call)
        # Nobody has to be told where nobody listens.
        listens = on_event is not None or self.span is not None or _log.is_on()
        observer = _Observer(name, on_event, self.span) if listens else None
        self._native = _native.Operation(
            policy, budget, quota, counters, observer, begun, self._now, **options
        )
        #: Called when it is worth asking again before a wait is over.
        self.alarm: Optional[Callable[[], object]] = None
        self._exception: Optional[Exception] = None
        self._is_foreign = False
        #: What was asked before it was wanted.
        self._next: object = _UNKNOWN
        #: The error that the call failed with, when the steps are over.
        self.error: Optional[_native.Error] = None

    def steps(self, alarm: Optional[Callable[[], object]] = None) -> Iterator[Optional[float]]:
        """Gives seconds to wait, or None to send; ends when the call has failed.

        `alarm` is called when it is worth asking again before that.
        """
        self.alarm = alarm
        while (step := self.step()) is not OVER:
            yield step
            if step is not None:
                self._now = _time.now()

    def step(self) -> Any:
        """What to do next: None to send, seconds to wait; `OVER` when the call has failed."""
        step, self._next = self._next, _UNKNOWN
        if step is _UNKNOWN:
            # What was decided a moment ago begins then.
            step = self._native.poll(self._now, self.alarm)
        if isinstance(step, _native.Error):
            self.error = step
            if self.span is not None:
                self._end_span()
            return OVER
        return step

    def waited(self) -> None:
        """The seconds of a step are over."""
        self._now = _time.now()

    def goes_on(self) -> bool:
        """Whether there is another attempt, after one has failed."""
        self._next = step = self.step()
        return step is not OVER

    def abandon(self) -> None:
        """Nobody asks for the call any more: it was cancelled."""
        if not self._native.is_over:
            self._native.give_up(None, now=self._tell())
        if self.span is not None:
            self.span.end(None, self._native.attempts, sys.exc_info()[1])

    def inside(self) -> contextlib.AbstractContextManager[object]:
        """A context of what is sent for this call."""
        return _OUTSIDE if self.span is None else _Inside(self.span)

    def _end_span(self) -> None:
        """The call is over."""
        if self.span is not None:
            exception = self._exception if self.error is None or self._is_foreign else None
            self.span.end(
                None if self._is_foreign else self.error, self._native.attempts, exception
            )

    def _tell(self) -> float:
        """The time at which something is told."""
        self._now = _time.now()
        return self._now

    def succeeded(self) -> None:
        """The attempt succeeded."""
        self._native.on_success(now=_time.now())
        self._exception = None
        if self.span is not None:
            self._end_span()

    def answered(self, status: int, headers: Any, body: bytes, final: bool = False) -> bool:
        """The whole answer came. Says whether it is a success. `final`: it cannot be sent again."""
        if final:
            error = _native.read_error(status, headers, body, now=_time.wall())
            if error is not None:
                self._native.give_up(error, now=self._tell())
                return False
        return self._native.on_answer(status, headers, body, now=self._tell(), wall=_time.wall())

    def failed_with(self, error: _native.Error, final: bool = False) -> None:
        """The answer is of no use, for what stands in it."""
        if final:
            self._native.give_up(error, now=self._tell())
        else:
            self._native.on_error(error, now=self._tell())

    def raised(
        self,
        exception: Exception,
        error: Optional[_native.Error],
        final: bool = False,
        stale: bool = False,
    ) -> None:
        """The attempt raised an exception, which stands for this error.

        Without one it is not about a call of an API, and goes through at once. `stale`: it met a
        kept connection that was closed before an answer began.
        """
        self._exception = exception
        self._is_foreign = error is None
        self._now = _time.now()
        self._next = self._native.fail(error, final, self._now, self.alarm, stale)

    @property
    def is_over(self) -> bool:
        """Whether the call has succeeded or failed."""
        return self._native.is_over

    def failure(self) -> Exception:
        """The exception of the last attempt, marked with what is known now."""
        exception, self._exception = self._exception, None
        if exception is None:
            if self.error is None:
                raise RuntimeError("the call has not failed")
            # It was never sent.
            return _native.to_exception(self.error)
        if self.error is not None and not self._is_foreign:
            _interop.mark(exception, self.error)
            if self._native.attempts > 1:
                _notes.add(exception, self._native.history)
        return exception
