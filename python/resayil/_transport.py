"""What the transports for httpx and httpx2 share."""

from __future__ import annotations

import copy
import uuid
from contextvars import ContextVar
from typing import Any, NamedTuple, Optional

from . import _idempotency, _interop, _native, _time
from ._native import Budget, Counters, RetryPolicy
from ._retry import DEFAULT_POLICY, Attempts


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

    def _begin(self, request: Any) -> tuple[Attempts, bool]:
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
        return Attempts(name, self._policy, self._budget, self._counters), parts is not None

    @staticmethod
    def _failed(
        attempts: Attempts, request: Any, exception: Exception, replayable: bool
    ) -> Optional[float]:
        """How long to wait after a request without an answer; None to raise the exception."""
        error = _interop.read_error(exception)
        if not replayable:
            attempts.given_up(error)
            return None
        delay = attempts.failed(exception, error)
        if delay is None:
            _remember(request, exception if getattr(exception, "exhausted", False) else None)
        return delay

    @staticmethod
    def _refused(
        attempts: Attempts, request: Any, response: Any, replayable: bool
    ) -> Optional[float]:
        """How long to wait after an answer that is an error; None to give it to the caller."""
        error = _native.read_error(response.status_code, response.headers, response.content)
        if error is None:
            return None
        delay = None
        if replayable:
            delay, error = attempts.decide(error)
        else:
            attempts.given_up(error)
        if delay is None:
            response.extensions[_interop.ATTRIBUTE] = error
            if error.exhausted:
                # What OpenAI's SDK heeds, so that it does not multiply the retries.
                response.headers["x-should-retry"] = "false"
            if replayable:
                _remember(request)
        return delay


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
        attempts, replayable = self._begin(request)
        while True:
            attempts.begin()
            try:
                response = self._transport.handle_request(request)
                if response.status_code < 400:
                    attempts.succeeded()
                    return response
                response.read()
            except Exception as exception:
                delay = self._failed(attempts, request, exception, replayable)
                if delay is None:
                    raise
            else:
                delay = self._refused(attempts, request, response, replayable)
                if delay is None:
                    return response
                response.close()
            _time.sleep(delay)

    def close(self) -> None:
        """Closes the transport below."""
        self._transport.close()


class AsyncRetry(_Base):
    """The half for asyncio and trio."""

    async def handle_async_request(self, request: Any) -> Any:
        """Sends a request, again if that may help, and gives the last answer."""
        attempts, replayable = self._begin(request)
        while True:
            attempts.begin()
            try:
                response = await self._transport.handle_async_request(request)
                if response.status_code < 400:
                    attempts.succeeded()
                    return response
                await response.aread()
            except Exception as exception:
                delay = self._failed(attempts, request, exception, replayable)
                if delay is None:
                    raise
            else:
                delay = self._refused(attempts, request, response, replayable)
                if delay is None:
                    return response
                await response.aclose()
            await _time.sleep_async(delay)

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._transport.aclose()
