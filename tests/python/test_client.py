from __future__ import annotations

import json
import logging
import multiprocessing
import os
import pickle
import threading
import time
from typing import Any

import pytest
import resayil
from conftest import Sandbox

HELLO: Any = [{"role": "user", "content": "Hello"}]


def test_an_answer_has_openais_attributes(sandbox: Sandbox) -> None:
    answer = sandbox.client().chat.completions.create(
        model="mistral", messages=HELLO, temperature=0.5, max_tokens=None
    )
    assert answer.choices[0].message.content == "echo: Hello"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.tool_calls is None
    assert answer.usage is not None and answer.usage.total_tokens > 0
    assert (answer.attempts, answer.object) == (1, "chat.completion")
    dump = answer.model_dump()
    assert dump["choices"][0]["message"]["content"] == "echo: Hello"
    assert json.loads(answer.model_dump_json()) == dump
    # What the schema has and the answer has not.
    assert answer.system_fingerprint is None and dump["system_fingerprint"] is None
    assert "system_fingerprint" not in answer.model_dump(exclude_none=True)
    assert answer.to_dict() == answer.model_dump(exclude_unset=True) == dict(answer.to_dict())
    assert json.loads(answer.to_json()) == answer.to_dict()
    # As a dict.
    assert answer["choices"][0]["message"]["content"] == "echo: Hello"
    assert answer["system_fingerprint"] is None and answer.get("system_fingerprint", 1) == 1
    assert "usage" in answer and "system_fingerprint" not in answer
    assert set(dict(answer)) == set(answer) == set(answer.keys()) == set(answer.to_dict())
    with pytest.raises(KeyError, match="colour"):
        answer["colour"]
    with pytest.raises(AttributeError, match="ChatCompletion has no 'colour'"):
        answer.colour  # noqa: B018
    assert pickle.loads(pickle.dumps(answer)) == answer
    # An answer's message may be sent again.
    messages = [*HELLO, answer.choices[0].message, {"role": "user", "content": "More"}]
    again = sandbox.client().chat.completions.create(model="mistral", messages=messages)
    assert again.choices[0].message.content == "echo: More"


def test_a_refusal_is_waited_for(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    sandbox.script({"fault": "rate_limited", "retry_after": 1}, "server_error")
    policy = resayil.RetryPolicy(base_delay=0.05)
    with caplog.at_level(logging.DEBUG, "resayil"):
        answer = sandbox.client(policy=policy).chat.completions.create(
            model="mistral", messages=HELLO
        )
    assert answer.attempts == 3
    first, second, third = sandbox.log
    assert [first["status"], second["status"], third["status"]] == [429, 500, 200]
    assert 1.0 <= second["time"] - first["time"] < 2.0
    assert first["idempotency_key"] == second["idempotency_key"] == third["idempotency_key"]
    retries = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [(r.kind, r.status, r.attempt) for r in retries] == [  # type: ignore[attr-defined]
        ("rate_limit", 429, 1),
        ("server", 500, 2),
    ]
    assert "Hello" not in caplog.text


def test_errors_are_raised_as_their_classes(sandbox: Sandbox) -> None:
    client = sandbox.client()
    with pytest.raises(resayil.UnprocessableEntityError) as caught:
        client.chat.completions.create(model="mistral", messages=HELLO, temperature=9)
    assert list(caught.value.field_errors) == ["temperature"]
    assert (caught.value.attempts, caught.value.model) == (1, "mistral")
    with pytest.raises(resayil.NotFoundError):
        client.chat.completions.create(model="no-such-model", messages=HELLO)
    with pytest.raises(resayil.AuthenticationError):
        resayil.Client("sk_llmr_wrong", sandbox.base_url).models.list()
    sandbox.change(credits=0.0)
    with pytest.raises(resayil.PaymentRequiredError) as payment:
        client.chat.completions.create(model="mistral", messages=HELLO)
    assert payment.value.user_message.startswith("The account has run out of credits.")
    stats = client.stats()
    assert (stats["calls"], stats["failed"], stats["answered"]) == (3, 3, 0)


def test_retries_end(sandbox: Sandbox) -> None:
    sandbox.script("drop", "drop", "drop")
    policy = resayil.RetryPolicy(max_attempts=3, base_delay=0.01, max_delay=0.02)
    with pytest.raises(resayil.APIConnectionError) as caught:
        sandbox.client(policy=policy).chat.completions.create(model="mistral", messages=HELLO)
    assert (caught.value.attempts, caught.value.exhausted) == (3, True)
    assert caught.value.ambiguous
    sandbox.script("server_error", "server_error")
    once = resayil.RetryPolicy.none()
    with pytest.raises(resayil.InternalServerError) as single:
        sandbox.client().chat.completions.create(model="mistral", messages=HELLO, policy=once)
    assert (single.value.attempts, single.value.exhausted) == (1, False)


def test_a_stream(sandbox: Sandbox) -> None:
    text = "one two three four five six seven eight nine ten"
    stream = sandbox.client().chat.completions.create(
        model="mistral", messages=[{"role": "user", "content": text}], stream=True
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == f"echo: {text}"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[0].object == "chat.completion.chunk" and len(chunks) > 2
    assert stream.attempts == 1 and list(stream) == []
    assert sandbox.log[0]["stream"] is True


def test_a_stream_fails_before_it_begins(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "status", "status": 401})
    with pytest.raises(resayil.AuthenticationError):
        sandbox.client().chat.completions.create(model="mistral", messages=HELLO, stream=True)


def test_a_cut_stream_keeps_what_was_delivered(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "cut_stream", "events": 2})
    stream = sandbox.client().chat.completions.create(
        model="mistral", messages=[{"role": "user", "content": "a b c d e f"}], stream=True
    )
    texts = []
    with pytest.raises(resayil.APIConnectionError) as caught:
        for chunk in stream:
            texts.append(chunk.choices[0].delta.content or "")
    assert "".join(texts) == caught.value.partial_text != ""
    assert not caught.value.safe_to_replay
    assert list(stream) == []


def test_an_error_inside_a_stream_is_no_chunk(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "stream_error"})
    stream = sandbox.client(policy=resayil.RetryPolicy(max_attempts=1)).chat.completions.create(
        model="mistral", messages=HELLO, stream=True
    )
    texts = []
    with pytest.raises(resayil.APIError) as caught:
        for chunk in stream:
            # The usual loop, which fails on anything that is no chunk.
            texts.append(chunk.choices[0].delta.content or "")
    assert "".join(texts) == (caught.value.partial_text or "")


def test_a_stream_can_be_left(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "slow_drip", "bytes": 8, "interval": 0.2})
    with sandbox.client().chat.completions.create(
        model="mistral", messages=HELLO, stream=True
    ) as stream:
        pass
    started = time.monotonic()
    assert list(stream) == []
    assert time.monotonic() - started < 1.0


def test_the_deadline_is_kept(sandbox: Sandbox) -> None:
    sandbox.script({"fault": "rate_limited", "retry_after": 30})
    started = time.monotonic()
    with pytest.raises(resayil.RateLimitError) as caught:
        sandbox.client().chat.completions.create(model="mistral", messages=HELLO, deadline=5)
    assert time.monotonic() - started < 4.0
    assert caught.value.retry_after == 30.0 and caught.value.exhausted
    sandbox.script("hang")
    with pytest.raises(TimeoutError):
        sandbox.client().chat.completions.create(model="mistral", messages=HELLO, deadline=0.5)


def test_models_and_balance(sandbox: Sandbox) -> None:
    client = sandbox.client()
    models = client.models.list()
    assert "mistral" in [model.id for model in models]
    assert models.data[0].object == "model" and models.object == "list"
    sandbox.change(credits=12.5)
    assert client.balance().credits == 12.5
    assert isinstance(client.balance().tier, str)


def test_a_quota_is_shared(sandbox: Sandbox) -> None:
    quota = resayil.Quota(limit=2, window=0.4)
    clients = [sandbox.client(quota=quota) for _ in range(2)]

    def ask(client: resayil.Client) -> None:
        for _ in range(3):
            client.chat.completions.create(model="mistral", messages=HELLO)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert 0.4 < time.monotonic() - started
    assert quota.state().admitted == 6 == len(sandbox.log)
    state = clients[0].quota_state()
    assert state is not None and state.limit == 2
    assert sandbox.client(quota=None).quota_state() is None


@pytest.mark.parametrize(
    ("options", "problem", "expected"),
    [
        ({"api_key": ""}, resayil.ConfigurationError, "key"),
        ({"api_key": "Bearer sk_llmr_secret"}, resayil.ConfigurationError, "Bearer"),
        ({"api_key": "sk_llmr_\n"}, resayil.ConfigurationError, "key"),
        ({"base_url": "http://example.com/v1"}, ValueError, "http"),
        ({"base_url": "example"}, ValueError, ""),
        (
            {"attempt_timeout": 0},
            ValueError,
            "attempt_timeout is out of range: it has to be more than 0",
        ),
        ({"idle_timeout": -1}, ValueError, "idle_timeout has to be 0 or more seconds"),
        (
            {"max_response_bytes": 0},
            ValueError,
            "max_response_bytes is out of range: it has to be 1 or more",
        ),
        (
            {"max_wire_bytes": 0},
            ValueError,
            "max_wire_bytes is out of range: it has to be 1 or more",
        ),
        (
            {"max_head_bytes": 0},
            ValueError,
            "max_head_bytes is out of range: it has to be 1 or more",
        ),
        ({"max_headers": 0}, ValueError, "max_headers is out of range: it has to be 1 or more"),
        (
            {"first_byte_timeout": 0},
            ValueError,
            "first_byte_timeout is out of range: it has to be more than 0",
        ),
        ({"proxy": "socks4://127.0.0.1:1"}, ValueError, "not supported"),
        ({"proxy": True}, TypeError, ""),
        ({"ca_file": "/nowhere/ca.pem"}, ValueError, "/nowhere/ca.pem"),
        ({"ca_pem": b"nonsense"}, ValueError, "ca_pem"),
        ({"client_cert": ("/nowhere/a", "/nowhere/b")}, ValueError, "client certificate"),
        ({"client_cert": "a"}, TypeError, ""),
        ({"provider": "acme"}, ValueError, "unknown provider"),
        ({"policy": 3}, TypeError, "RetryPolicy"),
        ({"quota": 30}, TypeError, "Quota"),
        ({"connect_timeout": "soon"}, TypeError, ""),
        ({"colour": 1}, TypeError, "colour"),
    ],
)
def test_options_are_checked(
    options: dict[str, Any], problem: type[Exception], expected: str
) -> None:
    with pytest.raises(problem) as caught:
        resayil.Client(**{"api_key": "sk_llmr_example", **options})
    assert expected in str(caught.value) and "secret" not in str(caught.value)


def test_the_key_comes_from_the_environment(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESAYIL_API_KEY", sandbox.api_key)
    monkeypatch.setenv("RESAYIL_BASE_URL", sandbox.base_url)
    client = resayil.Client()
    assert client.models.list().data
    assert sandbox.api_key not in repr(client)
    monkeypatch.delenv("RESAYIL_API_KEY")
    with pytest.raises(resayil.ConfigurationError, match="RESAYIL_API_KEY"):
        resayil.Client()


@pytest.mark.parametrize(
    ("arguments", "problem", "expected"),
    [
        ({"timeout": "soon"}, TypeError, "timeout has to be a number of seconds, not str"),
        (
            {"timeout": 0},
            resayil.ConfigurationError,
            "attempt_timeout is out of range: it has to be more than 0",
        ),
        ({"tempurature": 1}, TypeError, "did you mean 'temperature'?"),
        ({"top_k": 1}, TypeError, "extra_body={...}"),
        ({"extra_body": {"a": object()}}, TypeError, "cannot hold a value of the type object"),
        ({"extra_headers": {"Host": "x"}}, resayil.ConfigurationError, '"Host" cannot be set'),
        ({"extra_headers": {"x": b"y"}}, TypeError, "extra_headers has to have texts"),
        ({"extra_query": [1]}, TypeError, "extra_query has to be a mapping"),
        ({"messages": "hi"}, TypeError, "messages has to be a list of messages such as"),
        ({"messages": {"role": "user"}}, TypeError, "messages has to be a list of messages"),
        ({"messages": ["hi"]}, TypeError, "messages[0] has to be a message such as"),
        ({"messages": None}, TypeError, "not None"),
        ({"model": None}, TypeError, "model has to be the name of a model, not None"),
        ({"temperature": float("nan")}, ValueError, ""),
        ({"deadline": -1}, ValueError, "deadline has to be 0 or more seconds"),
        ({"idempotency_key": "a b"}, resayil.ConfigurationError, "idempotency key"),
    ],
)
def test_arguments_are_checked(
    sandbox: Sandbox, arguments: dict[str, Any], problem: type[Exception], expected: str
) -> None:
    with pytest.raises(problem) as caught:
        sandbox.client().chat.completions.create(
            **{"model": "mistral", "messages": HELLO, **arguments}
        )
    assert expected in str(caught.value)
    assert sandbox.log == []


def test_a_short_timeout_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "resayil"):
        resayil.Client("sk_llmr_example", attempt_timeout=5.0)
    assert "30 s or more" in caplog.text


def _in_child(client: resayil.Client, results: Any) -> None:
    answer = client.chat.completions.create(model="mistral", messages=HELLO)
    results.put((os.getpid(), answer.choices[0].message.content))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_uses_its_own_connections(sandbox: Sandbox) -> None:
    client = sandbox.client()
    client.chat.completions.create(model="mistral", messages=HELLO)
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=_in_child, args=(client, results))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    pid, text = results.get()
    assert pid != os.getpid() and text == "echo: Hello"
    client.chat.completions.create(model="mistral", messages=HELLO)
    assert sandbox.statuses == [200, 200, 200]


EMPTY = {
    "fault": "status",
    "status": 200,
    "body": json.dumps(
        {"choices": [{"message": {"content": ""}}], "usage": {"completion_tokens": 1}}
    ),
}


def test_answers_that_are_not_taken(sandbox: Sandbox) -> None:
    policy = resayil.RetryPolicy(3, base_delay=0.01)
    client = sandbox.client(
        policy=policy, retry_if_result=lambda answer: not answer.choices[0].message.content
    )
    sandbox.script(EMPTY, EMPTY)
    answer = client.chat.completions.create(model="mistral", messages=HELLO)
    assert (answer.choices[0].message.content, answer.attempts) == ("echo: Hello", 3)
    assert len({entry["idempotency_key"] for entry in sandbox.log}) == 3

    seen: list[int] = []

    def never(answer: resayil.ChatCompletion) -> bool:
        seen.append(answer.attempts)
        return True

    with pytest.raises(resayil.ResponseError) as caught:
        client.chat.completions.create(model="mistral", messages=HELLO, retry_if_result=never)
    error = caught.value
    assert (error.rejected, error.exhausted, error.attempts) == (True, True, 3)
    assert b"echo: Hello" in error.raw_body and seen == [1, 2, 3]

    # What the predicate raises goes through.
    with pytest.raises(ZeroDivisionError):
        client.chat.completions.create(
            model="mistral", messages=HELLO, retry_if_result=lambda _: 1 // 0
        )
    # Streams are not asked about.
    stream = client.chat.completions.create(
        model="mistral", messages=HELLO, stream=True, retry_if_result=never
    )
    assert len(list(stream)) > 0 and len(seen) == 3
