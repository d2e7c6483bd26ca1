"""The HTTP client, with the names of OpenAI's."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Optional, Union, overload

from . import _idempotency, _log, _native
from ._metrics import Metric
from ._native import Budget, Fallback, FallbackTarget, QuotaState, RetryPolicy
from ._objects import Balance, ChatCompletion, ChatCompletionChunk, Model, ModelList, Object
from ._quota import Quota
from ._retry import DEFAULT_POLICY


def _observe(
    action: str,
    reason: str,
    attempt: int,
    delay: Optional[float],
    error: Optional[_native.Error],
    text: str,
) -> None:
    """Logs a decision of the native client."""
    _log.emit("Client", action, reason, attempt, delay, error, text)


#: Says of an answer whether to treat it as a failure all the same.
Predicate = Callable[[ChatCompletion], object]


class Client:
    """A client of LLM Resayil, and of all services that are compatible with OpenAI's API.

    It waits for the quota before it sends, so that nothing is refused; tries again only where that
    can help; and raises exceptions that say what went wrong. Calls block, and Ctrl-C ends them.
    Any number of threads may use one client.

    `api_key`: default the environment variable `RESAYIL_API_KEY`. `base_url`: default
    `RESAYIL_BASE_URL`, else `https://llmapi.resayil.io/v1`; plain http for this machine alone,
    unless `allow_http`. `policy` says when calls are tried again; `budget` is their shared stock of
    retries. `quota`: by default one of its own that learns the limit; a `Quota` to share it or to
    tell the limit; None to send at once. `provider`: by default known by the host, else recognised
    by each answer.

    `share_quota`: one quota for all processes of this host that do so, too, with the same origin,
    key and window, in whatever language. A `quota` then only tells limit and window: what is
    counted is in a file in `quota_folder`, by default a folder of the user's own for temporary
    files. Linux only; where it cannot be done, the client has its own quota and logs a warning.

    Time-outs in seconds: `connect_timeout`; `attempt_timeout` for one attempt (30 s or more, the
    service asks); `idle_timeout` for silence within a stream. The total is the policy's `deadline`.
    `max_response_bytes` is the largest answer that is read.

    `retry_if_result` says of an answer that came well whether to treat it as a failure all the
    same: `lambda answer: not answer.choices[0].message.content` retries empty ones. An answer that
    is rejected to the last raises ResponseError, with `rejected` set and the answer in `body`. It
    is called in a thread of its own, and not for streams: what was delivered cannot be taken back.

    `fallback`: other models or services that take over what this one does not serve: a `Fallback`,
    or a list of models and `FallbackTarget`s with its defaults. By default none. Quota and budget
    are per origin and key. Each change of target is logged with the reason `fallback`; the answer's
    `fallback` is the index of the target that served it. If all fail, the last target's error is
    raised, with the attempts of all.

    `max_concurrency`: how many requests may be in flight at once, streams to their end, from 1 to
    100,000; further calls wait in order, up to their deadline. By default there is no limit. With
    `adaptive_concurrency` it is the ceiling of a limit that starts at 20 or less, grows while all
    goes well and shrinks when the service is overloaded or does not answer in time.
    `stats()["concurrency"]` tells how it stands.

    Raises ConfigurationError for a missing key, and for a key, address or option of bad form.
    """

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        *,
        policy: RetryPolicy = DEFAULT_POLICY,
        quota: Union[Quota, Literal["auto"], None] = "auto",
        share_quota: bool = False,
        quota_folder: Union[str, os.PathLike[str], None] = None,
        budget: Optional[Budget] = None,
        provider: Optional[str] = None,
        connect_timeout: float = 10.0,
        attempt_timeout: float = 120.0,
        idle_timeout: float = 60.0,
        max_response_bytes: int = 16 * 1024 * 1024,
        allow_http: bool = False,
        user_agent: Optional[str] = None,
        retry_if_result: Optional[Predicate] = None,
        fallback: Union[Fallback, Sequence[Union[str, FallbackTarget]], None] = None,
        max_concurrency: Optional[int] = None,
        adaptive_concurrency: bool = False,
    ) -> None:
        if adaptive_concurrency and max_concurrency is None:
            raise TypeError("adaptive_concurrency needs a max_concurrency")
        if fallback is not None and not isinstance(fallback, Fallback):
            fallback = Fallback(fallback)
        self._retry_if_result = retry_if_result
        self._options: dict[str, Any] = {
            "api_key": api_key,
            "base_url": base_url,
            "policy": policy,
            "fallback": fallback,
            "max_concurrency": max_concurrency,
            "adaptive_concurrency": adaptive_concurrency,
            "budget": budget if budget is not None else Budget(),
            "share_quota": share_quota,
            "quota_folder": quota_folder,
            "provider": provider,
            "connect_timeout": connect_timeout,
            "attempt_timeout": attempt_timeout,
            "idle_timeout": idle_timeout,
            "max_response_bytes": max_response_bytes,
            "allow_http": allow_http,
            "user_agent": user_agent or f"resayil-python/{_native.__version__}",
        }
        if quota != "auto":
            self._options["quota"] = quota
        self._native = _native.Client(self._options, _observe)
        self._pid = os.getpid()
        self.chat = Chat(self)
        """`chat.completions.create(...)`"""
        self.models = Models(self)
        """`models.list()`"""

    def _connected(self) -> _native.Client:
        # A forked child may not use its parent's connections.
        if self._pid != os.getpid():
            self._native = _native.Client(self._options, _observe)
            self._pid = os.getpid()
        return self._native

    def balance(self) -> Balance:
        """The account's subscription and credits, which only LLM Resayil has.

        The service is known to answer 500 here at times while all else works.
        """
        names = ("tier", "status", "expires_at", "credits")
        return Balance(dict(zip(names, self._connected().balance())))

    def quota_state(self) -> Optional[QuotaState]:
        """What the quota knows at this moment; None for a client without one."""
        return self._connected().quota_state()

    def stats(self) -> dict[str, Any]:
        """Counters since the client was made, and what quota and budget have left.

        `calls`, `attempts`, `answered`, `failed` (also `failed_by_kind` and `stops_by_reason`),
        `refused`, `retries` (also `retries_by_reason` and `retries_by_kind`), `stale_connections`,
        `quota_waits` and their seconds `quota_wait`, `backoff_waits` and `backoff_wait`; `quota`:
        None or a dict with `limit`, `remaining`, `reset_after`, `waiting`, `admitted` and
        `refused`; `concurrency`: None or a dict with `limit`, `in_flight` and `waiting`;
        `budget_remaining` and `budget_health`. Any thread may ask, at any time.
        """
        return self._connected().stats()

    def metrics(self) -> list[Metric]:
        """The same as a list of values with names as OpenTelemetry writes them, for an exporter."""
        return self._connected().metrics()

    def __repr__(self) -> str:
        return repr(self._native)


class Chat:
    """The part `chat` of a client."""

    def __init__(self, client: Client) -> None:
        self.completions = Completions(client)
        """`completions.create(...)`"""


class Models:
    """The part `models` of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> ModelList:
        """The models that the key may use."""
        names = ("id", "object", "created", "owned_by")
        models = [dict(zip(names, row)) for row in self._client._connected().models()]
        return ModelList({"object": "list", "data": models})


_Message = Union[Mapping[str, Any], Object]

# Options of OpenAI's SDK that would otherwise be sent as fields of the request.
_OTHERS = {
    "timeout": "use deadline, or Client(attempt_timeout=...)",
    "extra_headers": "headers cannot be added",
    "extra_query": "query parameters cannot be added",
    "extra_body": "give further fields as keyword arguments",
}


class Completions:
    """The part `chat.completions` of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @overload
    def create(
        self,
        *,
        model: str,
        messages: Iterable[_Message],
        stream: Literal[False] = False,
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        retry_if_result: Optional[Predicate] = None,
        **params: Any,
    ) -> ChatCompletion: ...

    @overload
    def create(
        self,
        *,
        model: str,
        messages: Iterable[_Message],
        stream: Literal[True],
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        retry_if_result: Optional[Predicate] = None,
        **params: Any,
    ) -> Stream: ...

    @overload
    def create(
        self,
        *,
        model: str,
        messages: Iterable[_Message],
        stream: bool,
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        retry_if_result: Optional[Predicate] = None,
        **params: Any,
    ) -> Union[ChatCompletion, Stream]: ...

    def create(
        self,
        *,
        model: str,
        messages: Iterable[_Message],
        stream: bool = False,
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        retry_if_result: Optional[Predicate] = None,
        **params: Any,
    ) -> Union[ChatCompletion, Stream]:
        """Asks for a chat completion.

        `messages` are objects with `role` and `content`. With `stream=True` the answer is an
        iterator of chunks. `deadline` is the time in seconds that the whole call may take, retries
        and waits included; `policy` replaces the client's; `idempotency_key` is that of all
        attempts, by default a random one; `retry_if_result` replaces the client's. Further keyword
        arguments, such as `temperature` and `max_tokens`, are fields of the request; None leaves a
        field out.

        Raises an APIError, after the retries that the policy allows.
        """
        for name in params:
            if name in _OTHERS:
                raise TypeError(f"create has no argument {name!r}: {_OTHERS[name]}")
        fields = {name: value for name, value in params.items() if value is not None}
        request = json.dumps(
            {"model": model, "messages": list(messages), **fields}, default=_plain, allow_nan=False
        )
        native = self._client._connected()
        if idempotency_key is None:
            idempotency_key = _idempotency.key("chat", request)
        if stream:
            return Stream(
                native.chat_stream(
                    request, deadline=deadline, idempotency_key=idempotency_key, policy=policy
                )
            )
        predicate = retry_if_result or self._client._retry_if_result

        def rejects(text: str, *details: Any) -> bool:
            assert predicate is not None
            return bool(predicate(ChatCompletion(json.loads(text), *details)))

        text, attempts, request_id, fallback = native.chat(
            request,
            deadline=deadline,
            idempotency_key=idempotency_key,
            policy=policy,
            retry_if_result=None if predicate is None else rejects,
        )
        return ChatCompletion(json.loads(text), attempts, request_id, fallback)


def _plain(value: object) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a request cannot hold a value of the type {type(value).__name__}")


class Stream(Iterator[ChatCompletionChunk]):
    """An answer that comes piece by piece: an iterator of chunks.

    Failures before anything was delivered are retried unseen. After that the exception has what was
    delivered in `partial_text`. `close`, or leaving a `with` block, closes the connection.
    """

    def __init__(self, native: _native.ChatStream) -> None:
        self._native = native

    @property
    def attempts(self) -> int:
        """How many requests were sent before the answer began."""
        return self._native.attempts

    @property
    def request_id(self) -> Optional[str]:
        """The provider's id of the request."""
        return self._native.request_id

    @property
    def fallback(self) -> Optional[int]:
        """The index of the fallback's target that answers; None for the one asked first."""
        return self._native.fallback

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> ChatCompletionChunk:
        return ChatCompletionChunk(json.loads(next(self._native)))

    def close(self) -> None:
        """Closes the connection; nothing follows."""
        self._native.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()


__all__ = ["Balance", "ChatCompletion", "ChatCompletionChunk", "Client", "Model", "Stream"]
