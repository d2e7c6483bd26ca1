"""A policy by its own options, wherever one is taken."""

from __future__ import annotations

from typing import Any, Optional

from ._native import RetryPolicy

DEFAULT_POLICY = RetryPolicy()


def resolve(
    policy: Optional[RetryPolicy],
    max_attempts: Optional[int] = None,
    deadline: Optional[float] = None,
    base_delay: Optional[float] = None,
    max_delay: Optional[float] = None,
    max_hint: Optional[float] = None,
) -> RetryPolicy:
    """The policy, by default the default one, with these options changed."""
    if policy is not None and not isinstance(policy, RetryPolicy):
        raise TypeError(f"policy has to be a RetryPolicy, not {type(policy).__name__}")
    changes: dict[str, Any] = {
        "max_attempts": max_attempts,
        "deadline": deadline,
        "base_delay": base_delay,
        "max_delay": max_delay,
        "max_hint": max_hint,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    chosen = DEFAULT_POLICY if policy is None else policy
    return chosen.replace(**given) if given else chosen
