"""Transports for httpx that try again when that may help.

```python
client = httpx.Client(transport=resayil.httpx.RetryTransport())
```

A request waits for its quota, and is sent again if that may help; one whose body is made while it
is sent is sent once. What is looked at before it is handed on:

- An answer with an error's status: no more than 1 MiB of it is read.
- A success that is JSON, or text in answer to a POST, is read whole: an error in it is one. It
  costs the time to read it once more.
- A stream (server-sent events, NDJSON) until it delivers something: what breaks before is sent
  again. The rest is handed on as it comes, byte for byte; a stream that is cut, or carries an
  error, ends in an exception that is one of ours and of httpx, in place of that event.
- Anything else is handed on at once.

What is raised or returned at the end is what httpx made, with the error in
`response.extensions["resayil_error"]`. An error in a success is handed on with the status that it
stands for, so that `raise_for_status()` and SDKs see it.
"""

from __future__ import annotations

from typing import Any, Optional

import httpx

from . import _network
from ._body import AsyncBody, SyncBody
from ._proxies import AsyncByProxy, SyncByProxy
from ._transport import AsyncRetry, SyncRetry

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class _SyncBody(SyncBody, httpx.SyncByteStream):
    pass


class _AsyncBody(AsyncBody, httpx.AsyncByteStream):
    pass


class RetryTransport(SyncRetry, httpx.BaseTransport):
    """A transport that sends through another one, by default `httpx.HTTPTransport()`
    with the proxy that the environment names.

    `policy` says when requests are sent again; `budget` is the stock of retries that all requests
    of this transport share; `counters` counts them.

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
    """

    _library = httpx
    _body = _SyncBody

    def _default(self) -> Any:
        def make(proxy: Optional[str]) -> Any:
            return _network.install(httpx.HTTPTransport(proxy=proxy), self._limits)

        return SyncByProxy(make)


class AsyncRetryTransport(AsyncRetry, httpx.AsyncBaseTransport):
    """The same for asyncio and trio, by default through `httpx.AsyncHTTPTransport()`."""

    _library = httpx
    _body = _AsyncBody

    def _default(self) -> Any:
        def make(proxy: Optional[str]) -> Any:
            return _network.install(httpx.AsyncHTTPTransport(proxy=proxy), self._limits)

        return AsyncByProxy(make)
