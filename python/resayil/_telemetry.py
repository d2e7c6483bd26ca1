"""Where calls are told to who traces them; see `resayil.opentelemetry`."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional, Protocol

from . import _native
from ._kinds import is_dict


class Call(NamedTuple):
    """What is known of a call when it begins."""

    name: str
    """The function's, or the method's."""
    operation: Optional[str] = None
    """What is asked of a model, in OpenTelemetry's words: `chat`, `embeddings` and so on."""
    model: Optional[str] = None
    provider: Optional[str] = None
    host: Optional[str] = None
    port: Optional[int] = None
    method: Optional[str] = None
    """The method of HTTP; None for a function."""


class CallSpan(Protocol):
    """Is told the course of one call, from any thread."""

    def event(
        self,
        action: str,
        reason: Optional[str],
        attempt: int,
        delay: Optional[float],
        error: Optional[_native.Error],
        text: str,
        level: str,
    ) -> None:
        """Something was decided."""

    def enter(self) -> object:
        """What follows in this thread or task is a part of the call."""

    def leave(self, token: Any) -> None:
        """The end of that."""

    def answer(self, answer: Any) -> None:
        """The answer, as parsed JSON: what it says of models and tokens is taken from it."""

    def end(
        self, error: object = None, attempts: Optional[int] = None, exception: object = None
    ) -> None:
        """The call is over; `error` or `exception` say why it failed."""


class Telemetry(Protocol):
    """Who traces calls."""

    def begin(self, call: Call) -> CallSpan:
        """A call begins."""
        ...


#: Who traces calls; nobody, unless somebody was asked for.
active: Optional[Telemetry] = None

#: The ends of paths at which a model is asked, and what that is called.
_OPERATIONS = {
    "/chat/completions": "chat",
    "/messages": "chat",
    "/responses": "chat",
    "/v1/chat": "chat",
    "/v2/chat": "chat",
    "/completions": "text_completion",
    "/embeddings": "embeddings",
    ":generateContent": "generate_content",
    ":streamGenerateContent": "generate_content",
}


def of_request(method: str, url: str, provider: Optional[str], body: Optional[bytes | str]) -> Call:
    """The call that a request of HTTP is; without a body it is not known what is asked."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    operation = model = None
    if method == "POST":
        path = parts.path.rstrip("/")
        operation = next((what for end, what in _OPERATIONS.items() if path.endswith(end)), None)
    if operation is not None:
        model = _text(_json(body), "model") or _model_in(parts.path)
    provider = _native.otel_provider(provider) if provider is not None else None
    return Call(method, operation, model, provider, parts.hostname, port, method)


def _model_in(path: str) -> Optional[str]:
    """The model that a path names, as Google's do: `/models/NAME:generateContent`."""
    name, found, _ = path.rpartition("/models/")[2].partition(":")
    return name if found else None


def parsed(body: object) -> Any:
    """A body as JSON; None if it is none."""
    return _json(body)


def _json(body: object) -> Any:
    import json

    try:
        return json.loads(body) if isinstance(body, (bytes, str)) else None
    except ValueError:
        return None


def _text(value: Any, name: str) -> Optional[str]:
    found = value.get(name) if is_dict(value) else None
    return found if isinstance(found, str) else None
