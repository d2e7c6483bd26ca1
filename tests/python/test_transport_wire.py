"""What the doors make of answers that servers do not write as they should."""

from __future__ import annotations

import json
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require
from recorder import recorder
from resayil._as_events import as_events, asks_for_stream

httpx = require("httpx")
requests = require("requests")

import resayil.httpx  # noqa: E402
import resayil.requests  # noqa: E402

QUESTION: Any = {"model": "mistral", "messages": [{"role": "user", "content": "Hello"}]}


def fault(sandbox: Sandbox, name: str) -> str:
    return f"{sandbox.base_url.removesuffix('/v1')}/fault/{name}/v1/chat/completions"


def by_httpx(url: str, body: Any, **options: Any) -> Any:
    with httpx.Client(transport=resayil.httpx.RetryTransport(**options)) as client:
        return client.post(url, json=body)


def by_requests(url: str, body: Any, **options: Any) -> Any:
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", resayil.requests.RetryAdapter(**options))
        return session.post(url, json=body, allow_redirects=False)


@pytest.mark.parametrize("door", [by_httpx, by_requests])
@pytest.mark.parametrize(
    ("name", "limit"),
    [("head_many", "max_headers"), ("head_endless", "max_head_bytes")],
)
def test_an_error_names_the_limit_of_the_head(
    sandbox: Sandbox, door: Any, name: str, limit: str
) -> None:
    with pytest.raises(Exception) as raised:
        door(fault(sandbox, name), QUESTION)
    error = resayil.from_exception(raised.value)
    assert isinstance(error, resayil.ResponseError)
    assert limit in str(error) and not error.retryable
    assert len(sandbox.log) == 1


@pytest.mark.parametrize("door", [by_httpx, by_requests])
@pytest.mark.parametrize("option", ["max_headers", "max_head_bytes"])
def test_the_limits_of_the_head_are_options(sandbox: Sandbox, door: Any, option: str) -> None:
    url = sandbox.base_url + "/chat/completions"
    with pytest.raises(Exception) as raised:
        door(url, QUESTION, **{option: 1})
    assert option in str(resayil.from_exception(raised.value))


@pytest.mark.parametrize("door", [by_httpx, by_requests])
@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:9/x", "//other.example/x", "https://127.0.0.1/"]
)
def test_a_redirect_to_another_origin_is_refused(door: Any, place: str) -> None:
    with recorder(lambda _: (307, {"location": place}, b"")) as server:
        with pytest.raises(Exception) as raised:
            door(server.base_url, QUESTION)
        assert len(server.requests) == 1
    error = resayil.from_exception(raised.value)
    assert isinstance(error, resayil.ResponseError) and error.status_code == 307


@pytest.mark.parametrize("door", [by_httpx, by_requests])
def test_a_redirect_to_the_same_origin_is_handed_on(door: Any) -> None:
    with recorder(lambda _: (307, {"location": "/v1/x"}, b"")) as server:
        response = door(server.base_url, QUESTION)
    assert (response.status_code, response.headers["location"]) == (307, "/v1/x")


def test_connections_are_kept_where_nothing_was_odd(sandbox: Sandbox) -> None:
    with httpx.Client(transport=resayil.httpx.RetryTransport()) as client:
        for name in ["extra_bytes", "head_odd_byte", "gzip", "early_answer_open", "trailers"] * 2:
            body = QUESTION
            if name == "early_answer_open":
                body = {**QUESTION, "user": "!" * (4 * 1024 * 1024)}
            response = client.post(fault(sandbox, name), json=body)
            assert response.status_code == (413 if name == "early_answer_open" else 200), name


def test_names_and_reasons_stay_as_they_came(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "status", "status": 404, "headers": [["X-CaMeL", "One  two"]]})
    response = by_httpx(sandbox.base_url + "/chat/completions", QUESTION)
    assert (b"X-CaMeL", b"One  two") in response.headers.raw
    assert response.reason_phrase == "Not Found"


def test_an_answer_in_one_piece_becomes_the_stream_that_it_stands_for(sandbox: Sandbox) -> None:
    url, body = fault(sandbox, "http10"), {**QUESTION, "stream": True}
    response = by_httpx(url, body)
    assert response.headers["content-type"] == "text/event-stream"
    events = response.text.split("\n\n")
    assert events[1:] == ["data: [DONE]", ""]
    chunk = json.loads(events[0].removeprefix("data: "))
    assert chunk["object"] == "chat.completion.chunk"
    assert chunk["choices"][0]["delta"]["content"] == "echo: Hello"
    # Who did not ask for a stream gets none.
    assert by_httpx(url, QUESTION).json()["choices"][0]["message"]["content"] == "echo: Hello"


def test_of_a_stream_tool_calls_have_their_places() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "b"}]}
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
    events = as_events(json.dumps(answer).encode())
    assert events is not None
    chunk = json.loads(events.split(b"\n\n")[0].removeprefix(b"data: "))
    calls = chunk["choices"][0]["delta"]["tool_calls"]
    assert [(it["index"], it["id"]) for it in calls] == [(0, "a"), (1, "b")]
    assert chunk["choices"][0]["finish_reason"] == "tool_calls"
    for other in (b"", b"[]", b"{}", b'{"choices": []}', b'{"choices": [1]}', b"[" * 100_000):
        assert as_events(other) is None


def test_a_stream_is_asked_for_by_the_request_itself() -> None:
    assert asks_for_stream(b'{"stream" : true}')
    for other in (b"", None, b'{"stream": false}', b'{"a": {"stream": true}}', b'"stream":true'):
        assert not asks_for_stream(other)
    prompt = json.dumps({"messages": [{"content": '"stream": true'}]}).encode()
    assert not asks_for_stream(prompt)
