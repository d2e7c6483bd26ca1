"""What the transports for httpx and httpx2 share."""

from __future__ import annotations

import uuid
from typing import Any, Optional

from . import _interop, _native, _time
from ._native import Budget, Counters, RetryPolicy
from ._retry import DEFAULT_POLICY, Attempts


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
        if request.method == "POST" and "idempotency-key" not in request.headers:
            request.headers["Idempotency-Key"] = f"resayil-{uuid.uuid4().hex}"
        try:
            _ = request.content
        except Exception:
            # A body that is made while it is sent exists once.
            replayable = False
        else:
            replayable = True
        name = f"{request.method} {request.url.host}"
        return Attempts(name, self._policy, self._budget, self._counters), replayable

    @staticmethod
    def _failed(attempts: Attempts, exception: Exception, replayable: bool) -> Optional[float]:
        error = _interop.read_error(exception)
        if replayable:
            return attempts.failed(exception, error)
        attempts.given_up(error)
        return None

    @staticmethod
    def _refused(attempts: Attempts, response: Any, replayable: bool) -> Optional[float]:
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
        return delay


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
                delay = self._failed(attempts, exception, replayable)
                if delay is None:
                    raise
            else:
                delay = self._refused(attempts, response, replayable)
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
                delay = self._failed(attempts, exception, replayable)
                if delay is None:
                    raise
            else:
                delay = self._refused(attempts, response, replayable)
                if delay is None:
                    return response
                await response.aclose()
            await _time.sleep_async(delay)

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._transport.aclose()
