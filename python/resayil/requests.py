"""An adapter for requests that tries again when that may help.

```python
session = requests.Session()
session.mount("https://", resayil.requests.RetryAdapter())
```

An answer is read, and tried again, only if its status is an error's; a request whose body is made
while it is sent is sent once. What is raised or returned at the end is what requests made, with the
error in `response.resayil_error`. Streams that break off, and quotas, are not handled here yet: see
`resayil.Client`.
"""

from __future__ import annotations

import uuid
from typing import Any, Optional

import requests
from requests.adapters import HTTPAdapter

from . import _idempotency, _interop, _time
from ._native import Budget, Counters, RetryPolicy
from ._operation import Operation
from ._policy import DEFAULT_POLICY

__all__ = ["RetryAdapter"]


class RetryAdapter(HTTPAdapter):
    """An adapter that sends requests again.

    `policy` says when; `budget` is the stock of retries that all requests of this adapter share;
    `counters` counts them.
    The other arguments are those of `requests.adapters.HTTPAdapter`.
    """

    # What HTTPAdapter pickles, and what this class adds.
    __attrs__ = [*HTTPAdapter.__attrs__, "_policy"]  # noqa: RUF012

    def __init__(
        self,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
        budget: Optional[Budget] = None,
        counters: Optional[Counters] = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._policy = policy
        self._budget = budget if budget is not None else Budget()
        self._counters = counters if counters is not None else Counters()

    @property
    def counters(self) -> Counters:
        """What the requests of this adapter did: its `stats()` may be read at any time."""
        return self._counters

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[misc]
        self._budget = Budget()
        self._counters = Counters()

    def send(
        self, request: requests.PreparedRequest, *args: Any, **options: Any
    ) -> requests.Response:
        """Sends a request, again if that may help, and gives the last answer."""
        if request.method == "POST" and "Idempotency-Key" not in request.headers:
            body = request.body
            key = None
            if body is None or isinstance(body, (bytes, str)):
                key = _idempotency.key("POST", request.url or "", body or b"")
            request.headers["Idempotency-Key"] = key or f"resayil-{uuid.uuid4().hex}"
        # A body that is made while it is sent exists once.
        replayable = request.body is None or isinstance(request.body, (bytes, str))
        name = f"{request.method} request"
        operation = Operation(name, self._policy, self._budget, self._counters)
        response = None
        for wait in operation.steps():
            if wait is not None:
                _time.sleep(wait)
                continue
            response = None
            try:
                response = super().send(request, *args, **options)
                if response.status_code < 400:
                    operation.succeeded()
                    return response
                content = response.content
            except Exception as exception:
                response = None
                operation.raised(exception, _interop.read_error(exception), not replayable)
                continue
            operation.answered(response.status_code, response.headers, content, not replayable)
            if not operation.is_over:
                response.close()
        if response is None:
            try:
                raise operation.failure()
            finally:
                # The exception's traceback holds this frame: no circle.
                del operation
        setattr(response, _interop.ATTRIBUTE, operation.error)
        return response
