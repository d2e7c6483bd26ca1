"""The base of all exceptions: what is known about a failure."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any, ClassVar, Optional, Union

from . import _native
from ._headers import Headers
from ._kinds import is_dict
from ._native import Messages, RateLimit
from ._response import Response


class APIError(Exception):
    """A call of an LLM API failed. The base of all exceptions of this package.

    Also the class of errors about which nothing is known, and of kinds that a newer native half
    knows and this class table does not.

    `str(error)` is one line without secrets, for a log. What to show an end user is
    `user_message`. Exceptions can be pickled and copied.

    An application's tests may make one: `RateLimitError("slow down", retry_after=3.0)`. The
    keyword arguments are named as the attributes; `response`, any object with `status_code`,
    `headers` and `content`, gives status, headers and body at once.
    """

    kind: ClassVar[str] = "unknown"
    """The name of the kind of error that this class stands for."""
    number: ClassVar[int] = 0
    """The number of that kind, the same in every language. Never reused."""

    def __init__(self, message: str | _native.Error | None = None, **details: Any) -> None:
        # The native half makes instances without coming through here; see crates/py.
        if not isinstance(message, _native.Error):
            message = _native.Error(self.kind, message, **_native_details(details))
        elif details:
            raise TypeError("details cannot be changed")
        super().__init__(message)

    @property
    def _error(self) -> _native.Error:
        if self.args and isinstance(self.args[0], _native.Error):
            return self.args[0]
        # Somebody has replaced `args`.
        return _native.Error(self.kind, str(self.args[0]) if self.args else None)

    @property
    def status(self) -> Optional[int]:
        """The HTTP status of the answer; None when there was no answer.

        For an error inside a success or a stream it is the status that the error stands for.
        """
        return self._error.status

    @property
    def status_code(self) -> Optional[int]:
        """The same as `status`, under the name that OpenAI's SDK uses."""
        return self._error.status

    @property
    def severity(self) -> str:
        """`info`, `warning`, `error` or `critical`."""
        return self._error.severity

    @property
    def retryable(self) -> bool:
        """Whether another try of the same request may succeed. A policy looks at more than this."""
        return self._error.retryable

    @property
    def message(self) -> Optional[str]:
        """The provider's message, redacted; for the developer's eyes."""
        return self._error.message

    @property
    def code(self) -> Optional[str]:
        """The provider's error code; a number as its digits."""
        return self._error.code

    @property
    def type(self) -> Optional[str]:
        """The provider's error type, such as `invalid_request_error`."""
        return self._error.type

    @property
    def param(self) -> Optional[str]:
        """The parameter of the request that the provider complains of."""
        return self._error.param

    @property
    def request_id(self) -> Optional[str]:
        """The provider's id of the request, to name when asking for support."""
        return self._error.request_id

    @property
    def retry_after(self) -> Optional[float]:
        """The wait that the server asks for, in seconds, uncapped."""
        return self._error.retry_after

    @property
    def retry_after_source(self) -> Optional[str]:
        """Where `retry_after` was read, such as `body` or `retry_after` (the header)."""
        return self._error.retry_after_source

    @cached_property
    def rate_limit(self) -> Optional[RateLimit]:
        """What the answer's headers say of the rate limit."""
        return self._error.rate_limit

    @property
    def limit_scope(self) -> Optional[str]:
        """What the limit counts that refused the request, where the answer tells.

        One of `requests`, `tokens`, `input_tokens`, `output_tokens`, `concurrency`, `images` and
        `spend`.
        """
        return self._error.limit_scope

    @property
    def limit_window(self) -> Optional[float]:
        """The length of the window in which that limit counts, in seconds; a month is 30 days."""
        return self._error.limit_window

    @property
    def retry_at(self) -> Optional[float]:
        """When the server expects the next request, in seconds since 1970 by its own clock.

        None where it names a wait, as in `retry_after`, and not a time.
        """
        return self._error.retry_at

    @cached_property
    def field_errors(self) -> dict[str, list[str]]:
        """The provider's messages by invalid field of the request, in the provider's order."""
        return self._error.field_errors

    @property
    def provider(self) -> Optional[str]:
        """Whose API answered, such as `resayil` or `openai`."""
        return self._error.provider

    @property
    def user_message(self) -> str:
        """A friendly sentence that is safe to show to an end user, in English."""
        return self._error.user_message

    def user_message_in(self, language: Union[str, Messages]) -> str:
        """A friendly sentence for an end user in a language: `en` or `ar`, also with a region.

        Or by texts of your own, as `Messages`.

        Raises ValueError for a language that there are no texts in.
        """
        return self._error.user_message_in(language)

    @cached_property
    def advice(self) -> list[str]:
        """What a developer can do about it, in English, one step an entry."""
        return self._error.advice

    def advice_in(self, language: Union[str, Messages]) -> list[str]:
        """What a developer can do about it, in a language; see `user_message_in`."""
        return self._error.advice_in(language)

    @property
    def help_url(self) -> Optional[str]:
        """The page of the provider that explains this kind of error."""
        return self._error.help_url

    @property
    def attempts(self) -> int:
        """How many requests were sent for this call; 0 if none was or if nobody counted."""
        return self._error.attempts

    @property
    def exhausted(self) -> bool:
        """Whether retries were used up below, so that an outer layer must not multiply them."""
        return self._error.exhausted

    @property
    def stop_reason(self) -> Optional[str]:
        """Which rule ended the call, such as `max_attempts`; None if nobody decided on a retry."""
        return self._error.stop_reason

    @property
    def ambiguous(self) -> bool:
        """Whether the server may have carried out the request although no whole answer arrived."""
        return self._error.ambiguous

    @property
    def request_state(self) -> str:
        """What became of the request: `not_sent`, `perhaps_processed` (the service may have carried
        it out, and billed it, though no whole answer arrived) or `answered`."""
        return self._error.request_state

    @property
    def rejected(self) -> bool:
        """Whether the answer was a success that `retry_if_result` would not take."""
        return self._error.rejected

    @property
    def model(self) -> Optional[str]:
        """The model that the request named, where the client told."""
        return self._error.model

    @cached_property
    def body(self) -> Any:
        """The error object of the answer's body, as OpenAI's SDK has it.

        The member `error` of a JSON object that has one, else the JSON as a whole; the text, if it
        is no JSON; None without a body. It may hold the prompt: do not print it.
        """
        raw = self._error.body
        if not raw:
            return None
        try:
            whole = json.loads(raw)
        except (ValueError, RecursionError):
            return raw.decode("utf-8", "replace").strip()
        return whole.get("error", whole) if is_dict(whole) else whole

    @cached_property
    def raw_body(self) -> bytes:
        """The body of the answer as it came, cut to 64 KiB. It may hold the prompt."""
        return self._error.body

    @cached_property
    def response(self) -> Optional[Response]:
        """The answer, with `status_code`, `headers`, `text`, `content` and `json()`.

        None if no answer came. It may hold the prompt: do not print it.
        """
        if self.status is None:
            return None
        return Response(
            self.status, self.headers, self.raw_body,
            request_id=self.request_id, attempts=self.attempts,
        )  # fmt: skip

    @cached_property
    def headers(self) -> Headers:
        """The headers of the answer. Values may hold secrets: do not print them."""
        return Headers(self._error.headers)

    @property
    def partial_text(self) -> Optional[str]:
        """What a stream had delivered before it failed; None if it was no stream."""
        return self._error.partial_text

    @property
    def safe_to_replay(self) -> bool:
        """Whether the request can be sent again without delivering anything twice."""
        return self._error.safe_to_replay

    def to_json(self, language: Union[str, Messages, None] = None) -> str:
        """The error record as JSON: the same from every language that this library serves.

        `language` is that of `user_message` and `advice`: `en` (the default), `ar` or `Messages`.
        """
        return self._error.to_json(language)

    def to_dict(self, language: Union[str, Messages, None] = None) -> dict[str, Any]:
        """The error record as a dict; see `to_json`."""
        record: dict[str, Any] = json.loads(self._error.to_json(language))
        return record

    def report(self) -> str:
        """A report of several lines for a developer, without secrets and without the raw body."""
        return self._error.report()

    def _mark(self, error: _native.Error) -> None:
        """Takes over what a retrying layer knows at its end."""
        self.args = (error,)

    def __str__(self) -> str:
        return str(self._error)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._error}>"

    def __reduce__(self) -> tuple[Any, ...]:
        state = {name: value for name, value in self.__dict__.items() if name not in _CACHED}
        return _restore, (type(self), self._error), state or None


def _native_details(details: dict[str, Any]) -> dict[str, Any]:
    """The details under the names of the native half, where `body` is the bytes."""
    response = details.pop("response", None)
    # OpenAI's exceptions are given the request, too; it is not kept.
    details.pop("request", None)
    raw, body = details.pop("raw_body", None), details.pop("body", None)
    if raw is None and body is not None:
        is_raw = isinstance(body, (bytes, bytearray, str)) or type(body) is memoryview
        raw = body if is_raw else json.dumps({"error": body})
    if response is not None:
        read = _native.read_error(response.status_code, response.headers, response.content)
        details.setdefault("status", response.status_code)
        details.setdefault("headers", response.headers)
        details.setdefault("request_id", read.request_id if read is not None else None)
        raw = response.content if raw is None else raw
    if raw is not None:
        details["body"] = raw
    return details


_CACHED = frozenset(
    name for name, value in vars(APIError).items() if isinstance(value, cached_property)
)


def _restore(cls: type[APIError], error: _native.Error) -> APIError:
    # A subclass may have another __init__: go past it.
    restored = cls.__new__(cls, error)
    restored.args = (error,)
    return restored
