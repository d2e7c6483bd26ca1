"""Connections for urllib3 whose reads end when the attempt does, however slowly bytes drip."""

from __future__ import annotations

import functools
import io
import socket
from typing import Any

from ._kinds import is_dict
from ._timed_backend import is_late, shorter


def install(manager: Any) -> Any:
    """Makes the pools of a manager of such connections."""
    classes = getattr(manager, "pool_classes_by_scheme", None)
    if is_dict(classes):
        manager.pool_classes_by_scheme = {name: _pool(cls) for name, cls in classes.items()}
    return manager


@functools.cache
def _pool(cls: Any) -> Any:
    if getattr(cls, "_is_timed", False):
        return cls
    connection = type(cls.ConnectionCls.__name__, (_Timed, cls.ConnectionCls), {})
    return type(cls.__name__, (cls,), {"ConnectionCls": connection, "_is_timed": True})


class _Timed:
    sock: Any

    def getresponse(self, *args: Any, **options: Any) -> Any:
        sock = self.sock
        if sock is None:
            return super().getresponse(*args, **options)  # type: ignore[misc]
        timed = self.sock = _Socket(sock)
        try:
            return super().getresponse(*args, **options)  # type: ignore[misc]
        finally:
            if self.sock is timed:
                self.sock = sock


class _Socket:
    """A socket whose files read no longer than their thread has time."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def makefile(self, mode: str = "r", *args: Any, **options: Any) -> Any:
        if mode != "rb" or args or options:
            return self._inner.makefile(mode, *args, **options)
        return io.BufferedReader(_Raw(self._inner))


class _Raw(io.RawIOBase):
    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._inner = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        if is_late():
            # Also when bytes are there: some servers never run out of them.
            raise socket.timeout("timed out")
        self._sock.settimeout(shorter(self._timeout))
        return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()
        super().close()
