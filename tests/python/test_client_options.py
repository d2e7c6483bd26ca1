"""Options of clients and calls, copies of clients, endpoints beside chat."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require
from recorder import ANSWER, Recorder, Request, recorder
from resayil import _chat_params

HELLO: Any = [{"role": "user", "content": "Hello"}]
KEY = "sk_llmr_example"


@pytest.fixture
def server() -> Iterator[Recorder]:
    with recorder() as running:
        yield running


def test_headers_and_query(server: Recorder) -> None:
    client = resayil.Client(
        KEY,
        f"{server.base_url}?api-version=2026-01-01",
        default_headers={"X-Team": "blue"},
        default_query={"a": 1},
    )
    client.chat.completions.create(model="m", messages=HELLO)
    client.chat.completions.create(
        model="m", messages=HELLO, extra_headers={"x-team": "red"}, extra_query={"b": True}
    )
    other = client.with_options(default_headers={"X-User": "me"}, default_query={"a": 2})
    other.post("x", {})
    first, second, third = server.requests
    assert first.path == "/v1/chat/completions?api-version=2026-01-01&a=1"
    assert second.path == "/v1/chat/completions?api-version=2026-01-01&a=1&b=true"
    assert third.path == "/v1/x?api-version=2026-01-01&a=2"
    assert (first.headers["x-team"], second.headers["x-team"]) == ("blue", "red")
    assert (third.headers["x-team"], third.headers["x-user"]) == ("blue", "me")
    assert "x-user" not in first.headers
    with pytest.raises(resayil.ConfigurationError, match="cannot be set"):
        resayil.Client(KEY, server.base_url, default_headers={"Content-Length": "3"})


def test_any_endpoint(server: Recorder) -> None:
    client = resayil.Client(KEY, server.base_url)
    answer = client.post("/moderations", {"input": "x"}, extra_query={"q": "a b"})
    assert (answer.status_code, answer.attempts, answer.json()) == (200, 1, ANSWER)
    assert answer.headers["Content-Type"] == "application/json" and answer.is_success
    client.post("raw", b'{"a": 1}')
    assert client.get("files?limit=2").json() == ANSWER
    first, second, third = server.requests
    assert (first.method, first.path, first.body) == (
        "POST", "/v1/moderations?q=a%20b", {"input": "x"},
    )  # fmt: skip
    assert second.body == {"a": 1} and (third.method, third.path) == ("GET", "/v1/files?limit=2")
    server.answer = lambda _: (404, {"x-request-id": "r"}, b'{"error": {"message": "no"}}')
    with pytest.raises(resayil.NotFoundError) as caught:
        client.post("nothing", {})
    assert caught.value.body == {"message": "no"} and caught.value.request_id == "r"


def test_embeddings(server: Recorder) -> None:
    server.answer = lambda _: {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 1]}],
        "model": "e",
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    client = resayil.Client(KEY, server.base_url)
    answer = client.embeddings.create(model="e", input=["a"], dimensions=2, user=None)
    assert answer.data[0].embedding == [0.5, 1] and answer.usage is not None
    assert answer.usage.total_tokens == 1
    assert server.requests[0].body == {"model": "e", "input": ["a"], "dimensions": 2}
    with pytest.raises(TypeError, match="input has to be a text"):
        client.embeddings.create(model="e", input=3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="did you mean 'dimensions'"):
        client.embeddings.create(model="e", input="a", dimension=3)  # type: ignore[call-arg]


CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city": "Kuwait"}'},
}


def test_tool_calls_go_back_as_they_came(server: Recorder) -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    server.answer = lambda _: {"choices": [{"message": message, "finish_reason": "tool_calls"}]}
    client = resayil.Client(KEY, server.base_url)
    tools: Any = ({"type": "function", "function": {"name": "weather"}},)
    answer = client.chat.completions.create(
        model="m", messages=HELLO, tools=tools, tool_choice="auto"
    )
    said = answer.choices[0].message
    assert said.tool_calls is not None and said.refusal is None
    call = said.tool_calls[0]
    assert (call.id, call.type, call.function.name) == ("call_1", "function", "weather")
    assert call.function.arguments == '{"city": "Kuwait"}'
    result = {"role": "tool", "tool_call_id": call.id, "content": "hot"}
    client.chat.completions.create(model="m", messages=[*HELLO, said, result])
    assert server.requests[0].body["tools"] == list(tools)
    assert server.requests[1].body["messages"] == [*HELLO, message, result]


def test_streams_of_tool_calls(server: Recorder) -> None:
    events = (
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c",'
        b'"function":{"name":"f","arguments":""}}]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,'
        b'"function":{"arguments":"{}"}}]}}]}\n\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}\n\n'
        b"data: [DONE]\n\n"
    )
    server.answer = lambda _: (200, {"content-type": "text/event-stream"}, events)
    client = resayil.Client(KEY, server.base_url)
    chunks = list(client.chat.completions.create(model="m", messages=HELLO, stream=True))
    calls = [chunk.choices[0].delta.tool_calls for chunk in chunks]
    assert calls[0] is not None and calls[0][0].function is not None
    assert (calls[0][0].id, calls[0][0].function.name) == ("c", "f")
    assert calls[1] is not None and calls[1][0].id is None and calls[2] is None
    assert chunks[0]["choices"][0]["delta"]["tool_calls"][0]["index"] == 0


def test_pydantic_models_may_be_sent(server: Recorder) -> None:
    chat = require("openai.types.chat")
    message = chat.ChatCompletionMessage(role="assistant", content="x")
    resayil.Client(KEY, server.base_url).chat.completions.create(model="m", messages=[message])
    assert server.requests[0].body["messages"] == [{"role": "assistant", "content": "x"}]


def test_all_of_openais_fields_are_known() -> None:
    params = require("openai.types.chat.completion_create_params")
    theirs = set(params.CompletionCreateParamsBase.__annotations__) - {"messages", "model"}
    assert set(_chat_params.ChatParams.__annotations__) >= theirs
    embedding = require("openai.types.embedding_create_params").EmbeddingCreateParams
    theirs = set(embedding.__annotations__) - {"input", "model"}
    assert set(_chat_params.EmbeddingParams.__annotations__) >= theirs


def test_copies_share_what_is_counted(sandbox: Sandbox) -> None:
    client = sandbox.client()
    patient = client.with_options(timeout=300.0, max_retries=7)
    patient.chat.completions.create(model="mistral", messages=HELLO)
    assert client.stats()["attempts"] == 1 == patient.stats()["attempts"]
    # Another connection time-out needs other connections, and the same quota.
    other = client.with_options(connect_timeout=3.0)
    other.chat.completions.create(model="mistral", messages=HELLO)
    states = [client.quota_state(), other.quota_state()]
    assert [state.admitted for state in states if state is not None] == [2, 2]
    elsewhere = client.with_options(api_key="sk_llmr_other")
    with pytest.raises(resayil.AuthenticationError):
        elsewhere.chat.completions.create(model="mistral", messages=HELLO)
    state = elsewhere.quota_state()
    assert state is not None and state.admitted == 1
    with pytest.raises(TypeError, match="colour"):
        client.with_options(colour=1)


def test_max_retries(sandbox: Sandbox) -> None:
    sandbox.script("server_error", "server_error")
    policy = resayil.RetryPolicy(base_delay=0.01)
    client = sandbox.client(policy=policy, max_retries=0)
    with pytest.raises(resayil.InternalServerError) as caught:
        client.chat.completions.create(model="mistral", messages=HELLO)
    assert caught.value.attempts == 1
    again = client.with_options(max_retries=1)
    assert again.chat.completions.create(model="mistral", messages=HELLO).attempts == 2


def test_timeout_of_one_call(sandbox: Sandbox) -> None:
    httpx = require("httpx")
    for timeout in (0.2, httpx.Timeout(5, read=0.2)):
        sandbox.script("hang")
        with pytest.raises(resayil.APITimeoutError):
            sandbox.client(max_retries=0).chat.completions.create(
                model="mistral", messages=HELLO, timeout=timeout
            )


def test_pickled_clients_have_no_key(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sandbox.client(
        quota=resayil.Quota(5, 3.0),
        fallback=["llama3.2:3b"],
        default_headers={"X-Team": "blue", "api-key": "another-secret-of-mine"},
        max_retries=2,
    ).with_options(timeout=90.0)
    data = pickle.dumps(client)
    assert sandbox.api_key.encode() not in data and b"another-secret" not in data
    monkeypatch.delenv("RESAYIL_API_KEY", raising=False)
    again = pickle.loads(data)
    assert repr(again) == "<Client not connected>"
    with pytest.raises(resayil.ConfigurationError, match="RESAYIL_API_KEY"):
        again.models.list()
    monkeypatch.setenv("RESAYIL_API_KEY", sandbox.api_key)
    again = pickle.loads(pickle.dumps(again))
    again.chat.completions.create(model="mistral", messages=HELLO)
    assert sandbox.log[0]["headers"]["x-team"] == "blue"
    state = again.quota_state()
    assert state is not None and state.limit == 5
    assert again.base_url == sandbox.base_url and again._connected().policy.max_attempts == 3
    secret = resayil.FallbackTarget(base_url="http://127.0.0.1:1/v1", api_key="sk-x")
    with pytest.raises(TypeError, match="fallback has keys"):
        pickle.dumps(sandbox.client(fallback=[secret]))
    # In memory the key goes along.
    for copied in (copy.copy(client), copy.deepcopy(client)):
        assert copied.models.list().data


def test_the_key_is_not_shown(sandbox: Sandbox) -> None:
    client = resayil.Client(sandbox.api_key, sandbox.base_url + "?key=hidden-in-query")
    for text in (repr(client), str(vars(client)), repr(client._native)):
        assert sandbox.api_key not in text and "hidden" not in text
    assert repr(client) == f"<Client {sandbox.base_url}>"


def test_a_client_can_be_closed(sandbox: Sandbox) -> None:
    with sandbox.client() as client:
        assert client.models.list().data
        copied = client.with_options(max_retries=1)
    with pytest.raises(RuntimeError, match="the client is closed"):
        client.models.list()
    assert repr(client) == "<Client closed>"
    client.close()
    assert copied.models.list().data


def test_requests_are_those_of_the_options() -> None:
    def answer(request: Request) -> Any:
        return {**ANSWER, "model": request.body["model"]}

    with recorder(answer) as running:
        client = resayil.Client(KEY, running.base_url)
        given = client.chat.completions.create(
            model="m", messages=iter(HELLO), extra_body={"top_k": 3, "model": "n"}, seed=None
        )
        assert running.requests[0].body == {"model": "n", "messages": HELLO, "top_k": 3}
        assert given.model == "n"
