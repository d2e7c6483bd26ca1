"""Answers as objects, with the attributes that OpenAI's SDK has."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any, ClassVar, Optional


class Object:
    """A JSON object whose members are attributes.

    A member that the answer leaves out is None if the class names it, else an AttributeError.
    """

    __slots__ = ("_data",)

    #: The members that are objects, or lists of objects, of another class.
    _nested: ClassVar[dict[str, type[Object]]] = {}

    #: The members that the class names.
    _known: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls._known = cls._known | frozenset(cls.__annotations__)

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_data":
            raise AttributeError(name)
        if name in self._data:
            return _wrap(self._data[name], self._nested.get(name))
        if name in self._known:
            return None
        raise AttributeError(f"{type(self).__name__} has no {name!r}")

    def model_dump(self) -> dict[str, Any]:
        """A copy of the whole object as plain data."""
        return copy.deepcopy(self._data)

    def model_dump_json(self) -> str:
        """The whole object as JSON."""
        return json.dumps(self._data, ensure_ascii=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Object):
            return NotImplemented
        return type(self) is type(other) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in self._data.items())
        return f"{type(self).__name__}({members})"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._data})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data,)


def _wrap(value: Any, cls: Optional[type[Object]]) -> Any:
    if isinstance(value, dict):
        return (cls or Object)(value)
    if isinstance(value, list):
        return [_wrap(item, cls) for item in value]
    # The service sends [] where an empty object is meant.
    return value


class CompletionUsage(Object):
    """What an answer cost, in tokens."""

    __slots__ = ()
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletionMessage(Object):
    """The model's message."""

    __slots__ = ()
    role: str
    content: Optional[str]
    tool_calls: Optional[list[Any]]


class Choice(Object):
    """One of the answers that the model gave."""

    __slots__ = ()
    _nested: ClassVar = {"message": ChatCompletionMessage}
    index: int
    finish_reason: Optional[str]
    message: ChatCompletionMessage


class ChatCompletion(Object):
    """A whole answer."""

    __slots__ = ("attempts", "fallback", "request_id")
    _nested: ClassVar = {"choices": Choice, "usage": CompletionUsage}
    id: str
    object: str
    created: int
    model: str
    choices: list[Choice]
    usage: Optional[CompletionUsage]

    attempts: int
    """How many requests were sent for this call."""
    request_id: Optional[str]
    """The provider's id of the request."""
    fallback: Optional[int]
    """The index of the fallback's target that answered; None for the one that was asked first."""

    def __init__(
        self,
        data: dict[str, Any],
        attempts: int = 0,
        request_id: Optional[str] = None,
        fallback: Optional[int] = None,
    ) -> None:
        super().__init__(data)
        self.attempts = attempts
        self.request_id = request_id
        self.fallback = fallback

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data, self.attempts, self.request_id, self.fallback)


class ChoiceDelta(Object):
    """What an event adds to the model's message."""

    __slots__ = ()
    role: Optional[str]
    content: Optional[str]
    tool_calls: Optional[list[Any]]


class ChunkChoice(Object):
    """One of the answers, as far as an event adds to it."""

    __slots__ = ()
    index: int
    finish_reason: Optional[str]

    @property
    def delta(self) -> ChoiceDelta:
        """What this event adds."""
        # Some servers send [] for an empty object, or the whole message at once.
        delta = self._data.get("delta") or self._data.get("message")
        return ChoiceDelta(delta if isinstance(delta, dict) else {})


class ChatCompletionChunk(Object):
    """An event of a streamed answer."""

    __slots__ = ()
    _nested: ClassVar = {"choices": ChunkChoice, "usage": CompletionUsage}
    id: str
    object: str
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Optional[CompletionUsage]


class Model(Object):
    """A model that the key may use."""

    __slots__ = ()
    id: str
    object: Optional[str]
    created: Optional[int]
    owned_by: Optional[str]


class ModelList(Object):
    """The models that the key may use; iterating gives each."""

    __slots__ = ()
    _nested: ClassVar = {"data": Model}
    object: str
    data: list[Model]

    def __iter__(self) -> Iterator[Model]:
        return iter(self.data)


class Balance(Object):
    """The account's subscription and credits."""

    __slots__ = ()
    tier: Optional[str]
    status: Optional[str]
    expires_at: Optional[str]
    credits: Optional[float]
