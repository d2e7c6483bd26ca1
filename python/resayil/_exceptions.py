"""The exceptions: one class for each kind of error, named as OpenAI's SDK names them."""

from __future__ import annotations

from typing import Any

from ._api_error import APIError

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "CancelledError",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterError",
    "ContextLengthError",
    "DeadlineExceededError",
    "GatewayTimeoutError",
    "InternalServerError",
    "NotFoundError",
    "OpenAIError",
    "OverloadedError",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "QuotaExhaustedError",
    "RateLimitError",
    "ResponseError",
    "UnprocessableEntityError",
]


class APIStatusError(APIError):
    """The service answered with the status of an error; see `response` and `status_code`."""


class BadRequestError(APIStatusError):
    """The request is malformed, and no closer kind fits. 400 and other 4xx."""

    kind = "bad_request"
    number = 100


class UnprocessableEntityError(APIStatusError):
    """Fields of the request are missing or invalid: see `field_errors`. 422."""

    kind = "validation"
    number = 101


class NotFoundError(APIStatusError):
    """The model or the path does not exist. 404."""

    kind = "not_found"
    number = 102


class ConflictError(APIStatusError):
    """The request collided with another one. 409."""

    kind = "conflict"
    number = 103


class PayloadTooLargeError(APIStatusError):
    """The request is larger than the service accepts. 413."""

    kind = "payload_too_large"
    number = 104


class ContextLengthError(BadRequestError):
    """The prompt and the answer do not fit into the model's context window."""

    kind = "context_length"
    number = 105


class ContentFilterError(BadRequestError):
    """A content filter refused the prompt or the answer."""

    kind = "content_filter"
    number = 106


class AuthenticationError(APIStatusError):
    """The key is missing, malformed, revoked or unknown. 401."""

    kind = "authentication"
    number = 200


class PermissionDeniedError(APIStatusError):
    """The key is good, but may not do this. 403."""

    kind = "permission"
    number = 201


class PaymentRequiredError(APIStatusError):
    """The account has no credits left. 402."""

    kind = "payment_required"
    number = 202


class RateLimitError(APIStatusError):
    """Too many requests in the current window; the next window admits more. 429."""

    kind = "rate_limit"
    number = 300


class QuotaExhaustedError(RateLimitError):
    """A quota that no short wait refills is used up: a spend limit, a daily or monthly cap.

    It is a RateLimitError, as programs for OpenAI's SDK catch it, but it is never retried.
    """

    kind = "quota_exhausted"
    number = 203


class InternalServerError(APIStatusError):
    """The service failed. 500 and other 5xx."""

    kind = "server"
    number = 400


class OverloadedError(InternalServerError):
    """The service or the model has no capacity right now. 503, 529."""

    kind = "overloaded"
    number = 301


class APIConnectionError(APIError, ConnectionError):
    """The connection could not be made or broke. Also a ConnectionError."""

    kind = "network"
    number = 402


class APITimeoutError(APIConnectionError, TimeoutError):
    """No answer came in time, from the service or within a local limit. Also a TimeoutError.

    An answer that says so, by 504 or 524, is a GatewayTimeoutError.
    """

    kind = "timeout"
    number = 401


class GatewayTimeoutError(APITimeoutError, InternalServerError):
    """A server in front of the service got no answer in time. 504, 524.

    Both a time-out and a failure of the service, because OpenAI's SDK has it as the latter.
    """


class ResponseError(APIError):
    """A success that cannot be read or that was rejected, or a stream that broke its protocol."""

    kind = "protocol"
    number = 403

    result: Any = None
    """What the function returned, if `retry(retry_if_result=...)` would not take it."""


class CancelledError(APIError):
    """The caller cancelled the call."""

    kind = "cancelled"
    number = 500


class DeadlineExceededError(APIError, TimeoutError):
    """The wait that is needed would pass the caller's deadline. Also a TimeoutError."""

    kind = "deadline"
    number = 501


class ConfigurationError(APIError, ValueError):
    """An option or the key has no usable form; nothing was sent. Also a ValueError."""

    kind = "configuration"
    number = 502


#: The base, under the name that OpenAI's SDK has for its own.
OpenAIError = APIError

#: What OpenAI's SDK raises for a success that cannot be read.
APIResponseValidationError = ResponseError
