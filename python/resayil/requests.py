"""An adapter for requests that tries again when that may help.

```python
session = requests.Session()
session.mount("https://", resayil.requests.RetryAdapter())
```

A request waits for its quota, and is sent again if that may help; one whose body is made while it
is sent is sent once. What is looked at before it is handed on:

- An answer with an error's status: no more than 1 MiB of it is read.
- A success that is JSON, or text in answer to a POST, is read whole: an error in it is one. It
  costs the time to read it once more.
- A stream (server-sent events, NDJSON) until it delivers something: what breaks before is sent
  again. The rest is handed on as it comes, byte for byte; a stream that is cut, or carries an
  error, ends in an exception that is one of ours and of requests, in place of that event.
- Anything else is handed on at once.

What is raised or returned at the end is what requests made, with the error in
`response.resayil_error`. An error in a success is handed on with the status that it stands for, so
that `raise_for_status()` sees it.
"""

from __future__ import annotations

import os
from typing import Any, Optional, Union
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from . import (
    _idempotency,
    _interop,
    _native,
    _services,
    _time,
    _timed_backend,
    _timed_socket,
)
from ._exchange import ATTEMPT_TIMEOUT, Exchange
from ._fleet import FleetOption
from ._incoming import Limits
from ._native import Budget, Counters, RetryPolicy
from ._policy import DEFAULT_POLICY
from ._quota import Priority, Tenant
from ._requests_body import Reader, exception_of, put_back
from ._services import QuotaOption, Quotas

__all__ = ["RetryAdapter"]


class RetryAdapter(HTTPAdapter):
    """An adapter that sends requests again.

    `policy` says when; `budget` is the stock of retries that all requests of this adapter share;
    `counters` counts them.

    `quota` is what requests wait for, so that none is refused. By default each origin and key has
    one of its own, which learns from the answers; one that is given holds for all requests; None is
    none. `provider` names the API; by default it is known by its host. With `share_quota` all
    processes of this host share it, by files in `quota_folder`; with `fleet`,
    the URL of a Redis or Valkey or a client of redis-py or valkey-py, those of many hosts do.
    `quota_group` names one quota for all origins and keys. `priority` (`high`, `normal`, `low`) and
    `tenant` (a name, or a name and a weight) say how requests stand in its line.

    `attempt_timeout` is how long one attempt may take in seconds, from sending to the end of the
    answer; in a stream, to its next event. Default: 120, or the request's own time-out for reading
    if that is longer. The policy's `deadline` ends all attempts. `max_response_bytes` (16 MiB) is
    how large an answer may be that is looked at, unpacked, and `max_wire_bytes` (32 MiB) as it
    comes; `max_head_bytes` (64 KiB) and `max_headers` (128) are for its head.

    The other arguments are those of `requests.adapters.HTTPAdapter`.
    """

    # What HTTPAdapter pickles, and what this class adds.
    __attrs__ = [*HTTPAdapter.__attrs__, "_enter", "_limits", "_policy", "_provider"]  # noqa: RUF012

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
        attempt_timeout: Optional[float] = None,
        max_response_bytes: int = Limits().max_response_bytes,
        max_wire_bytes: int = Limits().max_wire_bytes,
        max_head_bytes: int = Limits().max_head_bytes,
        max_headers: int = Limits().max_headers,
        **options: Any,
    ) -> None:
        self._limits = Limits(
            max_response_bytes, max_wire_bytes, attempt_timeout, max_head_bytes, max_headers
        )
        super().__init__(**options)
        self._policy = policy
        self._counters = counters if counters is not None else Counters()
        self._quotas = Quotas(
            quota, provider, share_quota, quota_folder, fleet, quota_group, budget
        )
        self._enter = _services.enter(priority, tenant)
        self._provider = _services.known(provider)

    @property
    def counters(self) -> Counters:
        """What the requests of this adapter did: its `stats()` may be read at any time."""
        return self._counters

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._limits = state["_limits"]
        super().__setstate__(state)  # type: ignore[misc]
        # What is shared stays in its process.
        self._counters = Counters()
        self._quotas = Quotas()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Makes the pools, of connections whose reads end when the attempt does."""
        super().init_poolmanager(*args, **options)
        _timed_socket.install(self.poolmanager, self._limits)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The pools behind a proxy, of the same connections."""
        return _timed_socket.install(super().proxy_manager_for(proxy, **options), self._limits)

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        *args: Any,
        **options: Any,
    ) -> requests.Response:
        """Sends a request, again if that may help, and gives the last answer."""
        exchange = self._begin(request, timeout)
        answer, alarm = None, _time.Alarm()
        for wait in exchange.steps(alarm):
            if wait is not None:
                alarm.sleep(wait)
                continue
            answer = None
            exchange.begin()
            try:
                with exchange.inside():
                    answer = self._attempt(exchange, request, timeout, *args, **options)
            except Exception as exception:
                exchange.broke(exception)
            except BaseException:
                exchange.abandon()
                raise
            if exchange.is_handed_on:
                assert answer is not None
                return answer[0]
        return self._finish(exchange, request, answer)

    def _begin(self, request: requests.PreparedRequest, timeout: Any) -> Exchange:
        # A body that is made while it is sent exists once.
        replayable = request.body is None or isinstance(request.body, (bytes, str))
        method = request.method or "GET"
        if method == "POST" and "Idempotency-Key" not in request.headers:
            key = None
            if replayable:
                key = _idempotency.key("POST", request.url or "", request.body or b"")
            request.headers["Idempotency-Key"] = key or f"resayil-{_idempotency.random_id()}"
        url = urlsplit(request.url or "")
        host = url.hostname or ""
        origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
        quota = self._quotas.of(origin, host, request.headers)
        return Exchange(
            f"{method} {host}",
            self._policy,
            self._quotas.budget(quota),
            self._counters,
            method=method,
            host=host,
            provider=self._provider,
            quota=quota,
            replayable=replayable,
            enter=self._enter,
            limits=self._limits._replace(attempt_timeout=self._attempt_timeout(timeout)),
            url=request.url or "",
            headers=request.headers,
            body=request.body,
        )

    def _attempt_timeout(self, timeout: Any) -> float:
        given = self._limits.attempt_timeout
        if given is not None:
            return given
        pair: Any = timeout
        read: Any = pair[1] if isinstance(timeout, tuple) else timeout
        return max(ATTEMPT_TIMEOUT, read) if isinstance(read, (int, float)) else ATTEMPT_TIMEOUT

    def _attempt(
        self,
        exchange: Exchange,
        request: requests.PreparedRequest,
        timeout: Any,
        *args: Any,
        **options: Any,
    ) -> tuple[requests.Response, list[bytes]]:
        left, start = exchange.left(), _native.monotonic_now()
        try:
            with _timed_backend.within(left):
                shorter = _shorter(timeout, left)
                response = super().send(request, True, shorter, *args, **options)
        finally:
            exchange.took(_native.monotonic_now() - start)
        incoming = exchange.head(response.status_code, response.raw.headers)
        response.headers.update(response.raw.headers)
        kept: list[bytes] = []
        rest = None
        reader = Reader(response, exchange, request)
        try:
            while not incoming.is_ready and not incoming.is_over:
                raw = reader.read()
                if not raw:
                    incoming.end()
                    break
                count = incoming.feed(raw)
                kept.append(raw if incoming.watch is None else raw[:count])
            else:
                rest = reader if incoming.is_ready else None
            if incoming.failure is not None:
                raise exception_of(incoming.failure, request)
            if exchange.judge():
                if rest is None and incoming.watch is not None:
                    # What follows the end of the answer is for the connection to be kept.
                    rest = reader
                in_place = exchange.in_place()
                if in_place is not None:
                    body, content_type = in_place
                    response.headers.pop("content-encoding", None)
                    if content_type is not None:
                        response.headers["content-type"] = content_type
                    kept = [body]
                put_back(response, kept, rest)
                exchange.hand_on()
            else:
                hidden = exchange.without_keys()
                if hidden is not None:
                    response.headers.pop("content-encoding", None)
                    kept = [hidden[0]]
                response.close()
        except BaseException:
            response.close()
            raise
        return response, kept

    @staticmethod
    def _finish(
        exchange: Exchange,
        request: requests.PreparedRequest,
        answer: Optional[tuple[requests.Response, list[bytes]]],
    ) -> requests.Response:
        error = exchange.error
        if answer is None or error is None or (error.status is None and error.kind == "network"):
            if answer is None:
                exception = exchange.failure()
                is_ours = type(exception).__module__.startswith("resayil.")
                if error is not None and is_ours:
                    exception = exception_of(error, request)
            else:
                assert error is not None
                exception = exception_of(error, request)
            try:
                raise exception
            finally:
                # The exception's traceback holds this frame: no circle.
                del exception, exchange
        response, kept = answer
        incoming = exchange.incoming
        if incoming is not None and incoming.status < 400:
            # It claims success, and holds an error.
            response.status_code = exchange.status_of(error)
            response.reason = ""
            if incoming.watch is not None:
                # The event as the answer that the service would have given.
                for name in ("content-encoding", "content-length", "transfer-encoding"):
                    response.headers.pop(name, None)
                response.headers["content-type"] = "application/json"
                kept = [error.body]
        put_back(response, kept, None)
        setattr(response, _interop.ATTRIBUTE, error)
        return response


def _shorter(timeout: Any, left: Optional[float]) -> Any:
    """A request's time-outs, of which none is longer than the attempt."""
    given: Any = timeout
    if left is None or not (timeout is None or isinstance(timeout, (int, float, tuple))):
        return timeout
    pair: Any = (timeout, timeout)
    both: Any = given if isinstance(timeout, tuple) else pair
    return tuple(left if each is None else min(each, left) for each in both)
