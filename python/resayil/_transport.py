"""What the transports for httpx and httpx2 share."""

from __future__ import annotations

import copy
import uuid
from contextvars import ContextVar
from typing import Any, NamedTuple, Optional

from . import _idempotency, _interop, _time
from ._native import Budget, Counters, RetryPolicy
from ._operation import Operation
from ._policy import DEFAULT_POLICY


class _Last(NamedTuple):
    """What the request came to that failed last."""

    request: bytes
    key: str
    exhausted: Optional[Exception]


# In this thread or task.
_last: ContextVar[Optional[_Last]] = ContextVar("resayil_last", default=None)


class _Base:
    def __init__(
        self,
        transport: Any = None,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
        budget: Optional[Budget] = None,
        counters: Optional[Counters] = None,
    ) -> None:
        self._transport = self._default() if transport is None else transport
        self._policy = policy
        self._budget = budget if budget is not None else Budget()
        self._counters = counters if counters is not None else Counters()

    @property
    def counters(self) -> Counters:
        """What the requests of this transport did: its `stats()` may be read at any time."""
        return self._counters

    def _default(self) -> Any:
        raise NotImplementedError

    def _begin(self, request: Any) -> tuple[Operation, bool]:
        """Begins a call; says whether the request can be sent again."""
        parts = _parts(request)
        digest = _idempotency.digest(*parts) if parts is not None else None
        last = _last.get()
        _last.set(None)
        # An SDK (OpenAI's and its kin say so) tries again what failed here.
        repeats = request.headers.get("x-stainless-retry-count", "0") != "0"
        if last is None or not repeats or last.request != digest:
            last = None
        elif last.exhausted is not None:
            # It does not see that retries are used up, and would multiply them.
            _last.set(last)
            raise copy.copy(last.exhausted)
        if request.method == "POST" and "idempotency-key" not in request.headers:
            key = last.key if last is not None else None
            if key is None and parts is not None:
                key = _idempotency.key(*parts)
            request.headers["Idempotency-Key"] = key or f"resayil-{uuid.uuid4().hex}"
        name = f"{request.method} {request.url.host}"
        return Operation(name, self._policy, self._budget, self._counters), parts is not None

    @staticmethod
    def _finish(operation: Operation, request: Any, response: Any, replayable: bool) -> Any:
        """What the caller is given after the last attempt: its answer, or its exception."""
        error = operation.error
        exhausted = error is not None and error.exhausted
        if response is None:
            exception = operation.failure()
            if replayable:
                _remember(request, exception if exhausted else None)
            try:
                raise exception
            finally:
                # Its traceback holds this frame: no circle.
                del exception
        response.extensions[_interop.ATTRIBUTE] = error
        if exhausted:
            # What OpenAI's SDK heeds, so that it does not multiply the retries.
            response.headers["x-should-retry"] = "false"
        if replayable:
            _remember(request)
        return response


def _parts(request: Any) -> Optional[tuple[str, str, bytes]]:
    """What makes a request the same as another; None if its body exists once."""
    try:
        return request.method, str(request.url), request.content
    except Exception:
        # A body that is made while it is sent.
        return None


def _remember(request: Any, exhausted: Optional[Exception] = None) -> None:
    """Keeps what a failed request came to, for an SDK that sends it again."""
    parts = _parts(request)
    if parts is None:
        return
    if exhausted is not None:
        try:
            # Without the traceback, which would keep all that the call held.
            exhausted = copy.copy(exhausted)
        except Exception:
            exhausted = None
    key = request.headers.get("idempotency-key", "")
    _last.set(_Last(_idempotency.digest(*parts), key, exhausted))


class SyncRetry(_Base):
    """The blocking half."""

    def handle_request(self, request: Any) -> Any:
        """Sends a request, again if that may help, and gives the last answer."""
        operation, replayable = self._begin(request)
        response = None
        for wait in operation.steps():
            if wait is not None:
                _time.sleep(wait)
                continue
            response = None
            try:
                response = self._transport.handle_request(request)
                if response.status_code < 400:
                    operation.succeeded()
                    return response
                response.read()
            except Exception as exception:
                response = None
                operation.raised(exception, _interop.read_error(exception), not replayable)
                continue
            status, headers = response.status_code, response.headers
            operation.answered(status, headers, response.content, not replayable)
            if not operation.is_over:
                response.close()
        return self._finish(operation, request, response, replayable)

    def close(self) -> None:
        """Closes the transport below."""
        self._transport.close()


class AsyncRetry(_Base):
    """The half for asyncio and trio."""

    async def handle_async_request(self, request: Any) -> Any:
        """Sends a request, again if that may help, and gives the last answer."""
        operation, replayable = self._begin(request)
        response = None
        for wait in operation.steps():
            if wait is not None:
                await _time.sleep_async(wait)
                continue
            response = None
            try:
                response = await self._transport.handle_async_request(request)
                if response.status_code < 400:
                    operation.succeeded()
                    return response
                await response.aread()
            except Exception as exception:
                response = None
                operation.raised(exception, _interop.read_error(exception), not replayable)
                continue
            status, headers = response.status_code, response.headers
            operation.answered(status, headers, response.content, not replayable)
            if not operation.is_over:
                await response.aclose()
        return self._finish(operation, request, response, replayable)

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._transport.aclose()
