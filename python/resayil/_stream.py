"""Reading a whole stream at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Optional, Union

from . import _native
from ._exceptions import APIError

_Bytes = Union[bytes, bytearray, memoryview, str]


class StreamResult(NamedTuple):
    """What a stream came to."""

    terminal: str
    """`complete`, `error` or `truncated`."""
    text: str
    """The text that was delivered, cut to 1 MiB."""
    error: Optional[APIError]
    """What went wrong; None for a complete stream."""


def classify_stream(
    status: int,
    headers: Union[Mapping[Any, Any], Iterable[tuple[Any, Any]], None],
    stream: _Bytes,
    *,
    now: Optional[float] = None,
    provider: Optional[str] = None,
) -> StreamResult:
    """Says how a streamed answer ended, and what it delivered.

    An answer whose status is no success is read as `classify` reads it. For a stream that is still
    arriving use `StreamDecoder`.
    """
    if not 200 <= status < 300:
        error = _native.classify(status, headers, stream, now=now, provider=provider)
        return StreamResult("complete" if error is None else "error", "", error)
    decoder = _native.StreamDecoder(provider=provider, headers=headers)
    decoder.feed(stream)
    terminal, error = decoder.finish(now=now)
    return StreamResult(terminal, decoder.partial_text, error)
