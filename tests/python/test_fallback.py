"""Other models and services that take a chat over."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
import resayil
from conftest import Sandbox

HELLO = [{"role": "user", "content": "Hello"}]
MISSING = "no such model"
BUSY = {"fault": "status", "status": 503, "body": "busy"}


def test_a_missing_model_is_replaced_at_once(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    client = sandbox.client(fallback=["nor is this", "mistral"])
    with caplog.at_level(logging.WARNING, "resayil"):
        answer = client.chat.completions.create(model=MISSING, messages=HELLO)
    assert (answer.fallback, answer.attempts) == (1, 3)
    assert pickle.loads(pickle.dumps(answer)).fallback == 1
    assert [entry["model"] for entry in sandbox.log] == [MISSING, "nor is this", "mistral"]
    keys = [entry["idempotency_key"] for entry in sandbox.log]
    assert keys[1:] == [f"{keys[0]}-1", f"{keys[0]}-2"]
    fields: list[Any] = [record.__dict__ for record in caplog.records]
    assert [(it["action"], it["reason"], it["delay"]) for it in fields] == [
        ("retry", "fallback", None)
    ] * 2
    assert "next at once (fallback)" in caplog.text
    assert client.stats()["retries_by_reason"] == {"fallback": 2}

    stream = client.chat.completions.create(model=MISSING, messages=HELLO, stream=True)
    assert stream.fallback == 1 and len(list(stream)) > 0
    answer = client.chat.completions.create(model="mistral", messages=HELLO)
    assert answer.fallback is None


def test_a_predicate_sees_who_answered(sandbox: Sandbox) -> None:
    seen: list[Any] = []

    def look(answer: resayil.ChatCompletion) -> bool:
        seen.append(answer.fallback)
        return False

    client = sandbox.client(fallback=["mistral"], retry_if_result=look)
    client.chat.completions.create(model=MISSING, messages=HELLO)
    assert seen == [0]


def test_nothing_falls_back_by_default(sandbox: Sandbox) -> None:
    with pytest.raises(resayil.NotFoundError) as caught:
        sandbox.client().chat.completions.create(model=MISSING, messages=HELLO)
    assert caught.value.attempts == 1


def test_the_last_error_is_raised(sandbox: Sandbox) -> None:
    policy = resayil.RetryPolicy(base_delay=0.01)
    client = sandbox.client(policy=policy, fallback=resayil.Fallback(["llama3.2:3b", "gone"]))
    sandbox.script(BUSY, BUSY, BUSY, BUSY)
    with pytest.raises(resayil.NotFoundError) as caught:
        client.chat.completions.create(model="mistral", messages=HELLO)
    assert (caught.value.attempts, caught.value.model) == (5, "gone")


def test_keys_stay_where_they_belong(sandbox: Sandbox) -> None:
    elsewhere = resayil.FallbackTarget(base_url="https://other.example/v1")
    with pytest.raises(resayil.ConfigurationError, match="an API key of its own"):
        sandbox.client(fallback=[elsewhere])
    secret = resayil.FallbackTarget("m", "https://other.example/v1", "sk_secret")
    fallback = resayil.Fallback([secret])
    assert "sk_secret" not in repr(secret) + repr(fallback) + repr(
        sandbox.client(fallback=fallback)
    )
    assert fallback.targets[0].api_key == "sk_secret"


def test_options() -> None:
    fallback = resayil.Fallback(iter(["a", resayil.FallbackTarget("b")]))
    assert fallback == resayil.Fallback(["a", "b"]) != resayil.Fallback(["b", "a"])
    assert fallback.on == ("not_found", "overloaded")
    assert (fallback.overloaded_attempts, fallback.max_wait) == (2, 10.0)
    changed = resayil.Fallback(["a"], on=["server"], overloaded_attempts=3, max_wait=1.5)
    assert (changed.on, changed.overloaded_attempts, changed.max_wait) == (("server",), 3, 1.5)
    assert (changed.targets[0].model, changed.targets[0].base_url) == ("a", None)
    bad: list[tuple[Any, dict[str, Any], type[Exception]]] = [
        ([], {}, ValueError),
        ([resayil.FallbackTarget(api_key="k")], {}, ValueError),
        (["a"], {"on": ["sever"]}, ValueError),
        (["a"], {"on": ["cancelled"]}, ValueError),
        (["a"], {"overloaded_attempts": 0}, ValueError),
        (["a"], {"overloaded_attempts": -1}, ValueError),
        (["a"], {"max_wait": -1.0}, ValueError),
        (["a"], {"max_wait": 1e6}, ValueError),
        ("mistral", {}, TypeError),
        ([1], {}, TypeError),
    ]
    for targets, options, kind in bad:
        with pytest.raises(kind):
            resayil.Fallback(targets, **options)


@pytest.fixture
def calls() -> Iterator[tuple[resayil.Call, resayil.FallbackCall]]:
    yield resayil.RetryPolicy().start(0.0, 1), resayil.Fallback(["b"]).start()


def test_without_a_client(calls: tuple[resayil.Call, resayil.FallbackCall]) -> None:
    call, targets = calls
    error = resayil.OverloadedError("busy", status=503)
    found = []
    for _ in range(4):
        call.on_error(error, 0.0)
        found.append(targets.next(call, error, 0.0))
        if found[-1] is not None:
            assert targets.current == 0
            call.restart(budget=resayil.Budget(0.0, 0.0))
            assert call.failures == 0
    assert found == [None, 0, None, None]
    # The new service's budget is empty.
    assert call.on_error(error, 0.0).reason == "budget"
    with pytest.raises(TypeError):
        targets.next(call, ValueError(), 0.0)
