"""From arguments to the JSON of a request; what cannot be meant is refused before it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Optional

from ._chat_params import ChatParams, EmbeddingParams, QuotaParams
from ._kinds import is_iterable, is_list, is_mapping
from ._objects import Object

_CHAT = frozenset(ChatParams.__annotations__)
_EMBEDDING = frozenset(EmbeddingParams.__annotations__)
_QUOTA = frozenset(QuotaParams.__annotations__)


def chat(
    model: str,
    messages: object,
    params: Mapping[str, Any],
    extra_body: Optional[Mapping[str, Any]],
) -> tuple[str, str]:
    """The request for a chat completion, and the model that it names."""
    _check_model(model)
    body: dict[str, Any] = {"model": model, "messages": _messages(messages)}
    if params:
        body.update(_fields("chat.completions.create", params, _CHAT))
    if extra_body:
        body.update(extra_body)
        # The method decides.
        body.pop("stream", None)
        model = body["model"]
        _check_model(model)
    return dumps(body), model


def embedding(
    model: object,
    input: object,
    params: Mapping[str, Any],
    extra_body: Optional[Mapping[str, Any]],
) -> str:
    """The request for embeddings."""
    _check_model(model)
    if not isinstance(input, str):
        if isinstance(input, bytes) or is_mapping(input) or not is_iterable(input):
            raise TypeError(
                f"input has to be a text or a list of texts or tokens, not {_type(input)}"
            )
        input = list(input)
    fields = _fields("embeddings.create", params, _EMBEDDING)
    return dumps({"model": model, "input": input, **fields, **(extra_body or {})})


def dumps(value: object) -> str:
    """JSON, of anything that stands for JSON."""
    return _ENCODER.encode(value)


def unknown_argument(function: str, name: str, known: Iterable[str], more: str = "") -> TypeError:
    """The error for an argument that a function does not have."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return TypeError(f"{function}() got an unexpected keyword argument {name!r}{hint}{more}")


def _fields(function: str, params: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    for name in params:
        if name not in known:
            more = " (a field of the service's own goes into extra_body={...})"
            raise unknown_argument(function, name, known, more)
    # Iterators may be given where JSON has lists.
    return {
        name: list(value) if name in ("tools", "functions") else value
        for name, value in params.items()
        if value is not None and name not in _QUOTA
    }


def of_quota(params: Mapping[str, Any]) -> dict[str, Any]:
    """What of these says how the call stands in the quota's line."""
    return {name: params[name] for name in _QUOTA if params.get(name) is not None}


def _check_model(model: object) -> None:
    if not isinstance(model, str):
        raise TypeError(f"model has to be the name of a model, not {_type(model)}")


def _messages(messages: object) -> list[object]:
    shape = '[{"role": "user", "content": "..."}]'
    # A list is known at once.
    is_one = not is_list(messages) and (
        isinstance(messages, (str, bytes, Object)) or is_mapping(messages)
    )
    if is_one or not is_iterable(messages):
        raise TypeError(
            f"messages has to be a list of messages such as {shape}, not {_type(messages)}"
        )
    listed: list[object] = list(messages)
    for index, message in enumerate(listed):
        is_message = is_mapping(message) or isinstance(message, Object)
        if not is_message and not hasattr(message, "model_dump"):
            raise TypeError(
                f"messages[{index}] has to be a message such as {shape[1:-1]}, not {_type(message)}"
            )
    return listed


def _type(value: object) -> str:
    return "None" if value is None else type(value).__name__


def _plain(value: object) -> Any:
    given = value
    if isinstance(value, Object):
        return value.to_dict()
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        try:
            # What Pydantic's models leave out is left out.
            return dump(exclude_unset=True)
        except TypeError:
            return dump()
    if is_mapping(value):
        return dict(value)
    if isinstance(value, (tuple, set, frozenset)) and is_iterable(given):
        return list(given)
    raise TypeError(f"a request cannot hold a value of the type {_type(given)}")


# One for all: `json.dumps` makes an encoder each time.
_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False)
