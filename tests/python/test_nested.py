"""Layers of retries, one in another: the inner end is heeded, and the same request has one key."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require

httpx = require("httpx")
requests = require("requests")
openai = require("openai")

import resayil.httpx  # noqa: E402
import resayil.requests  # noqa: E402

HELLO: Any = [{"role": "user", "content": "Hello"}]
BODY = {"model": "mistral", "messages": HELLO}
ONCE = resayil.RetryPolicy.none()
QUICK = resayil.RetryPolicy(base_delay=0.001, max_delay=0.002)


def keys(sandbox: Sandbox) -> list[Any]:
    return [entry["idempotency_key"] for entry in sandbox.log]


def headers(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.api_key}", "Accept": "application/json"}


def test_a_client_that_is_exhausted_is_not_called_again(sandbox: Sandbox) -> None:
    sandbox.script(*["server_error"] * 20)
    client = sandbox.client(policy=QUICK)

    @resayil.retry
    @resayil.retry
    def call() -> Any:
        return client.chat.completions.create(**BODY)  # type: ignore[call-overload]

    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError) as caught:
        call()
    assert len(sandbox.log) == 5 and waits == []
    assert caught.value.exhausted and caught.value.attempts == 5


def test_one_key_for_a_decorated_call_of_a_client(sandbox: Sandbox) -> None:
    client = sandbox.client(policy=ONCE)

    @resayil.retry
    def call(*texts: str) -> list[Any]:
        return [
            client.chat.completions.create(
                model="mistral", messages=[{"role": "user", "content": text}]
            )
            for text in texts
        ]

    with resayil.testing():
        sandbox.script("server_error", "drop")
        call("a")
        call("a")
    one, two, three, other = keys(sandbox)
    assert one == two == three != other

    # Several requests of one call have keys of their own, the same in each attempt.
    sandbox.reset()
    sandbox.change(limit=1000)
    sandbox.script("slow_drip", "slow_drip", "server_error")
    with resayil.testing():
        assert len(call("a", "b", "a")) == 3
    first, second = keys(sandbox)[:3], keys(sandbox)[3:]
    assert len(set(first)) == 3 and first == second

    # A key that was given is that of all attempts, as it was before.
    sandbox.reset()
    sandbox.change(limit=1000)
    sandbox.script("server_error")
    with resayil.testing():
        resayil.retry(
            lambda: client.chat.completions.create(
                model="mistral", messages=HELLO, idempotency_key="order-1"
            )
        )()
    assert keys(sandbox) == ["order-1", "order-1"]
    client.chat.completions.create(model="mistral", messages=HELLO)
    client.chat.completions.create(model="mistral", messages=HELLO)
    assert len(set(keys(sandbox))) == 3


def test_one_key_through_several_layers_and_tasks(sandbox: Sandbox) -> None:
    client = sandbox.client(policy=ONCE)
    failures = [resayil.InternalServerError("first"), resayil.InternalServerError("second")]

    @resayil.retry
    async def inner() -> Any:
        return await asyncio.to_thread(
            lambda: client.chat.completions.create(model="mistral", messages=HELLO)
        )

    @resayil.retry
    async def outer() -> Any:
        answers = await asyncio.gather(inner(), inner())
        if failures:
            raise failures.pop()
        return answers

    with resayil.testing():
        asyncio.run(outer())
    attempts = [sorted(keys(sandbox)[index : index + 2]) for index in (0, 2, 4)]
    assert attempts[0] == attempts[1] == attempts[2] and len(set(attempts[0])) == 2


def test_a_rejected_result_is_asked_for_under_another_key(sandbox: Sandbox) -> None:
    client = sandbox.client(policy=ONCE)
    wanted = iter([True, True, False])

    @resayil.retry(retry_if_result=lambda _: next(wanted))
    def call() -> Any:
        return client.chat.completions.create(model="mistral", messages=HELLO)

    with resayil.testing() as waits:
        assert call().choices[0].message.content == "echo: Hello"
    assert len(waits) == 2 and len(set(keys(sandbox))) == 3


@pytest.mark.parametrize("below", ["httpx", "requests"])
def test_one_key_for_a_decorated_call_through_a_transport(sandbox: Sandbox, below: str) -> None:
    url = sandbox.base_url + "/chat/completions"
    session: Any
    if below == "httpx":
        session = httpx.Client(transport=resayil.httpx.RetryTransport(policy=ONCE))
    else:
        session = requests.Session()
        session.mount("http://", resayil.requests.RetryAdapter(policy=ONCE))

    @resayil.retry
    def call() -> Any:
        answer = session.post(url, json=BODY, headers=headers(sandbox))
        answer.raise_for_status()
        return answer

    sandbox.script("server_error", "drop")
    with session, resayil.testing():
        assert call().json()["choices"]
        call()
    one, two, three, other = keys(sandbox)
    assert one == two == three != other and one.startswith("resayil-")


def openai_client(sandbox: Sandbox, policy: resayil.RetryPolicy) -> Any:
    httpx2 = issubclass(openai.DefaultHttpxClient, importlib.import_module("httpx2").Client)
    module = importlib.import_module("resayil.httpx2" if httpx2 else "resayil.httpx")
    return openai.OpenAI(
        api_key=sandbox.api_key,
        base_url=sandbox.base_url,
        http_client=openai.DefaultHttpxClient(transport=module.RetryTransport(policy=policy)),
    )


def test_openais_sdk_does_not_multiply_lost_connections(sandbox: Sandbox) -> None:
    sandbox.script(*["drop"] * 20)
    with openai_client(sandbox, QUICK) as client, resayil.testing():
        with (
            pytest.warns(RuntimeWarning, match="max_retries=0"),
            pytest.raises(openai.APIConnectionError) as caught,
        ):
            client.chat.completions.create(**BODY)
        assert len(sandbox.log) == 5 and len(set(keys(sandbox))) == 1
        assert caught.value.__cause__ is not None
        # The next call is a new one.
        with pytest.raises(openai.APIConnectionError):
            client.with_options(max_retries=0).chat.completions.create(**BODY)
        assert len(set(keys(sandbox))) == 2


def test_what_openais_sdk_retries_has_one_key(sandbox: Sandbox) -> None:
    sandbox.script("server_error", "drop")
    with openai_client(sandbox, ONCE) as client:
        client.chat.completions.create(**BODY)
        client.chat.completions.create(**BODY)
    one, two, three, other = keys(sandbox)
    assert one == two == three != other
