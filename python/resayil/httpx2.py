"""Transports for httpx2 that try again when that may help.

OpenAI's SDK sends through httpx2 from its version 3 on:

```python
client = openai.OpenAI(
    max_retries=0, http_client=openai.DefaultHttpxClient(transport=resayil.httpx2.RetryTransport())
)
```

An answer is read, and tried again, only if its status is an error's; a request whose body is made
while it is sent is sent once. What is raised or returned at the end is what httpx2 made, with the
error in `response.extensions["resayil_error"]`. Streams that break off, and quotas, are not handled
here yet: see `resayil.Client`.
"""

from __future__ import annotations

from typing import Any

import httpx2

from ._transport import AsyncRetry, SyncRetry

__all__ = ["AsyncRetryTransport", "RetryTransport"]


class RetryTransport(SyncRetry, httpx2.BaseTransport):
    """A transport that sends through another one, by default `httpx2.HTTPTransport()`.

    `policy` says when requests are sent again; `budget` is the stock of retries that all requests
    of this transport share; `counters` counts them.
    """

    def _default(self) -> Any:
        return httpx2.HTTPTransport()


class AsyncRetryTransport(AsyncRetry, httpx2.AsyncBaseTransport):
    """The same for asyncio and trio, by default through `httpx2.AsyncHTTPTransport()`."""

    def _default(self) -> Any:
        return httpx2.AsyncHTTPTransport()
