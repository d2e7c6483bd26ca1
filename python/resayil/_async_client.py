"""The asynchronous HTTP client, for asyncio and trio."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Optional, TypeVar, Union, overload

from . import _base_client, _client_spans, _native, _request, _telemetry, _time
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

_Self = TypeVar("_Self", bound="AsyncClient")
_Message = Union[Mapping[str, Any], Object, Any]


class AsyncClient(BaseClient):
    """The same as `Client`, awaited, in asyncio and in trio.

    It has the same options, names and promises. A task that is cancelled closes its connection, and
    frees its place in the quota's line and among the requests in flight, at once. A thread of the
    native half carries each call out and wakes the task; any number of tasks, and of event loops,
    may use one client.

    ```python
    async with AsyncClient() as client:
        answer = await client.chat.completions.create(model="m", messages=messages)
        async for chunk in await client.chat.completions.create(
            model="m", messages=messages, stream=True
        ):
            print(chunk.choices[0].delta.content or "", end="")
    ```
    """

    chat: AsyncChat
    """`await chat.completions.create(...)`"""
    embeddings: AsyncEmbeddings
    """`await embeddings.create(...)`"""
    models: AsyncModels
    """`await models.list()`"""

    def _make_parts(self) -> None:
        self.chat = AsyncChat(self)
        self.embeddings = AsyncEmbeddings(self)
        self.models = AsyncModels(self)

    async def _call(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Carries out a method of the native client."""
        return (await self._run(name, *arguments, **options))[0]

    async def _run(
        self, name: str, *arguments: Any, **options: Any
    ) -> tuple[Any, Optional[_telemetry.CallSpan]]:
        """The same, with the span of a call that goes on."""
        span = self._begin(name, arguments)
        if span is None:
            return await self._wait(name, *arguments, **options), None
        token = span.enter()
        try:
            row = await self._wait(name, *arguments, observer=span.event, **options)
        except BaseException as exception:
            _client_spans.failed(span, exception)
            raise
        finally:
            span.leave(token)
        _client_spans.answered(span, name, row)
        return row, span

    async def _wait(self, name: str, *arguments: Any, **options: Any) -> Any:
        alarm = _time.AsyncAlarm()
        pending = getattr(self._connected(), name)(*arguments, waker=alarm, **options)
        try:
            await alarm.wait()
        except BaseException:
            pending.cancel()
            raise
        return pending.take()

    async def post(
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
        return _base_client.response(await self._call("post", path, data, **options))

    async def get(
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
        return _base_client.response(await self._call("get", path, **options))

    async def balance(
        self, *, deadline: Optional[float] = None, timeout: Timeout = None
    ) -> Balance:
        """The account's subscription and credits, which only LLM Resayil has.

        The service is known to answer 500 here at times while all else works.
        """
        options = self._defaults.options(deadline, timeout=timeout)
        return _base_client.balance(await self._call("balance", **options))

    async def close(self) -> None:
        """Frees the connections; those that copies of the client use stay open.

        Calls that are under way go on; a further one raises RuntimeError.
        """
        self._native, self._lazy = None, None

    aclose = close

    async def __aenter__(self: _Self) -> _Self:
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()


class AsyncChat:
    """The part `chat` of a client."""

    def __init__(self, client: AsyncClient) -> None:
        self.completions = AsyncCompletions(client)
        """`completions.create(...)`"""


class AsyncModels:
    """The part `models` of a client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def list(self, *, deadline: Optional[float] = None, timeout: Timeout = None) -> ModelList:
        """The models that the key may use."""
        options = self._client._defaults.options(deadline, timeout=timeout)
        return _base_client.model_list(await self._client._call("models", **options))

    async def retrieve(
        self, model: str, *, deadline: Optional[float] = None, timeout: Timeout = None
    ) -> Model:
        """One model."""
        path = _base_client.model_path(model)
        answer = await self._client.get(path, deadline=deadline, timeout=timeout)
        return Model(answer.json())


class AsyncEmbeddings:
    """The part `embeddings` of a client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create(
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
        answer = await self._client.post(
            "embeddings", request, deadline=deadline, idempotency_key=idempotency_key,
            policy=policy, timeout=timeout, extra_headers=extra_headers, extra_query=extra_query,
            **_request.of_quota(params),
        )  # fmt: skip
        return CreateEmbeddingResponse(answer.json())


class AsyncCompletions:
    """The part `chat.completions` of a client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @overload
    async def create(
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
    async def create(
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
    ) -> AsyncStream: ...

    @overload
    async def create(
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
    ) -> Union[ChatCompletion, AsyncStream]: ...

    async def create(
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
    ) -> Union[ChatCompletion, AsyncStream]:
        """Asks for a chat completion; see `Completions.create` of the blocking client."""
        client = self._client
        request, model = _request.chat(model, messages, params, extra_body)
        key = _base_client.idempotency_key(idempotency_key, "chat", request)
        options = client._defaults.options(
            deadline, key, policy, timeout, extra_headers, extra_query
        )
        if params:
            options.update(_request.of_quota(params))
        if stream:
            return AsyncStream(*await client._run("chat_stream", request, model, **options))
        asked = retry_if_result or client._defaults.retry_if_result
        if asked is not None:
            options["retry_if_result"] = _base_client.predicate(asked)
        return _base_client.completion(await client._call("chat", request, model, **options))


class AsyncStream(AsyncIterator[ChatCompletionChunk]):
    """An answer that comes piece by piece, for `async for`.

    Failures before anything was delivered are retried unseen. After that the exception has what was
    delivered in `partial_text`. `await close()`, or leaving an `async with` block, closes the
    connection, and so does a task that is cancelled while it waits for a chunk.
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

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        if self._span is None:
            return ChatCompletionChunk(await self._next())
        with _client_spans.Piece(self._span, self._native.attempts) as told:
            data = await self._next()
            told(data)
        return ChatCompletionChunk(data)

    async def _next(self) -> Any:
        while True:
            alarm = _time.AsyncAlarm()
            try:
                data = self._native.poll(alarm)
            except StopIteration:
                raise StopAsyncIteration from None
            if data is not None:
                return json.loads(data)
            try:
                await alarm.wait()
            except BaseException:
                self._native.close()
                raise

    async def close(self) -> None:
        """Closes the connection; nothing follows."""
        self._native.close()
        if self._span is not None:
            self._span.end(attempts=self._native.attempts)

    aclose = close

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        await self.close()
