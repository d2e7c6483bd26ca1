"""What is decided, as events of the logger `resayil`."""

from __future__ import annotations

import sys
from typing import Any, Optional

from . import _native

_logger: Any = None


def logger() -> Any:
    """The logger `resayil`; None where no part of the program logs."""
    global _logger
    if _logger is None:
        logging = sys.modules.get("logging")
        # The last that is there while another thread imports it.
        null_handler = getattr(logging, "NullHandler", None)
        if logging is None or null_handler is None:
            # Nobody has set up anything that would hear of it.
            return None
        found = logging.getLogger("resayil")
        # Applications that set up no logging see nothing.
        found.addHandler(null_handler())
        _logger = found
    return _logger


# By the names that the native half gives them; the numbers are those of `logging`.
_LEVELS = {"debug": 10, "info": 20, "warn": 30}


def is_on() -> bool:
    """Whether anybody may hear of an event."""
    found = logger()
    return found is not None and bool(found.isEnabledFor(30))


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
    to = logger()
    level = _LEVELS.get(level_name, 30)
    if to is None or not to.isEnabledFor(level):
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
    path, line, function, _ = to.findCaller(stacklevel=2)
    record = to.makeRecord(to.name, level, path, line, "%s: %s", (callable, text), None, function)
    for name, value in fields.items():
        # Not by `extra`, which raises where an application's own records have such a name: theirs
        # stays, and no call fails for its log.
        record.__dict__.setdefault(name, value)
    to.handle(record)
