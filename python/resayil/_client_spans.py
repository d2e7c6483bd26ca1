"""The spans of a client's calls: what they are told."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Optional

from . import _telemetry

#: Where the native client's methods send.
PATHS = {"chat": "chat/completions", "chat_stream": "chat/completions", "models": "models"}

#: Where their rows have the number of requests, and the body.
_PLACES = {"chat": (1, 0), "post": (3, 2), "get": (3, 2)}


def answered(span: _telemetry.CallSpan, name: str, row: Any) -> None:
    """Tells what the native client gave; a stream goes on."""
    if name == "chat_stream":
        return
    attempts, body = _PLACES.get(name, (None, None))
    if body is not None:
        span.answer(_telemetry.parsed(row[body]))
    span.end(attempts=None if attempts is None else row[attempts])


def failed(span: _telemetry.CallSpan, exception: BaseException) -> None:
    """Tells why the native client gave nothing."""
    span.end(attempts=getattr(exception, "attempts", None), exception=exception)


class Piece:
    """Takes the next piece of a stream; its end is that of the call."""

    def __init__(self, span: _telemetry.CallSpan, attempts: int) -> None:
        self._span, self._attempts = span, attempts

    def __enter__(self) -> Callable[[Any], None]:
        return self._span.answer

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        if isinstance(exc, (StopIteration, StopAsyncIteration)):
            self._span.end(attempts=self._attempts)
        elif exc is not None:
            self._span.end(attempts=self._attempts, exception=exc)
