"""Answers as objects, with the attributes that OpenAI's SDK has."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Optional

from ._kinds import is_dict


class Object:
    """A JSON object whose members are attributes, and items as of a dict.

    A member that the answer leaves out is None if the API's schema has it, else an AttributeError
    or a KeyError. `dict(answer)`, `name in answer` and iteration have what came.
    """

    __slots__ = ("_data",)

    #: The members that are objects, or lists of objects, of another class.
    _nested: ClassVar[dict[str, type[Object]]] = {}

    #: The members that the API's schema has, in its order.
    _known: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # What is no member of the answer is a slot.
        slots: tuple[str, ...] = cls.__dict__.get("__slots__", ())
        own = [name for name in cls.__annotations__ if name[0] != "_" and name not in slots]
        cls._known = tuple(dict.fromkeys((*cls._known, *own)))
        for name in own:
            # Quicker than a failed look-up and `__getattr__`.
            setattr(cls, name, property(_reader(name, cls._nested.get(name))))

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_data":
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no {name!r}") from None

    def __getitem__(self, name: str) -> Any:
        data = self._data
        if name in data:
            return _wrap(data[name], self._nested.get(name))
        if name in self._known:
            return None
        raise KeyError(name)

    def get(self, name: str, default: Any = None) -> Any:
        """The member of this name; `default` if it is absent or null."""
        value = self._data.get(name)
        return default if value is None else _wrap(value, self._nested.get(name))

    def keys(self) -> list[str]:
        """The names of the members that came."""
        return list(self._data)

    def __contains__(self, name: object) -> bool:
        return name in self._data

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def to_dict(self) -> dict[str, Any]:
        """A copy of what came, as plain data."""
        return copy.deepcopy(self._data)

    def to_json(self, indent: Optional[int] = None) -> str:
        """What came, as JSON."""
        return json.dumps(self._data, ensure_ascii=False, indent=indent)

    def model_dump(
        self, *, exclude_none: bool = False, exclude_unset: bool = False
    ) -> dict[str, Any]:
        """A copy as plain data, as Pydantic's models give it.

        Members of the API's schema that the answer leaves out are None. `exclude_none` leaves out
        all that are None, `exclude_unset` those that did not come.
        """
        names = list(self._data)
        if not exclude_unset:
            names += [name for name in self._known if name not in self._data]
        dumped = {name: _dump(self[name], exclude_none, exclude_unset) for name in names}
        if exclude_none:
            return {name: value for name, value in dumped.items() if value is not None}
        return dumped

    def model_dump_json(
        self,
        *,
        indent: Optional[int] = None,
        exclude_none: bool = False,
        exclude_unset: bool = False,
    ) -> str:
        """The same as JSON."""
        dumped = self.model_dump(exclude_none=exclude_none, exclude_unset=exclude_unset)
        return json.dumps(dumped, ensure_ascii=False, indent=indent)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Object):
            return NotImplemented
        return type(self) is type(other) and self._data == other._data

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        members = ", ".join(f"{name}={value!r}" for name, value in self._data.items())
        return f"{type(self).__name__}({members})"

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._known, *self._data})

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data,)


def _reader(name: str, cls: Optional[type[Object]]) -> Callable[[Object], Any]:
    """What reads a member of the API's schema."""

    def read(answer: Object) -> Any:
        return _wrap(answer._data.get(name), cls)

    return read


def _wrap(value: Any, cls: Optional[type[Object]]) -> Any:
    given: Any = value
    if isinstance(value, dict):
        return (cls or Object)(given)
    if isinstance(value, list):
        return [_wrap(item, cls) for item in given]
    # The service sends [] where an empty object is meant.
    return value


def _dump(value: Any, exclude_none: bool, exclude_unset: bool) -> Any:
    if isinstance(value, Object):
        return value.model_dump(exclude_none=exclude_none, exclude_unset=exclude_unset)
    given: Any = value
    if isinstance(value, list):
        return [_dump(item, exclude_none, exclude_unset) for item in given]
    return copy.deepcopy(value)


class PromptTokensDetails(Object):
    """What the prompt's tokens were."""

    __slots__ = ()
    audio_tokens: Optional[int]
    cached_tokens: Optional[int]


class CompletionTokensDetails(Object):
    """What the answer's tokens were."""

    __slots__ = ()
    accepted_prediction_tokens: Optional[int]
    audio_tokens: Optional[int]
    reasoning_tokens: Optional[int]
    rejected_prediction_tokens: Optional[int]


class CompletionUsage(Object):
    """What an answer cost, in tokens."""

    __slots__ = ()
    _nested: ClassVar = {
        "prompt_tokens_details": PromptTokensDetails,
        "completion_tokens_details": CompletionTokensDetails,
    }
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Optional[PromptTokensDetails]
    completion_tokens_details: Optional[CompletionTokensDetails]


class Function(Object):
    """The function that the model calls; `arguments` is JSON, as the model wrote it."""

    __slots__ = ()
    name: str
    arguments: str


class ChatCompletionMessageToolCall(Object):
    """A call of a tool that the model asks for."""

    __slots__ = ()
    _nested: ClassVar = {"function": Function}
    id: str
    type: str
    function: Function


class ChatCompletionMessage(Object):
    """The model's message."""

    __slots__ = ()
    _nested: ClassVar = {"tool_calls": ChatCompletionMessageToolCall, "function_call": Function}
    role: str
    content: Optional[str]
    refusal: Optional[str]
    tool_calls: Optional[list[ChatCompletionMessageToolCall]]
    function_call: Optional[Function]
    annotations: Optional[list[Any]]
    audio: Optional[Any]


class Choice(Object):
    """One of the answers that the model gave."""

    __slots__ = ()
    _nested: ClassVar = {"message": ChatCompletionMessage}
    index: int
    finish_reason: Optional[str]
    message: ChatCompletionMessage
    logprobs: Optional[Any]


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
    service_tier: Optional[str]
    system_fingerprint: Optional[str]

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
        self._data = data
        self.attempts = attempts
        self.request_id = request_id
        self.fallback = fallback

    @property
    def _request_id(self) -> Optional[str]:
        # The name that OpenAI's SDK has.
        return self.request_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data, self.attempts, self.request_id, self.fallback)


class ChoiceDeltaToolCall(Object):
    """What an event adds to the call of a tool."""

    __slots__ = ()
    _nested: ClassVar = {"function": Function}
    index: int
    id: Optional[str]
    type: Optional[str]
    function: Optional[Function]


class ChoiceDelta(Object):
    """What an event adds to the model's message."""

    __slots__ = ()
    _nested: ClassVar = {"tool_calls": ChoiceDeltaToolCall, "function_call": Function}
    role: Optional[str]
    content: Optional[str]
    refusal: Optional[str]
    tool_calls: Optional[list[ChoiceDeltaToolCall]]
    function_call: Optional[Function]


class ChunkChoice(Object):
    """One of the answers, as far as an event adds to it."""

    __slots__ = ()
    index: int
    finish_reason: Optional[str]
    logprobs: Optional[Any]

    @property
    def delta(self) -> ChoiceDelta:
        """What this event adds."""
        # Some servers send [] for an empty object, or the whole message at once.
        delta = self._data.get("delta") or self._data.get("message")
        return ChoiceDelta(delta if is_dict(delta) else {})

    def __getitem__(self, name: str) -> Any:
        return self.delta if name == "delta" else super().__getitem__(name)


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
    service_tier: Optional[str]
    system_fingerprint: Optional[str]


class Embedding(Object):
    """The vector of one input."""

    __slots__ = ()
    embedding: list[float]
    index: int
    object: str


class EmbeddingUsage(Object):
    """What embeddings cost, in tokens."""

    __slots__ = ()
    prompt_tokens: int
    total_tokens: int


class CreateEmbeddingResponse(Object):
    """The vectors of all inputs."""

    __slots__ = ()
    _nested: ClassVar = {"data": Embedding, "usage": EmbeddingUsage}
    data: list[Embedding]
    model: str
    object: str
    usage: Optional[EmbeddingUsage]


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
