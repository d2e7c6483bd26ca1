"""Waiting, so that Ctrl-C and cancellation work, and so that tests need not wait."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Optional

from . import _native

_lock = threading.Lock()
_active: Optional[Waits] = None


class Waits(list[float]):
    """The waits, in seconds, that `testing` skipped, in order."""

    @property
    def total(self) -> float:
        """The sum of the skipped waits, in seconds."""
        return sum(self)


@contextlib.contextmanager
def testing() -> Iterator[Waits]:
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
    return _native.monotonic_now() + (waits.total if waits is not None else 0.0)


def _skip(seconds: float) -> bool:
    waits = _active
    if waits is None:
        return False
    waits.append(seconds)
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
        await asyncio.sleep(seconds)


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
