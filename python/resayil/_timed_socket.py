"""Connections for urllib3: answers are read by the rules of `Client`, no longer than allowed."""

from __future__ import annotations

import functools
import io
import socket
from typing import Any, Optional, cast

from . import _native, _no_answer
from ._incoming import Limits
from ._kinds import is_dict
from ._network import unreadable
from ._timed_backend import is_late, shorter
from ._upload import AT_ONCE, Early, upload

#: For a read that is not to wait, in seconds.
_NOW = 0.001


def install(manager: Any, limits: Limits) -> Any:
    """Makes the pools of a manager of such connections."""
    classes = getattr(manager, "pool_classes_by_scheme", None)
    if is_dict(classes):
        manager.pool_classes_by_scheme = {name: _pool(cls, limits) for name, cls in classes.items()}
    return manager


@functools.cache
def _pool(cls: Any, limits: Limits) -> Any:
    if getattr(cls, "_is_timed", False):
        return cls
    connection = type(cls.ConnectionCls.__name__, (_Timed, cls.ConnectionCls), {"_limits": limits})
    return type(cls.__name__, (cls,), {"ConnectionCls": connection, "_is_timed": True})


class _Timed:
    sock: Any
    host: str
    port: int
    _limits: Limits
    _method: Any
    _is_spent = False
    #: Whether an answer came on this connection.
    _is_kept = False

    _answer: Optional[tuple[_native.Wire, Early]] = None

    def _begin(self) -> tuple[_native.Wire, Early]:
        """What reads the answer to the request that is being sent."""
        if self._answer is None:
            wire = _native.Wire(
                f"{self.host}:{self.port}", self._limits.max_head_bytes, self._limits.max_headers
            )
            # What http.client keeps of the request line.
            wire.sent(f"{self._method or 'GET'} / HTTP/1.1".encode())
            self._answer = wire, Early(wire)
        return self._answer

    def send(self, data: Any) -> None:
        sock = self.sock
        if sock is None or not isinstance(data, bytes) or len(data) <= AT_ONCE:
            super().send(data)  # type: ignore[misc]
            return
        timeout = sock.gettimeout()

        def read() -> bytes:
            sock.settimeout(_NOW)
            try:
                received: bytes = sock.recv(AT_ONCE)
            except ConnectionError:
                # Whoever reads next is told.
                return b""
            finally:
                sock.settimeout(timeout)
            return received

        # One that does not get all cannot be used again.
        self._is_spent = True
        self._is_spent = not upload(sock, sock.sendall, read, self._begin()[1], data, timeout)

    @property
    def is_connected(self) -> bool:
        return not self._is_spent and super().is_connected  # type: ignore[misc]

    def connect(self) -> None:
        self._is_spent = self._is_kept = False
        super().connect()  # type: ignore[misc]

    def close(self) -> None:
        self._answer = None
        super().close()  # type: ignore[misc]

    def getresponse(self, *args: Any, **options: Any) -> Any:
        sock = self.sock
        if sock is None:
            return super().getresponse(*args, **options)  # type: ignore[misc]
        wire, early = self._begin()
        self._answer = None
        timed = self.sock = _Socket(sock, wire, early)
        try:
            response = cast(Any, super().getresponse(*args, **options))  # type: ignore[misc]
            self._is_kept = True
            return response
        except OSError as problem:
            if self._is_kept and not timed.is_answered and not isinstance(problem, TimeoutError):
                _no_answer.mark_stale(problem)
            raise
        finally:
            if self.sock is timed:
                self.sock = sock


class _Socket:
    """A socket whose files read no longer than their thread has time."""

    def __init__(self, inner: Any, wire: _native.Wire, early: Early) -> None:
        self._inner = inner
        self._wire = wire
        self._early = early
        #: Whether bytes came.
        self.is_answered = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def makefile(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        if mode != "rb" or args or options:
            return self._inner.makefile(mode, *args, **options)
        return io.BufferedReader(_Raw(self, self._inner, self._wire, self._early))


class _Raw(io.RawIOBase):
    def __init__(self, timed: _Socket, sock: Any, wire: _native.Wire, early: Early) -> None:
        self._timed = timed
        self._sock = sock
        self._inner = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._wire = wire
        #: What was read and is not handed on yet.
        self._rest = memoryview(early.take())
        timed.is_answered = len(self._rest) > 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        if not self._rest:
            self._rest = memoryview(self._more(len(buffer)))
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def _more(self, size: int) -> bytes:
        wire = self._wire
        while True:
            self._check()
            if is_late():
                # Also when bytes are there: some servers never run out of them.
                raise socket.timeout("timed out")
            self._sock.settimeout(shorter(self._timeout))
            raw = b""
            try:
                raw = self._inner.read(size)
            except ConnectionError:
                # A break behind all that counts is an end.
                if not wire.is_past_data:
                    raise
            self._timed.is_answered |= bool(raw)
            out = wire.feed(raw) if raw else wire.end()
            if out:
                return out
            if not raw:
                self._check()
                return b""

    def _check(self) -> None:
        error = self._wire.error
        if error is not None:
            raise unreadable(error, _Unreadable)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Unreadable(OSError):
    """What came is no answer, or it broke off."""
