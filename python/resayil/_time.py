"""Waiting, so that Ctrl-C and cancellation work, and so that tests need not wait."""

from __future__ import annotations

import contextlib
import sys
import time
from _thread import allocate_lock
from collections.abc import Awaitable, Generator
from typing import Any, Callable, Optional, TypeVar

from . import _native

# Who sleeps looks again after a day; the timers of some systems reach no further than weeks.
_LONGEST_SLEEP = 86_400.0

_T = TypeVar("_T")

_lock = allocate_lock()
_active: Optional[Waits] = None


class Waits(list[float]):
    """The waits, in seconds, that `testing` skipped, in order."""

    #: By how much time is ahead of the clock. Kept beside the list, which may be long, or emptied.
    _ahead = 0.0

    def _skip(self, seconds: float) -> None:
        with _lock:
            self.append(seconds)
            self._ahead += seconds

    @property
    def total(self) -> float:
        """The sum of the skipped waits, in seconds."""
        return sum(self)


@contextlib.contextmanager
def testing() -> Generator[Waits, None, None]:
    """A context in which nothing that this package does in Python really sleeps.

    It gives the list of waits that were skipped. Time goes on as if they had been slept, so that
    deadlines behave as they do outside. It holds for all threads and tasks of the process, for
    `retry`, `Quota.acquire` and the transports; not for `Client`, which waits in Rust.
    """
    global _active
    waits = Waits()
    with _lock:
        before, _active = _active, waits
    try:
        yield waits
    finally:
        with _lock:
            _active = before


def now() -> float:
    """The monotonic clock in seconds, with the waits that were skipped."""
    waits = _active
    return _native.monotonic_now() + (waits._ahead if waits is not None else 0.0)


def wall() -> float:
    """The wall clock in seconds since 1970."""
    return time.time()


def _skip(seconds: float) -> bool:
    waits = _active
    if waits is None:
        return False
    waits._skip(seconds)
    return True


def sleep(seconds: float) -> None:
    """Sleeps; a signal handler's exception ends it."""
    if not _skip(seconds):
        time.sleep(seconds)


async def sleep_async(seconds: float) -> None:
    """Sleeps in the running event loop, be it asyncio's or trio's."""
    if _skip(seconds):
        seconds = 0
    if _library() == "trio":
        import trio

        await trio.sleep(seconds)
    else:
        import asyncio

        await asyncio.sleep(seconds)


class TookTooLong(Exception):
    """What was waited for did not come in time."""


async def limited(awaited: Awaitable[_T], seconds: Optional[float]) -> _T:
    """The result of something awaited, which is cancelled after so many seconds: TookTooLong."""
    if seconds is None:
        return await awaited
    if _library() == "trio":
        import trio

        with trio.move_on_after(seconds):
            return await awaited
        raise TookTooLong
    import asyncio

    try:
        return await asyncio.wait_for(awaited, seconds)
    except asyncio.TimeoutError as problem:
        if type(problem) is not asyncio.TimeoutError:
            # Another package's.
            raise
        raise TookTooLong from None


class Alarm:
    """What any thread may call to end the sleep of one, also before it begins."""

    def __init__(self) -> None:
        import threading

        self._event = threading.Event()

    def __call__(self) -> None:
        self._event.set()

    def sleep(self, seconds: float) -> None:
        if not _skip(seconds):
            self._event.wait(min(seconds, _LONGEST_SLEEP))
        self._event.clear()


class AsyncAlarm:
    """The same for a task of asyncio or trio."""

    def __init__(self) -> None:
        self._is_trio = _library() == "trio"
        if self._is_trio:
            import trio

            self._run_soon: Callable[[Callable[[], None]], object] = (
                trio.lowlevel.current_trio_token().run_sync_soon
            )
            self._new_event: Callable[[], Any] = trio.Event
        else:
            import asyncio

            self._run_soon = asyncio.get_running_loop().call_soon_threadsafe
            self._new_event = asyncio.Event
        self._event = self._new_event()

    def __call__(self) -> None:
        # The loop may have ended, with the task.
        with contextlib.suppress(RuntimeError):
            self._run_soon(self._event.set)

    async def wait(self) -> None:
        """Waits for the call, however long it takes."""
        await self._event.wait()

    async def sleep(self, seconds: float) -> None:
        if _skip(seconds):
            seconds = 0
        if self._is_trio:
            import trio

            with trio.move_on_after(min(seconds, _LONGEST_SLEEP)):
                await self._event.wait()
        else:
            import asyncio

            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._event.wait(), min(seconds, _LONGEST_SLEEP))
        self._event = self._new_event()


def _library() -> str:
    # Who runs trio has imported it, and trio depends on sniffio.
    sniffio = sys.modules.get("sniffio")
    if sniffio is None or "trio" not in sys.modules:
        return "asyncio"
    try:
        library: str = sniffio.current_async_library()
    except Exception:
        return "asyncio"
    return library
