"""Sending a large request, and hearing meanwhile what is said to it."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable
from typing import Any, Optional

from . import _native
from ._timed_backend import shorter

#: What is more is sent in pieces, in bytes.
AT_ONCE = 64 * 1024
_PIECE = 16 * 1024
#: How long a server that answered well already may be silent to the rest of a request, in seconds.
GRACE = 5.0


class Early:
    """What came while a request was being sent."""

    def __init__(self, wire: _native.Wire) -> None:
        self._wire = wire
        self._kept = b""

    def take(self) -> bytes:
        """What a library can read of it."""
        kept, self._kept = self._kept, b""
        return kept

    def hear(self, raw: bytes) -> Optional[float]:
        """Takes what came: for how many seconds the rest may still be sent; None for ever."""
        self._kept += self._wire.feed(raw)
        if not self._kept and self._wire.error is None:
            return None
        # Who answers well may still read the rest.
        return GRACE if self._kept[9:10] == b"2" else 0.0


def upload(
    sock: Any,
    write: Callable[[bytes], object],
    read: Callable[[], bytes],
    early: Early,
    data: bytes,
    timeout: Optional[float],
) -> bool:
    """Sends the bytes, as far as anybody wants them: says whether all are sent.

    `read` is called where something can be read, and gives nothing where that is the end; it raises
    TimeoutError where it was nothing yet. Raises TimeoutError after so many seconds of silence.
    """
    rest = memoryview(data)
    end: Optional[float] = None
    with selectors.DefaultSelector() as ready:
        ready.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
        while rest:
            wait = shorter(timeout)
            if end is not None:
                grace = max(end - _native.monotonic_now(), 0.0)
                wait = grace if wait is None else min(wait, grace)
            found = ready.select(wait)
            if not found:
                if end is not None:
                    return False
                raise socket.timeout("timed out")
            mask = found[0][1]
            if mask & selectors.EVENT_READ:
                try:
                    raw = read()
                except (TimeoutError, socket.timeout):
                    raw = None
                if raw is not None:
                    grace_left = early.hear(raw) if raw else None
                    if grace_left == 0.0:
                        return False
                    if grace_left is not None and end is None:
                        end = _native.monotonic_now() + grace_left
                    if not raw:
                        # It says no more; it may still listen.
                        ready.modify(sock, selectors.EVENT_WRITE)
            if mask & selectors.EVENT_WRITE:
                write(bytes(rest[:_PIECE]))
                rest = rest[_PIECE:]
    return True
