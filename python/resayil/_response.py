"""An answer as it came, with the names that httpx and OpenAI's SDK use."""

from __future__ import annotations

import json
from typing import Any, Optional

from ._headers import Headers


class Response:
    """An answer as it came: what `Client.post` gives, and what an error has as `response`.

    Of an error the body is cut to 64 KiB. Body and headers may hold the prompt or secrets, so
    `repr` shows neither.
    """

    __slots__ = ("attempts", "content", "fallback", "headers", "request_id", "status_code")

    def __init__(
        self,
        status_code: int,
        headers: Headers,
        content: bytes,
        *,
        request_id: Optional[str] = None,
        attempts: int = 0,
        fallback: Optional[int] = None,
    ) -> None:
        self.status_code = status_code
        """The HTTP status."""
        self.headers = headers
        """The headers, by name in any case."""
        self.content = content
        """The body, unpacked."""
        self.request_id = request_id
        """The provider's id of the request."""
        self.attempts = attempts
        """How many requests were sent for this call."""
        self.fallback = fallback
        """The index of the fallback's target that answered; None for the one asked first."""

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 are replaced."""
        return self.content.decode("utf-8", "replace")

    @property
    def is_success(self) -> bool:
        """Whether the status is one from 200 to 299."""
        return 200 <= self.status_code < 300

    def json(self) -> Any:
        """The body, read as JSON. Raises ValueError if it is none."""
        return json.loads(self.content)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    def __reduce__(self) -> tuple[Any, ...]:
        given = (self.status_code, self.headers, self.content)
        return _restore, (*given, self.request_id, self.attempts, self.fallback)


def _restore(
    status_code: int,
    headers: Headers,
    content: bytes,
    request_id: Optional[str],
    attempts: int,
    fallback: Optional[int],
) -> Response:
    return Response(
        status_code, headers, content,
        request_id=request_id, attempts=attempts, fallback=fallback,
    )  # fmt: skip
