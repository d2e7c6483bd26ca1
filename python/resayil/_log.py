"""What is decided, as events of the logger `resayil`."""

from __future__ import annotations

import logging
from typing import Optional

from . import _native

logger = logging.getLogger("resayil")

# By the names that the native half gives them.
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warn": logging.WARNING}


def emit(
    callable: str,
    action: str,
    reason: str,
    attempt: int,
    delay: Optional[float],
    error: Optional[_native.Error],
    text: str,
    level_name: str,
) -> None:
    """Logs one decision, with its attributes on the record; docs/observability.md lists them."""
    level = _LEVELS.get(level_name, logging.WARNING)
    if not logger.isEnabledFor(level):
        return
    fields: dict[str, object] = {
        "callable": callable,
        "action": action,
        "kind": error.kind if error else None,
        "status": error.status if error else None,
        "code": error.code if error else None,
        "request_id": error.request_id if error else None,
        "attempt": attempt,
        "delay": delay,
        "reason": reason,
    }
    if error is not None:
        # The same under the names of OpenTelemetry's conventions.
        fields["error.type"] = error.kind
        if error.status is not None:
            fields["http.response.status_code"] = error.status
        if attempt > 1:
            fields["http.request.resend_count"] = attempt - 1
    path, line, function, _ = logger.findCaller(stacklevel=2)
    record = logger.makeRecord(
        logger.name, level, path, line, "%s: %s", (callable, text), None, function
    )
    for name, value in fields.items():
        # Not by `extra`, which raises where an application's own records have such a name: theirs
        # stays, and no call fails for its log.
        record.__dict__.setdefault(name, value)
    logger.handle(record)
