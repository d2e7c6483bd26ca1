"""The error model and retry policy for programs that call LLM APIs.

- `classify` reads an answer and says what went wrong, as an exception of its kind.
- `retry` calls a function again when that may help, after the wait that the server asks for.
- `RetryPolicy` decides; drive it yourself with `policy.start()` and `call.on_error(error)`.
- `Quota` admits requests in order, so that none is refused.
"""

from __future__ import annotations

import logging as _logging

from ._exceptions import (
    APIConnectionError,
    APIError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CancelledError,
    ConfigurationError,
    ConflictError,
    ContentFilterError,
    ContextLengthError,
    DeadlineExceededError,
    InternalServerError,
    NotFoundError,
    OverloadedError,
    PayloadTooLargeError,
    PaymentRequiredError,
    PermissionDeniedError,
    QuotaExhaustedError,
    RateLimitError,
    ResponseError,
    UnprocessableEntityError,
)
from ._headers import Headers
from ._native import (
    Budget,
    Call,
    Decision,
    QuotaState,
    RateLimit,
    RetryPolicy,
    StreamDecoder,
    Ticket,
    __version__,
    classify,
)
from ._quota import Quota
from ._retry import retry
from ._stream import StreamResult, classify_stream
from ._time import Waits, testing

__all__ = [
    "APIConnectionError",
    "APIError",
    "APITimeoutError",
    "AuthenticationError",
    "BadRequestError",
    "Budget",
    "Call",
    "CancelledError",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterError",
    "ContextLengthError",
    "DeadlineExceededError",
    "Decision",
    "Headers",
    "InternalServerError",
    "NotFoundError",
    "OverloadedError",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Quota",
    "QuotaExhaustedError",
    "QuotaState",
    "RateLimit",
    "RateLimitError",
    "ResponseError",
    "RetryPolicy",
    "StreamDecoder",
    "StreamResult",
    "Ticket",
    "UnprocessableEntityError",
    "Waits",
    "__version__",
    "classify",
    "classify_stream",
    "retry",
    "testing",
]

# Applications that set up no logging see nothing.
_logging.getLogger("resayil").addHandler(_logging.NullHandler())
