"""What the transports for httpx and httpx2 share."""

from __future__ import annotations

import copy
import os
import warnings
from contextvars import ContextVar
from typing import Any, NamedTuple, Optional, Union

from . import _idempotency, _interop, _native, _network, _services, _time, _timed_backend
from ._body import Reader
from ._exchange import ATTEMPT_TIMEOUT, Exchange, exception_as
from ._fleet import FleetOption
from ._incoming import Limits
from ._kinds import is_dict
from ._native import Budget, Counters, RetryPolicy
from ._policy import DEFAULT_POLICY
from ._quota import Priority, Tenant
from ._services import QuotaOption, Quotas


class _Last(NamedTuple):
    """What the request came to that failed last."""

    request: bytes
    key: str
    exhausted: Optional[Exception]


# In this thread or task.
_last: ContextVar[Optional[_Last]] = ContextVar("resayil_last", default=None)


class _Base:
    # The library, and the class of its bodies.
    _library: Any
    _body: Any

    def __init__(
        self,
        transport: Any = None,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
        budget: Optional[Budget] = None,
        counters: Optional[Counters] = None,
        quota: QuotaOption = "auto",
        provider: Optional[str] = None,
        share_quota: bool = False,
        quota_folder: Union[str, os.PathLike[str], None] = None,
        quota_group: Optional[str] = None,
        fleet: FleetOption = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
        attempt_timeout: Optional[float] = None,
        max_response_bytes: int = Limits().max_response_bytes,
        max_wire_bytes: int = Limits().max_wire_bytes,
        max_head_bytes: int = Limits().max_head_bytes,
        max_headers: int = Limits().max_headers,
    ) -> None:
        self._limits = Limits(
            max_response_bytes, max_wire_bytes, attempt_timeout, max_head_bytes, max_headers
        )
        if transport is None:
            self._transport = self._default()
        else:
            self._transport = _network.install(transport, self._limits)
        self._policy = policy
        self._counters = counters if counters is not None else Counters()
        self._quotas = Quotas(
            quota, provider, share_quota, quota_folder, fleet, quota_group, budget
        )
        self._enter = _services.enter(priority, tenant)
        self._provider = _services.known(provider)
        self._has_warned = False

    @property
    def counters(self) -> Counters:
        """What the requests of this transport did: its `stats()` may be read at any time."""
        return self._counters

    def _default(self) -> Any:
        raise NotImplementedError

    def _begin(self, request: Any) -> Exchange:
        """Begins a call."""
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
            self._warn()
            raise copy.copy(last.exhausted)
        if request.method == "POST" and "idempotency-key" not in request.headers:
            key = last.key if last is not None else None
            if key is None and parts is not None:
                key = _idempotency.key(*parts)
            request.headers["Idempotency-Key"] = key or f"resayil-{_idempotency.random_id()}"
        url = request.url
        origin = f"{url.scheme}://{url.netloc.decode('ascii', 'replace').rpartition('@')[2]}"
        quota = self._quotas.of(origin, url.host, request.headers)
        return Exchange(
            f"{request.method} {url.host}",
            self._policy,
            self._quotas.budget(quota),
            self._counters,
            method=request.method,
            host=url.host,
            provider=self._provider,
            quota=quota,
            replayable=parts is not None,
            enter=self._enter,
            limits=self._limits._replace(attempt_timeout=self._attempt_timeout(request)),
            url=str(url),
            headers=request.headers,
            body=None if parts is None else parts[2],
        )

    def _warn(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                "the SDK repeats requests that resayil's transport has given up: make its client "
                "with max_retries=0",
                RuntimeWarning,
                stacklevel=4,
            )

    def _attempt_timeout(self, request: Any) -> Optional[float]:
        """How long an attempt may take: as the transport says, or the request."""
        given = self._limits.attempt_timeout
        if given is not None:
            return given
        timeouts = request.extensions.get("timeout")
        if not is_dict(timeouts):
            return ATTEMPT_TIMEOUT
        read = timeouts.get("read")
        # Who wants to wait for ever says so.
        return None if read is None else max(ATTEMPT_TIMEOUT, read)

    def _exception(self, error: _native.Error, request: Any) -> Exception:
        """An error as an exception of ours and of the library."""
        is_late = error.kind in ("timeout", "deadline")
        library = self._library
        base = library.ReadTimeout if is_late else library.RemoteProtocolError

        def equip(exception: Any) -> None:
            exception._request = request

        return exception_as(error, base, equip)

    def _too_late(self, request: Any) -> Exception:
        exception: Exception = self._library.ReadTimeout("no answer came in time", request=request)
        return exception

    def _finish(self, exchange: Exchange, request: Any, answer: Any) -> Any:
        """What the caller is given after the last attempt: its answer, or its exception."""
        error = exchange.error
        exhausted = error is not None and error.exhausted
        incoming = exchange.incoming
        if answer is None or error is None or (error.status is None and error.kind == "network"):
            if answer is None:
                exception = exchange.failure()
                is_ours = type(exception).__module__.startswith("resayil.")
                if error is not None and is_ours:
                    exception = self._exception(error, request)
            else:
                assert error is not None
                exception = self._exception(error, request)
            if not exchange.is_final:
                _remember(request, exception if exhausted else None)
            try:
                raise exception
            finally:
                # Its traceback holds this frame: no circle.
                del exception, exchange
        response, kept = answer
        if incoming is not None and incoming.status < 400:
            # It claims success, and holds an error.
            response.status_code = exchange.status_of(error)
            response.extensions["reason_phrase"] = b""
            if incoming.watch is not None:
                kept = _as_one(response, error)
        response.stream = self._body(kept, None, None, None)
        response.extensions[_interop.ATTRIBUTE] = error
        if exhausted:
            # What OpenAI's SDK heeds, so that it does not multiply the retries.
            response.headers["x-should-retry"] = "false"
        if not exchange.is_final:
            _remember(request)
        return response


def _readable(
    response: Any, in_place: Optional[tuple[bytes, Optional[str]]], kept: list[bytes]
) -> list[bytes]:
    """The body to hand on, which need not be unpacked once more."""
    if in_place is None:
        return kept
    body, content_type = in_place
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        response.headers.pop(name, None)
    response.headers["content-length"] = str(len(body))
    if content_type is not None:
        response.headers["content-type"] = content_type
    return [body]


def _as_one(response: Any, error: _native.Error) -> list[bytes]:
    """The event that is an error as the answer that the service would have given."""
    for name in ("content-encoding", "content-length", "transfer-encoding"):
        response.headers.pop(name, None)
    response.headers["content-type"] = "application/json"
    return [error.body]


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


def _limit_reads(request: Any, left: Optional[float]) -> None:
    """No single wait of the library is longer than the attempt may take."""
    timeouts = request.extensions.get("timeout")
    if left is None or not is_dict(timeouts):
        return
    shorter = {
        name: left if value is None else min(value, left) for name, value in timeouts.items()
    }
    request.extensions = {**request.extensions, "timeout": shorter}


class SyncRetry(_Base):
    """The blocking half."""

    def handle_request(self, request: Any) -> Any:
        """Sends a request, again if that may help, and gives the last answer."""
        exchange = self._begin(request)
        answer, alarm = None, _time.Alarm()
        extensions = request.extensions
        for wait in exchange.steps(alarm):
            if wait is not None:
                alarm.sleep(wait)
                continue
            answer, request.extensions = None, extensions
            exchange.begin()
            try:
                with exchange.inside():
                    answer = self._attempt(exchange, request)
            except Exception as exception:
                exchange.broke(exception)
            except BaseException:
                exchange.abandon()
                raise
            if exchange.is_handed_on:
                assert answer is not None
                return answer[0]
        return self._finish(exchange, request, answer)

    def _attempt(self, exchange: Exchange, request: Any) -> Any:
        left, start = exchange.left(), _native.monotonic_now()
        _limit_reads(request, left)
        try:
            with _timed_backend.within(left):
                response = self._transport.handle_request(request)
        finally:
            exchange.took(_native.monotonic_now() - start)
        incoming = exchange.head(response.status_code, response.headers)
        kept: list[bytes] = []
        rest = None
        reader = Reader(iter(response.stream), exchange, request, self)
        try:
            while not incoming.is_ready and not incoming.is_over:
                raw = reader.read()
                if raw is None:
                    incoming.end()
                    break
                count = incoming.feed(raw)
                kept.append(raw if incoming.watch is None else raw[:count])
            else:
                rest = reader if incoming.is_ready else None
            if incoming.failure is not None:
                raise self._exception(incoming.failure, request)
            if exchange.judge():
                stream = response.stream
                if rest is None and incoming.watch is not None:
                    # What follows the end of the answer is for the connection to be kept.
                    rest = reader
                kept = _readable(response, exchange.in_place(), kept)
                response.stream = self._body(kept, rest, stream, self)
                exchange.hand_on()
            else:
                kept = _readable(response, exchange.without_keys(), kept)
                response.stream.close()
        except BaseException:
            response.stream.close()
            raise
        return response, kept

    def close(self) -> None:
        """Closes the transport below."""
        self._transport.close()


class AsyncRetry(_Base):
    """The half for asyncio and trio."""

    async def handle_async_request(self, request: Any) -> Any:
        """Sends a request, again if that may help, and gives the last answer."""
        exchange = self._begin(request)
        answer, alarm = None, _time.AsyncAlarm()
        extensions = request.extensions
        for wait in exchange.steps(alarm):
            if wait is not None:
                await alarm.sleep(wait)
                continue
            answer, request.extensions = None, extensions
            exchange.begin()
            try:
                with exchange.inside():
                    answer = await self._attempt(exchange, request)
            except Exception as exception:
                exchange.broke(exception)
            except BaseException:
                exchange.abandon()
                raise
            if exchange.is_handed_on:
                assert answer is not None
                return answer[0]
        return self._finish(exchange, request, answer)

    async def _attempt(self, exchange: Exchange, request: Any) -> Any:
        left, start = exchange.left(), _native.monotonic_now()
        try:
            sent = self._transport.handle_async_request(request)
            response = await _time.limited(sent, left)
        except _time.TookTooLong:
            raise self._too_late(request) from None
        finally:
            exchange.took(_native.monotonic_now() - start)
        incoming = exchange.head(response.status_code, response.headers)
        kept: list[bytes] = []
        rest = None
        reader = Reader(response.stream.__aiter__(), exchange, request, self)
        try:
            while not incoming.is_ready and not incoming.is_over:
                raw = await reader.read_async()
                if raw is None:
                    incoming.end()
                    break
                count = incoming.feed(raw)
                kept.append(raw if incoming.watch is None else raw[:count])
            else:
                rest = reader if incoming.is_ready else None
            if incoming.failure is not None:
                raise self._exception(incoming.failure, request)
            if exchange.judge():
                stream = response.stream
                if rest is None and incoming.watch is not None:
                    rest = reader
                kept = _readable(response, exchange.in_place(), kept)
                response.stream = self._body(kept, rest, stream, self)
                exchange.hand_on()
            else:
                kept = _readable(response, exchange.without_keys(), kept)
                await response.stream.aclose()
        except BaseException:
            await response.stream.aclose()
            raise
        return response, kept

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._transport.aclose()
