"""A quota of this package for LangChain's chat models.

```python
quota = resayil.Quota(limit=20)
model = ChatOpenAI(rate_limiter=resayil.langchain.QuotaRateLimiter(quota), max_retries=0)
```

LangChain asks before a request, and never tells what came of it; so the limit has to be given.
"""

from __future__ import annotations

from typing import Optional

from langchain_core.rate_limiters import BaseRateLimiter

from ._exceptions import DeadlineExceededError
from ._quota import Quota

__all__ = ["QuotaRateLimiter"]


class QuotaRateLimiter(BaseRateLimiter):
    """Waits for a place in a quota, in the order of arrival.

    `timeout` is how long one request may wait, in seconds: DeadlineExceededError at once, if it
    would be longer.
    """

    def __init__(self, quota: Quota, *, timeout: Optional[float] = None) -> None:
        self._quota = quota
        self._timeout = timeout

    def acquire(self, *, blocking: bool = True) -> bool:
        """Waits for a place; says whether there is one. Without `blocking` it does not wait."""
        try:
            ticket = self._quota.acquire(self._timeout if blocking else 0.0)
        except DeadlineExceededError:
            if blocking:
                raise
            return False
        # Nobody will tell of the answer: the request counts.
        ticket.cancel()
        return True

    async def aacquire(self, *, blocking: bool = True) -> bool:
        """The same, awaited."""
        try:
            ticket = await self._quota.acquire_async(self._timeout if blocking else 0.0)
        except DeadlineExceededError:
            if blocking:
                raise
            return False
        ticket.cancel()
        return True
