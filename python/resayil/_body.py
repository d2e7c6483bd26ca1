"""The bodies that the transports for httpx and httpx2 hand on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Optional

from . import _native, _time, _timed_backend
from ._exchange import Exchange


class Reader:
    """Reads the rest of a body, no longer than allowed."""

    def __init__(self, chunks: Any, exchange: Exchange, request: Any, transport: Any) -> None:
        self._chunks = chunks
        self._transport = transport
        self.exchange = exchange
        self.request = request
        self.is_late = False

    def read(self) -> Optional[bytes]:
        """The next bytes; None after the last."""
        exchange = self.exchange
        left, start = exchange.left(), _native.monotonic_now()
        try:
            with _timed_backend.within(left):
                raw: Optional[bytes] = next(self._chunks, None)
        finally:
            exchange.took(_native.monotonic_now() - start)
            self.is_late = exchange.is_late
        if self.is_late and raw is not None:
            raise self._transport._too_late(self.request)
        return raw

    async def read_async(self) -> Optional[bytes]:
        """The same for asyncio and trio."""
        exchange = self.exchange
        left, start = exchange.left(), _native.monotonic_now()
        try:
            raw: Optional[bytes] = await _time.limited(_next(self._chunks), left)
        except _time.TookTooLong:
            raise self._transport._too_late(self.request) from None
        finally:
            exchange.took(_native.monotonic_now() - start)
            self.is_late = exchange.is_late
        if self.is_late and raw is not None:
            raise self._transport._too_late(self.request)
        return raw


async def _next(chunks: Any) -> Optional[bytes]:
    async for raw in chunks:
        found: bytes = raw
        return found
    return None


class SyncBody:
    """A body of which a part was read before: that, and then the rest."""

    def __init__(
        self, kept: list[bytes], rest: Optional[Reader], stream: Any, transport: Any
    ) -> None:
        self._kept = kept
        self._rest = rest
        self._stream = stream
        self._transport = transport

    def __iter__(self) -> Iterator[bytes]:
        kept, self._kept = self._kept, []
        yield from kept
        rest = self._rest
        if rest is None:
            return
        exchange = rest.exchange
        while True:
            if exchange.error is not None:
                raise self._transport._exception(exchange.error, rest.request)
            try:
                raw = rest.read()
            except Exception as exception:
                exchange.cut(exception, rest.is_late)
                raise
            if raw is None:
                exchange.ended()
                count = 0
            else:
                count = exchange.passed(raw)
                if count:
                    yield raw[:count]
            if exchange.error is not None:
                raise self._transport._exception(exchange.error, rest.request)
            if raw is None:
                return

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        if self._rest is not None:
            self._rest.exchange.left_alone()


class AsyncBody:
    """A body for asyncio and trio."""

    def __init__(
        self, kept: list[bytes], rest: Optional[Reader], stream: Any, transport: Any
    ) -> None:
        self._kept = kept
        self._rest = rest
        self._stream = stream
        self._transport = transport

    async def __aiter__(self) -> AsyncIterator[bytes]:
        kept, self._kept = self._kept, []
        for raw in kept:
            yield raw
        rest = self._rest
        if rest is None:
            return
        exchange = rest.exchange
        while True:
            if exchange.error is not None:
                raise self._transport._exception(exchange.error, rest.request)
            try:
                more = await rest.read_async()
            except Exception as exception:
                exchange.cut(exception, rest.is_late)
                raise
            if more is None:
                exchange.ended()
                count = 0
            else:
                count = exchange.passed(more)
                if count:
                    yield more[:count]
            if exchange.error is not None:
                raise self._transport._exception(exchange.error, rest.request)
            if more is None:
                return

    async def aclose(self) -> None:
        if self._stream is not None:
            await self._stream.aclose()
        if self._rest is not None:
            self._rest.exchange.left_alone()
