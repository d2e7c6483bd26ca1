"""The bodies of answers for `resayil.requests`: read no longer than allowed, and put back."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, Optional

import requests
import urllib3

from . import _native, _timed_backend
from ._api_error import APIError
from ._exchange import Exchange, exception_as

#: How much is read at once, in bytes.
_CHUNK = 64 * 1024


def exception_of(error: _native.Error, request: requests.PreparedRequest) -> Exception:
    """An error as an exception of ours and of requests."""
    is_late = error.kind in ("timeout", "deadline")
    base = requests.exceptions.ReadTimeout if is_late else requests.exceptions.ChunkedEncodingError

    def equip(exception: Any) -> None:
        exception.request = request

    return exception_as(error, base, equip)


class Reader:
    """Reads the rest of a body, no longer than allowed."""

    def __init__(
        self, response: requests.Response, exchange: Exchange, request: requests.PreparedRequest
    ) -> None:
        self._pieces = _pieces(response.raw)
        self._missing = _length(response)
        self._close = response.raw.close
        self.exchange = exchange
        self.request = request

    def read(self) -> bytes:
        """The next bytes; none after the last."""
        exchange, request = self.exchange, self.request
        left, start = exchange.left(), _native.monotonic_now()
        try:
            with _timed_backend.within(left):
                piece = next(self._pieces, b"")
        except urllib3.exceptions.ReadTimeoutError as problem:
            raise requests.exceptions.ReadTimeout(problem, request=request) from problem
        except urllib3.exceptions.ProtocolError as problem:
            raise requests.exceptions.ChunkedEncodingError(problem, request=request) from problem
        except (urllib3.exceptions.HTTPError, OSError) as problem:
            raise requests.exceptions.ConnectionError(problem, request=request) from problem
        finally:
            exchange.took(_native.monotonic_now() - start)
        if self._missing is not None:
            self._missing -= len(piece)
            if not piece and self._missing > 0:
                text = f"the answer broke off, {self._missing} bytes are missing"
                raise requests.exceptions.ChunkedEncodingError(text, request=request)
        if exchange.is_late and piece:
            raise requests.exceptions.ReadTimeout("no answer came in time", request=request)
        return piece

    def close(self) -> None:
        self._close()
        self.exchange.left_alone()


def _length(response: requests.Response) -> Optional[int]:
    """How many bytes the body is to have, if the answer says so."""
    length = response.headers.get("content-length", "")
    is_told = length.isdigit() and not response.raw.chunked
    has_body = response.status_code not in (204, 304) and response.request.method != "HEAD"
    return int(length) if is_told and has_body else None


def _pieces(raw: Any) -> Iterator[bytes]:
    """The pieces of a body as they come, packed as they are."""
    if raw.chunked and raw.supports_chunked_reads():
        yield from filter(None, raw.read_chunked(_CHUNK, decode_content=False))
        return
    # `read` waits until it has all that it is asked for.
    read1 = getattr(raw, "read1", None)
    read, size = (raw.read, 1024) if read1 is None else (read1, _CHUNK)
    while piece := read(size, decode_content=False):
        yield piece


class _Body(io.RawIOBase):
    """A body of which a part was read before: that, and then the rest."""

    def __init__(self, kept: list[bytes], rest: Optional[Reader]) -> None:
        self._kept = io.BytesIO(b"".join(kept))
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._kept.readinto(buffer)
        if count or self._rest is None:
            return count
        data = self._more(self._rest)
        self._kept = io.BytesIO(data)
        return self._kept.readinto(buffer)

    def _more(self, rest: Reader) -> bytes:
        exchange = rest.exchange
        if exchange.error is None:
            try:
                raw = rest.read()
            except Exception as exception:
                exchange.cut(exception, exchange.is_late)
                rest.close()
                raise
            if raw:
                count = exchange.passed(raw)
                if count or exchange.error is None:
                    return raw[:count]
            else:
                exchange.ended()
        if exchange.error is not None:
            rest.close()
            raise exception_of(exchange.error, rest.request)
        return b""

    def close(self) -> None:
        rest, self._rest = self._rest, None
        if rest is not None:
            rest.close()
        super().close()


class _Response(urllib3.HTTPResponse):
    """Raises what its body raises: urllib3 would take it for an exception of the system's."""

    def stream(self, *args: Any, **options: Any) -> Any:
        try:
            yield from super().stream(*args, **options)
        except urllib3.exceptions.HTTPError as problem:
            raise _own(problem) from problem.__cause__

    def read(self, *args: Any, **options: Any) -> Any:
        try:
            return super().read(*args, **options)
        except urllib3.exceptions.HTTPError as problem:
            raise _own(problem) from problem.__cause__


def _own(problem: Exception) -> Exception:
    """The exception of ours or of requests that urllib3 has wrapped."""
    inner = problem.__context__
    is_own = isinstance(inner, (APIError, requests.RequestException))
    return inner if is_own and isinstance(inner, Exception) else problem


def put_back(response: requests.Response, kept: list[bytes], rest: Optional[Reader]) -> None:
    """Gives the response a body that begins with what was read."""
    raw = response.raw
    headers = urllib3.HTTPHeaderDict(raw.headers)
    for name in ("content-length", "transfer-encoding"):
        headers.discard(name)
    if "content-encoding" not in response.headers:
        headers.discard("content-encoding")
    response.raw = _Response(
        body=_Body(kept, rest),
        headers=headers,
        status=response.status_code,
        reason=response.reason,
        version=raw.version,
        preload_content=False,
        # requests asks for it when it reads.
        decode_content=False,
        original_response=getattr(raw, "_original_response", None),
    )
    response.raw._pool = getattr(raw, "_pool", None)
