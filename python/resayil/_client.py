"""The HTTP client, with the names of OpenAI's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Optional, TypeVar, Union, overload

from . import _base_client, _client_spans, _native, _request, _telemetry
from ._base_client import BaseClient, Predicate, Timeout
from ._native import RetryPolicy
from ._objects import (
    Balance,
    ChatCompletion,
    ChatCompletionChunk,
    CreateEmbeddingResponse,
    Model,
    ModelList,
    Object,
)
from ._quota import Cost, Priority, Tenant
from ._response import Response

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._chat_params import ChatParams, EmbeddingParams

_Self = TypeVar("_Self", bound="Client")
_Message = Union[Mapping[str, Any], Object, Any]


class Client(BaseClient):
    """A client of LLM Resayil, and of all services that are compatible with OpenAI's API.

    It waits for the quota before it sends, so that nothing is refused; tries again only where that
    can help; and raises exceptions that say what went wrong. Calls block, and Ctrl-C ends them.
    Any number of threads may use one client. `with Client() as client:` or `close()` frees its
    connections. A pickled client has no key: its copy takes that of the environment.

    `api_key`: default the environment variable `RESAYIL_API_KEY`. `base_url`: default
    `RESAYIL_BASE_URL`, else `https://llmapi.resayil.io/v1`; plain http for this machine alone,
    unless `allow_http`; parameters of its query, such as Azure's `api-version`, are sent with each
    request. `policy` says when calls are tried again, or `max_retries` how often; `budget` is their
    shared stock of retries. `quota`: by default one of its own that learns the limit; a `Quota` to
    share it or to tell the limit; None to send at once. `provider`: by default known by the host,
    else recognised by each answer. `default_headers` and `default_query` are sent with each
    request.

    `share_quota`: one quota for all processes of this host that do so, too, with the same origin,
    key and window, in whatever language. A `quota` then only tells limit and window: what is
    counted is in a file in `quota_folder`, by default a folder of the user's own for temporary
    files. Linux only; where it cannot be done, the client has its own quota and logs a warning.

    `fleet`: the same for processes of many hosts, over a Redis or Valkey: its URL, such as
    `redis://host:6379`, or a client of redis-py or valkey-py, for asyncio too if it is given within
    its event loop. Where the server cannot be reached, the client goes on with its share of the
    limit and logs a warning.

    Time-outs in seconds: `connect_timeout` (10); `timeout`, also called `attempt_timeout`, for one
    attempt (120; 30 or more, the service asks); `idle_timeout` for silence within a stream (60).
    `first_byte_timeout` for the first byte of an answer (that of the attempt). The total is the
    policy's `deadline`.

    Limits of an answer: `max_response_bytes`, unpacked (16 MiB); `max_wire_bytes`, as it comes (32
    MiB); `max_head_bytes` (64 KiB) and `max_headers` (128). Bodies of more than
    `expect_continue_above` bytes are announced first; by default none.

    `proxy`: a URL of `http`, `https`, `socks5` or `socks5h`; by default the one that the
    environment names, as curl reads it; False for none. `ca_file` or `ca_pem`: the certificates
    that may sign a server's, instead of the platform's or those of `SSL_CERT_FILE`. `client_cert`:
    the PEM files of a certificate to show and its key.

    `retry_if_result` says of an answer that came well whether to treat it as a failure all the
    same: `lambda answer: not answer.choices[0].message.content` retries empty ones. An answer that
    is rejected to the last raises ResponseError, with `rejected` set and the answer in `body`. It
    is not called for streams: what was delivered cannot be taken back.

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

    chat: Chat
    """`chat.completions.create(...)`"""
    embeddings: Embeddings
    """`embeddings.create(...)`"""
    models: Models
    """`models.list()`"""

    def _make_parts(self) -> None:
        self.chat = Chat(self)
        self.embeddings = Embeddings(self)
        self.models = Models(self)

    def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Carries out a method of the native client."""
        return self._run(name, *arguments, **options)[0]

    def _run(
        self, name: str, *arguments: Any, **options: Any
    ) -> tuple[Any, Optional[_telemetry.CallSpan]]:
        """The same, with the span of a call that goes on."""
        native = self._connected()
        span = self._begin(name, arguments)
        if span is None:
            return getattr(native, name)(*arguments, **options), None
        token = span.enter()
        try:
            row = getattr(native, name)(*arguments, observer=span.event, **options)
        except BaseException as exception:
            _client_spans.failed(span, exception)
            raise
        finally:
            span.leave(token)
        _client_spans.answered(span, name, row)
        return row, span

    def post(
        self,
        path: str,
        body: object = None,
        *,
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        timeout: Timeout = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        cost: Optional[Cost] = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
    ) -> Response:
        """Sends to any path below the base URL, with quota, retries and errors as in a chat.

        `body` is what is sent as JSON; bytes and texts are sent as they are. The options are those
        of `chat.completions.create`.
        """
        data = _base_client.body_bytes(body)
        key = _base_client.idempotency_key(idempotency_key, "post", path, data)
        options = self._defaults.options(deadline, key, policy, timeout, extra_headers, extra_query)
        options.update(cost=cost, priority=priority, tenant=tenant)
        return _base_client.response(self._call("post", path, data, **options))

    def get(
        self,
        path: str,
        *,
        deadline: Optional[float] = None,
        policy: Optional[RetryPolicy] = None,
        timeout: Timeout = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
    ) -> Response:
        """Fetches any path below the base URL; it does not wait for the quota."""
        options = self._defaults.options(
            deadline, None, policy, timeout, extra_headers, extra_query
        )
        return _base_client.response(self._call("get", path, **options))

    def balance(self, *, deadline: Optional[float] = None, timeout: Timeout = None) -> Balance:
        """The account's subscription and credits, which only LLM Resayil has.

        The service is known to answer 500 here at times while all else works.
        """
        options = self._defaults.options(deadline, timeout=timeout)
        return _base_client.balance(self._call("balance", **options))

    def close(self) -> None:
        """Frees the connections; those that copies of the client use stay open.

        Calls that are under way go on; a further one raises RuntimeError.
        """
        self._native, self._lazy = None, None

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()


class Chat:
    """The part `chat` of a client."""

    def __init__(self, client: Client) -> None:
        self.completions = Completions(client)
        """`completions.create(...)`"""


class Models:
    """The part `models` of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, *, deadline: Optional[float] = None, timeout: Timeout = None) -> ModelList:
        """The models that the key may use."""
        options = self._client._defaults.options(deadline, timeout=timeout)
        return _base_client.model_list(self._client._call("models", **options))

    def retrieve(
        self, model: str, *, deadline: Optional[float] = None, timeout: Timeout = None
    ) -> Model:
        """One model."""
        path = _base_client.model_path(model)
        return Model(self._client.get(path, deadline=deadline, timeout=timeout).json())


class Embeddings:
    """The part `embeddings` of a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self,
        *,
        model: str,
        input: Union[str, Iterable[Any]],
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        timeout: Timeout = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        **params: Unpack[EmbeddingParams],
    ) -> CreateEmbeddingResponse:
        """The vectors of a text or of several; the options are those of a chat."""
        request = _request.embedding(model, input, params, extra_body)
        answer = self._client.post(
            "embeddings", request, deadline=deadline, idempotency_key=idempotency_key,
            policy=policy, timeout=timeout, extra_headers=extra_headers, extra_query=extra_query,
            **_request.of_quota(params),
        )  # fmt: skip
        return CreateEmbeddingResponse(answer.json())


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
        timeout: Timeout = None,
        retry_if_result: Optional[Predicate] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        **params: Unpack[ChatParams],
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
        timeout: Timeout = None,
        retry_if_result: Optional[Predicate] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        **params: Unpack[ChatParams],
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
        timeout: Timeout = None,
        retry_if_result: Optional[Predicate] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        **params: Unpack[ChatParams],
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
        timeout: Timeout = None,
        retry_if_result: Optional[Predicate] = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        **params: Unpack[ChatParams],
    ) -> Union[ChatCompletion, Stream]:
        """Asks for a chat completion.

        `messages` are objects with `role` and `content`. With `stream=True` the answer is an
        iterator of chunks. Further keyword arguments, such as `temperature`, `max_tokens` and
        `tools`, are the fields of OpenAI's API; None leaves a field out. A service's own fields go
        into `extra_body`.

        `deadline` is the time in seconds that the whole call may take, retries and waits included,
        and `timeout` that of one attempt; `policy` replaces the client's; `idempotency_key` is that
        of all attempts, by default a random one; `retry_if_result` replaces the client's;
        `extra_headers` and `extra_query` come to what the client sends. `cost`, `priority` and
        `tenant` say how it stands in the quota's line.

        Raises an APIError, after the retries that the policy allows; TypeError, before anything is
        sent, for arguments that cannot be meant.
        """
        client = self._client
        request, model = _request.chat(model, messages, params, extra_body)
        key = _base_client.idempotency_key(idempotency_key, "chat", request)
        options = client._defaults.options(
            deadline, key, policy, timeout, extra_headers, extra_query
        )
        if params:
            options.update(_request.of_quota(params))
        if stream:
            return Stream(*client._run("chat_stream", request, model, **options))
        asked = retry_if_result or client._defaults.retry_if_result
        if asked is not None:
            options["retry_if_result"] = _base_client.predicate(asked)
        return _base_client.completion(client._call("chat", request, model, **options))


class Stream(Iterator[ChatCompletionChunk]):
    """An answer that comes piece by piece: an iterator of chunks.

    Failures before anything was delivered are retried unseen. After that the exception has what was
    delivered in `partial_text`. `close`, or leaving a `with` block, closes the connection.
    """

    def __init__(
        self, native: _native.ChatStream, span: Optional[_telemetry.CallSpan] = None
    ) -> None:
        self._native = native
        self._span = span

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
        if self._span is None:
            return ChatCompletionChunk(json.loads(next(self._native)))
        with _client_spans.Piece(self._span, self._native.attempts) as told:
            data = json.loads(next(self._native))
            told(data)
        return ChatCompletionChunk(data)

    def close(self) -> None:
        """Closes the connection; nothing follows."""
        self._native.close()
        if self._span is not None:
            self._span.end(attempts=self._native.attempts)

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
