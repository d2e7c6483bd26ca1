"""A network for httpcore: answers are read by the rules of `Client`, no longer than allowed."""

from __future__ import annotations

import socket
import sys
from typing import Any, Optional

from . import _interop, _native, _no_answer
from ._incoming import Limits
from ._timed_backend import is_late, shorter
from ._upload import AT_ONCE, Early, upload


def install(transport: Any, limits: Limits) -> Any:
    """Puts it below a transport of httpx; one that is built otherwise stays as it is."""
    pool: Any = getattr(transport, "_pool", None)
    inner = getattr(pool, "_network_backend", None)
    if inner is not None and not isinstance(inner, _Base):
        is_async = hasattr(pool, "handle_async_request")
        pool._network_backend = (_AsyncBackend if is_async else _Backend)(inner, limits)
    return transport


def unreadable(error: _native.Error, base: type[Exception]) -> Exception:
    """An exception of this class that stands for what is wrong with the bytes that came."""
    exception = base(str(error))
    _interop.mark(exception, error)
    return exception


#: For a read that is not to wait, in seconds.
_NOW = 0.001


class _Base:
    def __init__(self, inner: Any, limits: Limits) -> None:
        self._inner = inner
        self._limits = limits

    def _wire(self, host: str) -> _native.Wire:
        return _native.Wire(host, self._limits.max_head_bytes, self._limits.max_headers)


class _Backend(_Base):
    def connect_tcp(
        self, host: str, port: int, timeout: Optional[float] = None, **options: Any
    ) -> Any:
        inner = self._inner.connect_tcp(host, port, timeout=shorter(timeout), **options)
        return _Stream(inner, self._wire, f"{host}:{port}")

    def connect_unix_socket(
        self, path: str, timeout: Optional[float] = None, **options: Any
    ) -> Any:
        inner = self._inner.connect_unix_socket(path, timeout=shorter(timeout), **options)
        return _Stream(inner, self._wire, path)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _AsyncBackend(_Base):
    async def connect_tcp(self, host: str, port: int, **options: Any) -> Any:
        inner = await self._inner.connect_tcp(host, port, **options)
        return _AsyncStream(inner, self._wire, f"{host}:{port}")

    async def connect_unix_socket(self, path: str, **options: Any) -> Any:
        inner = await self._inner.connect_unix_socket(path, **options)
        return _AsyncStream(inner, self._wire, path)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _AnyStream:
    def __init__(self, inner: Any, wire: Any, host: str) -> None:
        self._inner = inner
        self._new_wire = wire
        self._host = host
        self._wire: _native.Wire = wire(host)
        self._early = Early(self._wire)
        #: Whether a request was not sent to its end, so that no other can be.
        self._is_spent = False
        #: Whether bytes of the last request's answer came, and whether there was one before it.
        self._is_answered = False
        self._is_kept = False

    def _sends(self, data: Any) -> None:
        self._is_kept |= self._is_answered
        self._is_answered = False
        self._wire.sent(data)

    @property
    def _is_stale(self) -> bool:
        """Whether a break now would be that of a kept connection, before a byte of the answer."""
        if not self._is_kept or self._is_answered:
            return False
        tls = self._inner.get_extra_info("ssl_object")
        # There several requests are on their way at once.
        return tls is None or tls.selected_alpn_protocol() != "h2"

    def _exception(self, name: str) -> Any:
        """A class of httpcore's, or of its successor."""
        package = sys.modules[type(self._inner).__module__.partition(".")[0]]
        return getattr(package, name, OSError)

    def _check(self) -> None:
        error = self._wire.error
        if error is not None:
            name = "ReadError" if error.kind == "network" else "RemoteProtocolError"
            exception = unreadable(error, self._exception(name))
            if self._is_stale:
                _no_answer.mark_stale(exception)
            raise exception

    def _check_kept(self) -> None:
        if self._is_stale:
            exception: Exception = self._exception("RemoteProtocolError")(
                "Server disconnected without sending a response."
            )
            _no_answer.mark_stale(exception)
            raise exception

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self._is_spent or self._wire.is_spoiled):
            # What is readable while nothing is asked for is not used again.
            return True
        return self._inner.get_extra_info(info)


class _Stream(_AnyStream):
    def read(self, max_bytes: int, timeout: Optional[float] = None) -> Any:
        wire = self._wire
        while True:
            if early := self._early.take():
                self._is_answered = True
                return early
            self._check()
            if is_late():
                # Also when bytes are there: some servers never run out of them.
                raise self._exception("ReadTimeout")("no answer came in time")
            raw = b""
            try:
                raw = self._inner.read(max_bytes, timeout=shorter(timeout))
            except self._exception("ReadError") as problem:
                # A break behind all that counts is an end.
                if not wire.is_past_data:
                    if self._is_stale:
                        _no_answer.mark_stale(problem)
                    raise
            self._is_answered |= bool(raw)
            out = wire.feed(raw) if raw else wire.end()
            if out:
                return out
            if not raw:
                self._check()
                self._check_kept()
                return b""

    def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        self._sends(buffer)
        sock = self._inner.get_extra_info("socket") if len(buffer) > AT_ONCE else None
        if sock is None:
            self._inner.write(buffer, timeout=shorter(timeout))
            return
        self._is_spent = True
        try:
            is_sent = upload(
                sock,
                lambda piece: self._inner.write(piece, timeout=shorter(timeout)),
                self._read_now,
                self._early,
                buffer,
                timeout,
            )
        except (TimeoutError, socket.timeout):
            raise self._exception("WriteTimeout")("timed out") from None
        self._is_spent = not is_sent

    def _read_now(self) -> Any:
        try:
            return self._inner.read(AT_ONCE, timeout=_NOW)
        except self._exception("ReadTimeout"):
            raise TimeoutError from None
        except self._exception("ReadError"):
            # Whoever reads next is told.
            return b""

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: Optional[float] = None
    ) -> Any:
        inner = self._inner.start_tls(ssl_context, server_hostname, timeout=shorter(timeout))
        return _Stream(inner, self._new_wire, self._host)


class _AsyncStream(_AnyStream):
    async def read(self, max_bytes: int, timeout: Optional[float] = None) -> Any:
        wire = self._wire
        while True:
            if early := self._early.take():
                self._is_answered = True
                return early
            self._check()
            raw = b""
            try:
                raw = await self._inner.read(max_bytes, timeout=timeout)
            except self._exception("ReadError") as problem:
                # A break behind all that counts is an end.
                if not wire.is_past_data:
                    if self._is_stale:
                        _no_answer.mark_stale(problem)
                    raise
            self._is_answered |= bool(raw)
            out = wire.feed(raw) if raw else wire.end()
            if out:
                return out
            if not raw:
                self._check()
                self._check_kept()
                return b""

    async def write(self, buffer: bytes, timeout: Optional[float] = None) -> None:
        self._sends(buffer)
        if len(buffer) > AT_ONCE:
            await self._upload(buffer, timeout)
        else:
            await self._inner.write(buffer, timeout=timeout)

    async def _upload(self, buffer: bytes, timeout: Optional[float]) -> None:
        """Sends much, and hears meanwhile whether an answer makes the rest of it needless."""
        import anyio
        import anyio.lowlevel

        failure: Optional[Exception] = None
        is_sent = False
        async with anyio.create_task_group() as group:
            group.start_soon(self._listen, group.cancel_scope)
            # It has to be listening before a write can fail, which ends the connection.
            for _ in range(2):
                await anyio.lowlevel.checkpoint()
            try:
                await self._inner.write(buffer, timeout=timeout)
                is_sent = True
            except Exception as exception:
                # Not in a group of exceptions.
                failure = exception
            group.cancel_scope.cancel()
        self._is_spent = not is_sent
        if failure is not None:
            raise failure

    async def _listen(self, sending: Any) -> None:
        import anyio

        while True:
            try:
                raw = await self._inner.read(AT_ONCE)
            except Exception:
                # Whoever reads next is told.
                return
            if not raw:
                return
            grace = self._early.hear(raw)
            if grace is not None:
                sending.deadline = min(sending.deadline, anyio.current_time() + grace)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: Any, server_hostname: Any = None, timeout: Optional[float] = None
    ) -> Any:
        inner = await self._inner.start_tls(ssl_context, server_hostname, timeout=timeout)
        return _AsyncStream(inner, self._new_wire, self._host)
