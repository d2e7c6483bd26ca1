"""The error model and retry policy for programs that call LLM APIs.

- `classify` reads an answer and says what went wrong, as an exception of its kind.
- `Client` and `AsyncClient` call an API, and handle what fails.
- `retry` calls a function again when that may help, after the wait that the server asks for, and
  `attempts` does so for a part of one.
- `RetryPolicy` decides; drive it yourself with `policy.start()` and `call.on_error(error)`.
- `resayil.httpx`, `resayil.httpx2`, `resayil.requests` and `resayil.aiohttp` do so below those
  libraries; `resayil.tenacity`, `resayil.agents` and `resayil.langchain` plug into these.
- `Fallback` names the models and services that take over what one does not serve.
- `Quota` admits requests in order, so that none is refused.
"""

from __future__ import annotations

import atexit as _atexit
from typing import TYPE_CHECKING

from . import _native
from ._async_client import AsyncClient, AsyncStream
from ._attempts import Attempt, Attempts, attempts
from ._client import Client, Stream
from ._exceptions import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CancelledError,
    ConfigurationError,
    ConflictError,
    ContentFilterError,
    ContextLengthError,
    DeadlineExceededError,
    GatewayTimeoutError,
    InternalServerError,
    NotFoundError,
    OpenAIError,
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
from ._interop import from_exception, from_response
from ._metrics import METRICS, Metric, MetricRow
from ._native import (
    Budget,
    Call,
    Counters,
    Decision,
    Fallback,
    FallbackCall,
    FallbackTarget,
    Messages,
    QuotaState,
    RateLimit,
    RetryPolicy,
    StreamDecoder,
    Ticket,
    __version__,
    classify,
    monotonic_now,
)
from ._notes import RetryEvent
from ._objects import Balance, ChatCompletion, ChatCompletionChunk, Model
from ._quota import Quota
from ._response import Response
from ._retry import Retry, retry
from ._stream import StreamResult, classify_stream
from ._time import Waits, testing

__all__ = [
    "METRICS",
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncStream",
    "Attempt",
    "Attempts",
    "AuthenticationError",
    "BadRequestError",
    "Balance",
    "Budget",
    "Call",
    "CancelledError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Client",
    "ConfigurationError",
    "ConflictError",
    "ContentFilterError",
    "ContextLengthError",
    "Counters",
    "DeadlineExceededError",
    "Decision",
    "Fallback",
    "FallbackCall",
    "FallbackTarget",
    "GatewayTimeoutError",
    "Headers",
    "InternalServerError",
    "Messages",
    "Metric",
    "MetricRow",
    "Model",
    "NotFoundError",
    "OpenAIError",
    "OverloadedError",
    "PayloadTooLargeError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Quota",
    "QuotaExhaustedError",
    "QuotaState",
    "RateLimit",
    "RateLimitError",
    "Response",
    "ResponseError",
    "Retry",
    "RetryEvent",
    "RetryPolicy",
    "Stream",
    "StreamDecoder",
    "StreamResult",
    "Ticket",
    "UnprocessableEntityError",
    "Waits",
    "__version__",
    "attempts",
    "classify",
    "classify_stream",
    "from_exception",
    "from_response",
    "monotonic_now",
    "retry",
    "testing",
]

if not TYPE_CHECKING:
    _LAZY = frozenset({
        "agents", "aiohttp", "httpx", "httpx2", "langchain", "opentelemetry", "pytest", "requests",
        "sandbox", "tenacity",
    })  # fmt: skip

    def __getattr__(name):
        # Loaded when asked for, because they need packages that may be missing.
        if name in _LAZY:
            import importlib

            return importlib.import_module(f"{__name__}.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# Who comes back to an interpreter that is gone would end the process.
_atexit.register(_native.wait_for_threads)
