"""A client middleware for aiohttp that tries again when that may help.

```python
async with aiohttp.ClientSession(middlewares=[resayil.aiohttp.RetryMiddleware()]) as session: ...
```

It needs aiohttp 3.12 or newer. litellm and google-genai, which send through aiohttp, take such a
session. The session's own time-out holds for a call with all its waits: by default 5 minutes, and
`timeout=aiohttp.ClientTimeout(total=None)` leaves it to the middleware.

A request waits for its quota, and is sent again if that may help; one whose body is made while it
is sent is sent once. What is looked at before it is handed on:

- An answer with an error's status: no more than 1 MiB of it is read.
- A success that is JSON, or text in answer to a POST, is read whole: an error in it is one. It
  costs the time to read it once more.
- A stream (server-sent events, NDJSON) until it delivers something: what breaks before is sent
  again. The rest is handed on as it comes, byte for byte; a stream that is cut, or carries an
  error, ends in an exception that is one of ours and of aiohttp, in place of that event.
- Anything else is handed on at once.

What is raised or returned at the end is what aiohttp made, with the error in
`response.resayil_error`. An error in a success is handed on with the status that it stands for, so
that `raise_for_status()` and SDKs see it.
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

import aiohttp

from . import _idempotency, _interop, _native, _no_answer, _services, _time
from ._exchange import ATTEMPT_TIMEOUT, Exchange, exception_as
from ._fleet import FleetOption
from ._incoming import Limits
from ._native import Budget, Counters, RetryPolicy
from ._policy import DEFAULT_POLICY
from ._quota import Priority, Tenant
from ._services import QuotaOption, Quotas

if TYPE_CHECKING:
    from collections.abc import Awaitable

    Handler = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]

__all__ = ["RetryMiddleware"]


class RetryMiddleware:
    """A client middleware that sends requests again.

    `policy` says when; `budget` is the stock of retries that all requests of this middleware share;
    `counters` counts them.

    `quota` is what requests wait for, so that none is refused. By default each origin and key has
    one of its own, which learns from the answers; one that is given holds for all requests; None is
    none. `provider` names the API; by default it is known by its host. With `share_quota` all
    processes of this host share it, by files in `quota_folder`; with `fleet`,
    the URL of a Redis or Valkey or a client of redis-py or valkey-py, those of many hosts do.
    `quota_group` names one quota for all origins and keys. `priority` (`high`, `normal`, `low`) and
    `tenant` (a name, or a name and a weight) say how requests stand in its line.

    `attempt_timeout` is how long one attempt may take in seconds, from sending to the end of the
    answer; in a stream, to its next event. Default: 120. The policy's `deadline` ends all attempts.
    `max_response_bytes` (16 MiB) is how large an answer may be that is looked at.
    """

    def __init__(
        self,
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
        attempt_timeout: Optional[float] = ATTEMPT_TIMEOUT,
        max_response_bytes: int = Limits().max_response_bytes,
    ) -> None:
        self._policy = policy
        self._counters = counters if counters is not None else Counters()
        self._quotas = Quotas(
            quota, provider, share_quota, quota_folder, fleet, quota_group, budget
        )
        self._enter = _services.enter(priority, tenant)
        self._provider = _services.known(provider)
        # What comes is unpacked already.
        self._limits = Limits(max_response_bytes, sys.maxsize, attempt_timeout)

    @property
    def counters(self) -> Counters:
        """What the requests of this middleware did: its `stats()` may be read at any time."""
        return self._counters

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: Handler
    ) -> aiohttp.ClientResponse:
        """Sends a request, again if that may help, and gives the last answer."""
        exchange = await self._begin(request)
        answer, alarm = None, _time.AsyncAlarm()
        for wait in exchange.steps(alarm):
            if wait is not None:
                await alarm.sleep(wait)
                continue
            answer = None
            exchange.begin()
            try:
                with exchange.inside():
                    answer = await self._attempt(exchange, request, handler)
            except Exception as exception:
                exchange.broke(exception)
            except BaseException:
                exchange.abandon()
                raise
            if exchange.is_handed_on:
                assert answer is not None
                return answer[0]
        return self._finish(exchange, answer)

    async def _begin(self, request: aiohttp.ClientRequest) -> Exchange:
        body: Any = request.body
        content = None
        if isinstance(body, aiohttp.BytesPayload):
            content = await body.as_bytes()
        elif not body or body == b"":
            content = b""
        url, method = request.url, request.method
        if method == "POST" and "Idempotency-Key" not in request.headers:
            key = None
            if content is not None:
                key = _idempotency.key("POST", str(url), content)
            request.headers["Idempotency-Key"] = key or f"resayil-{_idempotency.random_id()}"
        host = url.host or ""
        quota = self._quotas.of(str(url.origin()), host, request.headers)
        return Exchange(
            f"{method} {host}",
            self._policy,
            self._quotas.budget(quota),
            self._counters,
            method=method,
            host=host,
            provider=self._provider,
            quota=quota,
            replayable=content is not None,
            enter=self._enter,
            limits=self._limits,
            url=str(url),
            headers=request.headers,
            body=content,
        )

    async def _attempt(
        self, exchange: Exchange, request: aiohttp.ClientRequest, handler: Handler
    ) -> tuple[aiohttp.ClientResponse, list[bytes]]:
        left, start = exchange.left(), _native.monotonic_now()
        is_kept = _has_idle(request)
        try:
            response = await _time.limited(handler(request), left)
        except _time.TookTooLong:
            raise _too_late() from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as problem:
            is_connected = not isinstance(problem, aiohttp.ClientConnectorError)
            # What came of an answer, if anything did.
            came = getattr(problem, "message", None)
            if is_kept and is_connected and (came is None or isinstance(came, str)):
                _no_answer.mark_stale(problem)
            raise
        finally:
            exchange.took(_native.monotonic_now() - start)
        incoming = exchange.head(response.status, _Headers(response))
        kept: list[bytes] = []
        reader = _Reader(response.content, exchange)
        try:
            while not incoming.is_ready and not incoming.is_over:
                raw = await reader.read()
                if not raw:
                    incoming.end()
                    break
                count = incoming.feed(raw)
                kept.append(raw if incoming.watch is None else raw[:count])
            if incoming.failure is not None:
                raise _exception(incoming.failure)
            if exchange.judge():
                in_place = exchange.in_place()
                if in_place is not None:
                    body, content_type = in_place
                    kept = [body]
                    if content_type is not None:
                        _set_header(response, "Content-Type", content_type)
                if incoming.form != "unseen":
                    _put_back(response, kept, reader)
                exchange.hand_on()
            else:
                hidden = exchange.without_keys()
                kept = kept if hidden is None else [hidden[0]]
                if not exchange.is_over:
                    response.close()
        except BaseException:
            response.close()
            raise
        return response, kept

    @staticmethod
    def _finish(
        exchange: Exchange, answer: Optional[tuple[aiohttp.ClientResponse, list[bytes]]]
    ) -> aiohttp.ClientResponse:
        error = exchange.error
        if answer is None or error is None or (error.status is None and error.kind == "network"):
            if answer is None:
                exception = exchange.failure()
                is_ours = type(exception).__module__.startswith("resayil.")
                if error is not None and is_ours:
                    exception = _exception(error)
            else:
                assert error is not None
                answer[0].close()
                exception = _exception(error)
            try:
                raise exception
            finally:
                # The exception's traceback holds this frame: no circle.
                del exception, exchange
        response, kept = answer
        incoming = exchange.incoming
        if incoming is not None and incoming.status < 400:
            # It claims success, and holds an error.
            response.status = exchange.status_of(error)
            response.reason = ""
        _put_back(response, kept, None)
        setattr(response, _interop.ATTRIBUTE, error)
        marked: Any = response
        marked.raise_for_status = functools.partial(_raise_for_status, response)
        return response


def _raise_for_status(response: aiohttp.ClientResponse) -> None:
    """What aiohttp raises has no response, so it is marked itself."""
    try:
        aiohttp.ClientResponse.raise_for_status(response)
    except aiohttp.ClientResponseError as exception:
        _interop.mark(exception, getattr(response, _interop.ATTRIBUTE))
        raise


def _has_idle(request: aiohttp.ClientRequest) -> bool:
    """Whether a kept connection is there that the request will be sent on."""
    connector: Any = getattr(getattr(request, "session", None), "connector", None)
    return bool(getattr(connector, "_conns", {}).get(request.connection_key))


class _Headers:
    """The headers of an answer that is unpacked already."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self._headers = response.headers
        self.items, self.values = response.headers.items, response.headers.values

    def get(self, name: str) -> Optional[str]:
        if name == "content-encoding":
            return None
        if name == "content-length" and "content-encoding" in self._headers:
            # Of the bytes that came.
            return None
        return self._headers.get(name)

    def __setitem__(self, name: str, value: str) -> None:
        _set_header(self._response, name, value)
        self._headers = self._response.headers
        self.items, self.values = self._headers.items, self._headers.values

    def __iter__(self) -> Any:
        return iter(self._headers.items())


def _set_header(response: aiohttp.ClientResponse, name: str, value: str) -> None:
    """Changes what an answer says."""
    headers = response.headers.copy()
    headers[name] = value
    changed: Any = response
    changed._headers = type(response.headers)(headers)
    changed._raw_headers = tuple((key.encode(), text.encode()) for key, text in headers.items())
    # What was made of the headers before.
    changed._cache.pop("headers", None)


def _too_late() -> Exception:
    return aiohttp.ServerTimeoutError("no answer came in time")


def _exception(error: _native.Error) -> Exception:
    """An error as an exception of ours and of aiohttp."""
    is_late = error.kind in ("timeout", "deadline")
    base = aiohttp.ServerTimeoutError if is_late else aiohttp.ClientPayloadError
    return exception_as(error, base, lambda _: None)


class _Reader:
    """Reads the rest of a body, no longer than allowed."""

    def __init__(self, content: aiohttp.StreamReader, exchange: Exchange) -> None:
        self.content = content
        self.exchange = exchange

    async def read(self) -> bytes:
        """The next bytes; none after the last."""
        exchange = self.exchange
        left, start = exchange.left(), _native.monotonic_now()
        try:
            piece = await _time.limited(self.content.readany(), left)
        except _time.TookTooLong:
            raise _too_late() from None
        finally:
            exchange.took(_native.monotonic_now() - start)
        if exchange.is_late and piece:
            raise _too_late()
        return piece

    async def look(self) -> bytes:
        """The next bytes of an answer that is handed on, looked at."""
        exchange = self.exchange
        if exchange.error is None:
            try:
                raw = await self.read()
            except Exception as exception:
                exchange.cut(exception, exchange.is_late)
                raise
            if raw:
                count = exchange.passed(raw)
                if count or exchange.error is None:
                    return raw[:count]
            else:
                exchange.ended()
        if exchange.error is not None:
            raise _exception(exchange.error)
        return b""


class _Watched(aiohttp.StreamReader):
    """A body of which a part was read before: that, and then the rest."""

    __slots__ = ("_reader",)

    def __init__(self, protocol: Any, kept: list[bytes], reader: Optional[_Reader]) -> None:
        # What comes is fetched when it is asked for, and is not held back.
        super().__init__(protocol, 2**30)
        self._reader = reader
        for piece in kept:
            self.feed_data(piece)
        if reader is None:
            self.feed_eof()

    async def _wait(self, func_name: str) -> None:
        """Is called by all methods that read, when nothing is there."""
        reader = self._reader
        if reader is None:
            self.feed_eof()
            return
        try:
            piece = await reader.look()
        except Exception as exception:
            self._reader = None
            super().set_exception(exception)
            raise
        if piece:
            self.feed_data(piece)
        else:
            self._reader = None
            self.feed_eof()

    def set_exception(self, *args: Any, **options: Any) -> None:
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.content.set_exception(*args, **options)
            reader.exchange.left_alone()
        super().set_exception(*args, **options)


class _Silent:
    """In place of the connection, which is another reader's."""

    connected = True
    #: Which aiohttp 3.12 and 3.13 look at.
    _reading_paused = False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self, **_: Any) -> None:
        pass


def _put_back(
    response: aiohttp.ClientResponse, kept: list[bytes], reader: Optional[_Reader]
) -> None:
    """Gives the response a body that begins with what was read."""
    if reader is not None and reader.content.at_eof():
        exchange = reader.exchange
        reader = None if exchange.is_over and exchange.error is None else reader
    response.content = _Watched(_Silent(), kept, reader)
