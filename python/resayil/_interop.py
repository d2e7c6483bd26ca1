"""Reading the exceptions of HTTP clients and SDKs, without importing any of them."""

from __future__ import annotations

import asyncio
from typing import Any, Optional

from . import _native
from ._exceptions import APIError

#: Where a foreign exception carries what a retrying layer knows of it.
ATTRIBUTE = "resayil_error"

# Exceptions without an answer, by module and name: the kind, and whether the request may have
# been carried out. The first match along the class's bases counts.
_BY_NAME: dict[tuple[str, str], tuple[str, bool]] = {}


def _register(modules: tuple[str, ...], kind: str, ambiguous: bool, *names: str) -> None:
    for module in modules:
        for name in names:
            _BY_NAME[module, name] = kind, ambiguous


_HTTPX = ("httpx", "httpx2", "httpcore", "httpcore2")

_register(_HTTPX, "timeout", False, "ConnectTimeout", "PoolTimeout")
_register(_HTTPX, "timeout", True, "ReadTimeout", "WriteTimeout", "TimeoutException")
_register(_HTTPX, "network", False, "ConnectError")
_register(_HTTPX, "network", True, "NetworkError", "ReadError", "WriteError", "RemoteProtocolError")
_register(_HTTPX, "network", False, "ProxyError")
_register(("requests", "requests.exceptions"), "timeout", False, "ConnectTimeout")
_register(("requests", "requests.exceptions"), "timeout", True, "Timeout", "ReadTimeout")
_register(
    ("requests", "requests.exceptions"), "network", True, "ConnectionError", "ChunkedEncodingError"
)
_register(("openai", "anthropic"), "timeout", True, "APITimeoutError")
_register(("openai", "anthropic"), "network", True, "APIConnectionError")
_register(("aiohttp",), "timeout", True, "ServerTimeoutError", "ConnectionTimeoutError")
_register(("aiohttp",), "network", False, "ClientConnectorError")
_register(("aiohttp",), "network", True, "ClientConnectionError", "ClientPayloadError")
_register(("urllib3",), "timeout", False, "ConnectTimeoutError")
_register(("urllib3",), "timeout", True, "TimeoutError", "ReadTimeoutError")
_register(("urllib3",), "network", False, "NewConnectionError")
_register(("urllib3",), "network", True, "ProtocolError")


def read_error(exception: object) -> Optional[_native.Error]:
    """The error that an exception stands for; None if it is not about a call of an API.

    It reads this package's exceptions, exceptions that carry a response (httpx, openai, requests,
    aiohttp and their like), and those that say that no answer came.
    """
    if isinstance(exception, _native.Error):
        return exception
    if isinstance(exception, APIError):
        return exception._error
    if not isinstance(exception, BaseException):
        return None
    return _from_response(exception) or _without_answer(exception)


def mark(exception: BaseException, error: _native.Error) -> None:
    """Leaves on an exception what a retrying layer knows at its end."""
    if isinstance(exception, APIError):
        exception._mark(error)
        return
    marks = {ATTRIBUTE: error, "attempts": error.attempts, "exhausted": error.exhausted}
    for name, value in marks.items():
        try:
            setattr(exception, name, value)
        except Exception:
            # Some classes allow no further attributes: then nobody is told.
            return


def _from_response(exception: BaseException) -> Optional[_native.Error]:
    response: Any = getattr(exception, "response", None)
    for place in (response, exception):
        marked = _marked(place)
        if marked is not None:
            return marked
    # aiohttp's exception has the status and headers itself, and no body.
    holder: Any = exception if response is None else response
    headers = getattr(holder, "headers", None)
    status = getattr(holder, "status_code", None)
    if status is None:
        status = getattr(holder, "status", None)
    if isinstance(status, bool) or not isinstance(status, int) or headers is None:
        return None
    try:
        error = _native.read_error(status, headers, _content(holder, exception))
    except (TypeError, ValueError):
        return None
    if error is not None:
        return error
    # The client raised for a status that is none of an error, such as a redirect.
    return _native.Error("unknown", None, status=status)


def _marked(place: Any) -> Optional[_native.Error]:
    """The error that a retrying layer has left on an exception or a response."""
    extensions = getattr(place, "extensions", None)
    left = extensions.get(ATTRIBUTE) if isinstance(extensions, dict) else None
    left = left or getattr(place, ATTRIBUTE, None)
    return left if isinstance(left, _native.Error) else None


def _content(response: Any, exception: BaseException) -> bytes:
    try:
        content = response.content
    except Exception:
        # A stream that nobody has read, or that is closed.
        return b""
    if isinstance(content, (bytes, bytearray)):
        return bytes(content)
    return b""


def _without_answer(exception: BaseException) -> Optional[_native.Error]:
    for cls in type(exception).__mro__:
        package = (cls.__module__ or "").partition(".")[0]
        found = _BY_NAME.get((cls.__module__, cls.__name__)) or _BY_NAME.get(
            (package, cls.__name__)
        )
        if found is not None:
            kind, ambiguous = found
            return _native.Error(kind, _describe(exception), ambiguous=ambiguous)
    if isinstance(exception, (TimeoutError, asyncio.TimeoutError)):
        return _native.Error("timeout", _describe(exception), ambiguous=True)
    if isinstance(exception, ConnectionRefusedError):
        return _native.Error("network", _describe(exception))
    if isinstance(exception, ConnectionError):
        return _native.Error("network", _describe(exception), ambiguous=True)
    return None


def _describe(exception: BaseException) -> str:
    text = str(exception)
    name = type(exception).__name__
    return f"{name}: {text}" if text else name
