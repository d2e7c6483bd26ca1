"""How long the reads of a thread may take, however slowly bytes drip."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from typing import Optional

from . import _native

# Of this thread, which is the one that reads.
_thread = threading.local()

#: The least that a read is given, in seconds: 0 would mean not to wait at all.
_LEAST = 0.001


@contextlib.contextmanager
def within(seconds: Optional[float]) -> Generator[None, None, None]:
    """A context in which the reads of this thread take no longer than this, all in all."""
    before = getattr(_thread, "end", None)
    _thread.end = None if seconds is None else _native.monotonic_now() + seconds
    try:
        yield
    finally:
        _thread.end = before


def shorter(timeout: Optional[float]) -> Optional[float]:
    """A time-out, but no longer than this thread has time."""
    end: Optional[float] = getattr(_thread, "end", None)
    if end is None:
        return timeout
    left = max(end - _native.monotonic_now(), _LEAST)
    return left if timeout is None else min(timeout, left)


def is_late() -> bool:
    """Whether this thread has no more time."""
    end: Optional[float] = getattr(_thread, "end", None)
    return end is not None and end <= _native.monotonic_now()
