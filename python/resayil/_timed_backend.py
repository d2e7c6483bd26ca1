"""A network for httpcore whose reads end when the attempt does, however slowly bytes drip."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Generator
from typing import Any, Optional

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


def install(transport: Any) -> Any:
    """Puts it below a transport of httpx; one that is built otherwise stays as it is."""
    pool: Any = getattr(transport, "_pool", None)
    inner = getattr(pool, "_network_backend", None)
    if inner is not None:
        pool._network_backend = _Backend(inner)
    return transport


class _Backend:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def connect_tcp(
        self, host: str, port: int, timeout: Optional[float] = None, **options: Any
    ) -> Any:
        return _Stream(self._inner.connect_tcp(host, port, timeout=shorter(timeout), **options))

    def connect_unix_socket(
        self, path: str, timeout: Optional[float] = None, **options: Any
    ) -> Any:
        return _Stream(self._inner.connect_unix_socket(path, timeout=shorter(timeout), **options))

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream:
    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: Optional[float] = None) -> Any:
        if is_late():
            # Also when bytes are there: some servers never run out of them.
            package = type(self._inner).__module__.partition(".")[0]
            raise sys.modules[package].ReadTimeout("no answer came in time")
        return self._inner.read(max_bytes, timeout=shorter(timeout))

    def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        self._inner.write(buffer, timeout=shorter(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: Optional[float] = None
    ) -> Any:
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout=shorter(timeout))
        return _Stream(inner)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)
