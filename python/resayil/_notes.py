"""The history of a call, as notes on its exception."""

from __future__ import annotations

from typing import NamedTuple, Optional

from . import _native

#: No more lines than this, the last ones, are kept of one call.
_MAX_LINES = 20


class RetryEvent(NamedTuple):
    """What was decided in a call, as hooks are told it."""

    name: str
    """What is called: the function's name, or the method and host."""
    action: str
    """`retry`, `stop`, `wait` and others; see docs/observability.md."""
    reason: Optional[str]
    """Which rule decided."""
    attempt: int
    """How many requests were sent."""
    delay: Optional[float]
    """Seconds to wait, if any."""
    error: Optional[_native.Error]
    """What is known of the failure."""
    text: str
    """All of it in one line, without secrets."""


def add(exception: BaseException, lines: list[str]) -> None:
    """Adds the lines as one note, which a traceback shows (from Python 3.11 on)."""
    if not lines:
        return
    kept = lines[-_MAX_LINES:]
    if len(kept) < len(lines):
        kept.insert(0, f"({len(lines) - len(kept)} more)")
    note = "resayil:\n" + "\n".join(f"  {line}" for line in kept)
    try:
        notes = exception.__dict__.setdefault("__notes__", [])
        # Of an outer layer that tells the same call, the last one counts.
        notes[:] = [text for text in notes if not str(text).startswith("resayil:\n")]
        notes.append(note)
    except Exception:
        # Some classes allow no further attributes.
        return
