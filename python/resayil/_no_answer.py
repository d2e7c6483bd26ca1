"""Exceptions that say that no answer came, by their names: the packages need not be there."""

from __future__ import annotations

import sys
from typing import Any, Optional

from . import _native

# By module and name: the kind, and whether the request may have been carried out. The first match
# along the class's bases counts.
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
_register(("requests",), "timeout", False, "ConnectTimeout")
_register(("requests",), "timeout", True, "Timeout", "ReadTimeout")
_register(("requests",), "network", True, "ConnectionError", "ChunkedEncodingError")
_register(("aiohttp",), "timeout", True, "ServerTimeoutError", "ConnectionTimeoutError")
_register(("aiohttp",), "network", False, "ClientConnectorError")
_register(("aiohttp",), "network", True, "ClientConnectionError", "ClientPayloadError")
_register(("urllib3",), "timeout", False, "ConnectTimeoutError")
_register(("urllib3",), "timeout", True, "TimeoutError", "ReadTimeoutError")
_register(("urllib3",), "network", False, "NewConnectionError", "ProxyError", "NameResolutionError")
_register(("urllib3",), "network", True, "ProtocolError")
_register(("urllib3",), "protocol", True, "InvalidHeader")
_register(("botocore",), "timeout", False, "ConnectTimeoutError")
_register(("botocore",), "timeout", True, "ReadTimeoutError")
_register(("botocore",), "network", False, "EndpointConnectionError", "ProxyConnectionError")
_register(("botocore",), "network", True, "ConnectionClosedError", "HTTPClientError")
_register(("mistralai",), "network", True, "NoResponseError")

#: SDKs that are made by one generator share these names: openai, anthropic, groq and others.
_ANYWHERE = {"APITimeoutError": ("timeout", True), "APIConnectionError": ("network", True)}

#: Codes of libcurl's errors (curl/curl.h): the kind, whether the request may have been carried out,
#: and whether another try may help.
_CURL: dict[int, tuple[str, bool, bool]] = {
    5: ("network", False, True), 6: ("network", False, True), 7: ("network", False, True),
    16: ("network", True, True), 18: ("network", True, True), 28: ("timeout", True, True),
    35: ("network", False, True), 51: ("network", False, False), 52: ("network", True, True),
    55: ("network", True, True), 56: ("network", True, True), 58: ("network", False, False),
    60: ("network", False, False), 77: ("network", False, False), 92: ("network", True, True),
    95: ("network", True, True), 97: ("network", False, True),
}  # fmt: skip

#: How libcurl and urllib3 name the status of an answer that they keep to themselves.
_STATUS = r"(?:returned error: |too many )([1-5]\d\d)\b"

#: How h11 says that what came is no HTTP, for which httpcore has no class of its own.
_NO_HTTP = (
    "(?i)illegal|malformed|bad |conflicting|multiple |too long|too many|encoding|content-length"
)


#: Marks an exception of a kept connection that was closed before a byte of the answer came.
_STALE = "_resayil_stale"

#: So far down a chain of exceptions is looked.
_DEEP = 16


def mark_stale(exception: BaseException) -> None:
    """A kept connection was closed before a byte of the answer came."""
    setattr(exception, _STALE, True)


def is_stale(exception: Optional[BaseException]) -> bool:
    """Whether that is what an exception comes from."""
    for _ in range(_DEEP):
        if exception is None:
            break
        if getattr(exception, _STALE, False):
            return True
        exception = exception.__cause__ or exception.__context__
    return False


def _search(pattern: str, text: str) -> Any:
    import re

    return re.search(pattern, text)


def _loaded(module: str, name: str) -> Any:
    """A class of a module that nobody has to have loaded; else what nothing is an instance of."""
    found = sys.modules.get(module)
    return () if found is None else getattr(found, name, ())


def read(exception: BaseException) -> Optional[_native.Error]:
    """The error that an exception stands for; None if it does not say that an answer is missing."""
    text = _describe(exception)
    if type(exception.__cause__).__name__ == "ContentEncodingError":
        # aiohttp could not unpack it.
        return _native.Error("protocol", text, ambiguous=True)
    for cls in type(exception).__mro__:
        if cls.__name__ == "RemoteProtocolError" and _search(_NO_HTTP, text):
            return _native.Error("protocol", text, ambiguous=True)
        package = (cls.__module__ or "").partition(".")[0]
        found = _BY_NAME.get((package, cls.__name__))
        if found is None and package not in ("builtins", "resayil"):
            found = _ANYWHERE.get(cls.__name__)
        if found is not None:
            kind, ambiguous = found
            return _native.Error(kind, text, ambiguous=ambiguous)
    if type(exception.__cause__).__module__ == "aiohttp.http_exceptions":
        # What came is no HTTP.
        return _native.Error("protocol", text, ambiguous=True)
    if package_of(exception) == "pycurl":
        return _of_curl(exception, text)
    if package_of(exception) == "urllib3" and (status := _search(_STATUS, str(exception))):
        return _native.read_error(int(status[1]), None, None)
    if isinstance(exception, _loaded("ssl", "SSLCertVerificationError")):
        return _native.Error("network", text, retryable=False)
    late = (TimeoutError, _loaded("asyncio", "TimeoutError"), _loaded("socket", "timeout"))
    if isinstance(exception, late):
        return _native.Error("timeout", text, ambiguous=True)
    if isinstance(exception, (ConnectionRefusedError, _loaded("socket", "gaierror"))):
        return _native.Error("network", text)
    broken = (_loaded("http.client", "IncompleteRead"), _loaded("ssl", "SSLError"))
    if isinstance(exception, (ConnectionError, *broken)):
        return _native.Error("network", text, ambiguous=True)
    if isinstance(exception, _loaded("http.client", "HTTPException")):
        return _native.Error("protocol", text, ambiguous=True)
    return None


def _of_curl(exception: BaseException, text: str) -> Optional[_native.Error]:
    code = exception.args[0] if exception.args else None
    if code == 22 and (status := _search(_STATUS, text)):
        return _native.read_error(int(status[1]), None, None)
    if not isinstance(code, int) or code not in _CURL:
        return None
    kind, ambiguous, retryable = _CURL[code]
    if kind == "timeout" and ("onnect" in text or "esolv" in text):
        # The connection was not made.
        ambiguous = False
    return _native.Error(kind, text, ambiguous=ambiguous, retryable=retryable)


def wrapped(exception: BaseException) -> Optional[BaseException]:
    """What is below an exception that says less than that, such as whether a request was sent."""
    names = {cls.__name__ for cls in type(exception).__mro__}
    package = package_of(exception)
    if not names & _ANYWHERE.keys() and not any((package, name) in _WRAPPERS for name in names):
        return None
    attempt: Any = getattr(exception, "last_attempt", None)
    if attempt is not None and hasattr(attempt, "exception"):
        attempt = attempt.exception()
    places = (exception.__cause__, attempt, getattr(exception, "reason", None), *exception.args)
    return next((place for place in places if isinstance(place, BaseException)), None)


#: Exceptions that say little but that another one was raised below them.
_WRAPPERS = frozenset({
    ("urllib", "URLError"), ("urllib3", "MaxRetryError"), ("requests", "RetryError"),
    ("requests", "ConnectionError"), ("requests", "InvalidHeader"), ("tenacity", "RetryError"),
    ("urllib3", "ProtocolError"), ("requests", "ChunkedEncodingError"), ("requests", "Timeout"),
    ("instructor", "InstructorRetryException"), ("pydantic_ai", "ModelAPIError"),
    ("httpx", "TransportError"), ("httpx2", "TransportError"),
})  # fmt: skip


def package_of(exception: BaseException) -> str:
    """The package that an exception's class is of."""
    return (type(exception).__module__ or "").partition(".")[0]


def _describe(exception: BaseException) -> str:
    text = str(exception)
    name = type(exception).__name__
    return f"{name}: {text}" if text else name
