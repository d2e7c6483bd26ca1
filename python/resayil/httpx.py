"""Transports for httpx that try again when that may help.

```python
client = httpx.Client(transport=resayil.httpx.RetryTransport())
```

An answer is read, and tried again, only if its status is an error's; a request whose body is made
while it is sent is sent once. What is raised or returned at the end is what httpx made, with the
error in `response.extensions["resayil_error"]`. Streams that break off, and quotas, are not handled
here yet: see `resayil.Client`.
"""

from __future__ import annotations

from typing import Any

import httpx

from ._transport import AsyncRetry, SyncRetry

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class RetryTransport(SyncRetry, httpx.BaseTransport):
    """A transport that sends through another one, by default `httpx.HTTPTransport()`.

    `policy` says when requests are sent again; `budget` is the stock of retries that all requests
    of this transport share; `counters` counts them.
    """

    def _default(self) -> Any:
        return httpx.HTTPTransport()


class AsyncRetryTransport(AsyncRetry, httpx.AsyncBaseTransport):
    """The same for asyncio and trio, by default through `httpx.AsyncHTTPTransport()`."""

    def _default(self) -> Any:
        return httpx.AsyncHTTPTransport()
