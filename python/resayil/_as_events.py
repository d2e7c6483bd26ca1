"""An answer in one piece, where a stream was asked for, as the stream that it stands for.

A service, or a gateway in front of it, may not stream; who reads events would find none, and lose
the answer without a word.
"""

from __future__ import annotations

import json
import re
from typing import Any, Optional

from ._kinds import is_dict, is_list

#: Not inside of a string, where the quotes have backslashes.
_ASKS = re.compile(rb'"stream"\s*:\s*true')


def asks_for_stream(request: object) -> bool:
    """Whether the body of a request asks for a stream, as OpenAI's API and its kin have it."""
    if not isinstance(request, bytes) or not _ASKS.search(request):
        return False
    try:
        body = json.loads(request)
    except (ValueError, RecursionError):
        return False
    return is_dict(body) and body.get("stream") is True


def as_events(answer: bytes) -> Optional[bytes]:
    """The events of a completion in the form of OpenAI's API; None if it is something else."""
    try:
        whole = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    choices = whole.get("choices") if is_dict(whole) else None
    if not is_list(choices) or not choices or not all(is_dict(choice) for choice in choices):
        return None
    chunk = {**whole, "choices": [_delta(choice) for choice in choices]}
    if whole.get("object") in (None, "chat.completion"):
        chunk["object"] = "chat.completion.chunk"
    return f"data: {json.dumps(chunk, ensure_ascii=False)}\n\ndata: [DONE]\n\n".encode()


def _delta(choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message")
    if not is_dict(message):
        # The older API: the text is where it is in a stream, too.
        return choice
    delta: dict[str, Any] = {**message}
    calls = message.get("tool_calls")
    if is_list(calls):
        delta["tool_calls"] = [
            {"index": index, **call} if is_dict(call) else call for index, call in enumerate(calls)
        ]
    rest = {name: value for name, value in choice.items() if name != "message"}
    return {"finish_reason": None, **rest, "delta": delta}
