"""A policy of this package for programs that retry with tenacity.

```python
@tenacity.retry(
    retry=resayil.tenacity.retry_by_policy(),
    wait=resayil.tenacity.wait_by_policy(),
    reraise=True,
)
def ask(): ...
```

`retry_by_policy` says whether to try again, and so ends the call, too: tenacity needs no `stop`.
`wait_by_policy` waits for what the server asks for, or backs off. Both of one call decide once.
"""

from __future__ import annotations

from typing import Any, Optional

import tenacity
from tenacity.retry import retry_base
from tenacity.wait import wait_base

from . import _interop, _time
from ._native import Call, Decision, RetryPolicy
from ._policy import DEFAULT_POLICY

__all__ = ["retry_by_policy", "wait_by_policy"]

#: Where a call of tenacity's keeps what was decided.
_PLACE = "_resayil"


class retry_by_policy(retry_base):
    """Retries what another try may mend, as often as the policy allows."""

    def __init__(self, policy: RetryPolicy = DEFAULT_POLICY) -> None:
        self._policy = policy

    def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
        """Whether to try again."""
        decision = _decide(self._policy, retry_state)
        return decision is not None and decision.retry


class wait_by_policy(wait_base):
    """Waits as the server asks, or the policy says."""

    def __init__(self, policy: RetryPolicy = DEFAULT_POLICY) -> None:
        self._policy = policy

    def __call__(self, retry_state: tenacity.RetryCallState) -> float:
        """How long to wait, in seconds."""
        decision = _decide(self._policy, retry_state)
        return (decision.delay if decision is not None else None) or 0.0


class _Kept:
    """What is kept of one call."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.attempt = 0
        self.decision: Optional[Decision] = None


def _decide(policy: RetryPolicy, state: tenacity.RetryCallState) -> Optional[Decision]:
    """The decision on this attempt; None if it has succeeded, or is not about an API."""
    outcome = state.outcome
    exception = outcome.exception() if outcome is not None and outcome.failed else None
    error = _interop.read_error(exception)
    if error is None:
        return None
    kept: Any = getattr(state, _PLACE, None)
    if kept is None:
        # tenacity tells when the call began by a clock of its own.
        kept = _Kept(policy.start(_time.now()))
        setattr(state, _PLACE, kept)
    if kept.attempt != state.attempt_number:
        kept.attempt = state.attempt_number
        kept.decision = kept.call.on_error(error, _time.now())
    decision: Optional[Decision] = kept.decision
    return decision
