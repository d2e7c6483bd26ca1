"""A policy of this package for OpenAI's Agents SDK.

```python
settings = agents.ModelSettings(
    retry=agents.ModelRetrySettings(max_retries=4, policy=resayil.agents.retry_policy())
)
```
"""

from __future__ import annotations

from typing import Callable

from agents.retry import RetryDecision, RetryPolicyContext

from . import _interop, _time
from ._native import RetryPolicy
from ._policy import DEFAULT_POLICY

__all__ = ["retry_policy"]


def retry_policy(
    policy: RetryPolicy = DEFAULT_POLICY,
) -> Callable[[RetryPolicyContext], RetryDecision]:
    """What `ModelRetrySettings(policy=...)` takes: whether to retry, after what wait, and why.

    Attempts are bounded by both `max_retries` there and `max_attempts` here. When the run began is
    not told there, so a `deadline` counts from the last failure.
    """

    def decide(context: RetryPolicyContext) -> RetryDecision:
        error = _interop.read_error(context.error)
        if error is None:
            return RetryDecision(retry=False, reason="not an error of an API")
        now = _time.now()
        call = policy.start(now)
        decision = call.on_error(error, now)
        for _ in range(context.attempt - 1):
            # As often as it has failed: the back-off grows, and ends.
            if not decision.retry:
                break
            decision = call.on_error(error, now)
        return RetryDecision(retry=decision.retry, delay=decision.delay, reason=decision.reason)

    return decide
