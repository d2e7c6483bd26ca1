"""The course of a call, for whatever sends: the decorator, the transports, the adapter."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, Callable, Optional

from . import _interop, _log, _native, _time
from ._native import Budget, Counters, RetryPolicy


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
    ) -> None:
        self._now = _time.now()
        self._native = _native.Operation(
            policy,
            budget=budget,
            counters=counters,
            observer=functools.partial(_log.emit, name),
            now=self._now,
        )
        self._exception: Optional[Exception] = None
        self._is_foreign = False
        #: The error that the call failed with, when the steps are over.
        self.error: Optional[_native.Error] = None

    def steps(self, alarm: Optional[Callable[[], object]] = None) -> Iterator[Optional[float]]:
        """Gives seconds to wait, or None to send; ends when the call has failed.

        `alarm` is called when it is worth asking again before that.
        """
        while True:
            # What was decided a moment ago begins then.
            step = self._native.poll(self._now, alarm)
            if isinstance(step, _native.Error):
                self.error = step
                return
            yield step
            if step is not None:
                self._now = _time.now()

    def _tell(self) -> float:
        """The time at which something is told."""
        self._now = _time.now()
        return self._now

    def succeeded(self) -> None:
        """The attempt succeeded."""
        self._native.on_success(now=self._tell())

    def answered(self, status: int, headers: Any, body: bytes, final: bool = False) -> bool:
        """The whole answer came. Says whether it is a success. `final`: it cannot be sent again."""
        if final:
            error = _native.read_error(status, headers, body)
            if error is not None:
                self._native.give_up(error, now=self._tell())
                return False
        return self._native.on_answer(status, headers, body, now=self._tell())

    def raised(
        self, exception: Exception, error: Optional[_native.Error], final: bool = False
    ) -> None:
        """The attempt raised an exception, which stands for this error.

        Without one it is not about a call of an API, and goes through at once.
        """
        self._exception = exception
        self._is_foreign = error is None
        if error is None or final:
            self._native.give_up(error, now=self._tell())
        else:
            self._native.on_error(error, now=self._tell())

    @property
    def is_over(self) -> bool:
        """Whether the call has succeeded or failed."""
        return self._native.is_over

    def failure(self) -> Exception:
        """The exception of the last attempt, marked with what is known now."""
        exception, self._exception = self._exception, None
        if exception is None:
            raise RuntimeError("the call has not failed")
        if self.error is not None and not self._is_foreign:
            _interop.mark(exception, self.error)
        return exception
