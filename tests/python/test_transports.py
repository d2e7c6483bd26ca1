"""The transports for httpx, httpx2 and requests, and OpenAI's SDK through them."""

from __future__ import annotations

import asyncio
import importlib
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require

require("httpx")
require("httpx2")
requests = require("requests")
openai = require("openai")

import resayil.requests  # noqa: E402

BODY = {"model": "mistral", "messages": [{"role": "user", "content": "Hello"}]}
LIMITED = {"fault": "rate_limited", "retry_after": 45}


def test_modules_are_loaded_when_asked_for() -> None:
    program = (
        "import sys, resayil; assert not {'httpx', 'httpx2', 'requests'} & set(sys.modules);"
        "resayil.httpx.RetryTransport(); resayil.requests.RetryAdapter(); resayil.httpx2;"
        "assert not hasattr(resayil, 'tea')"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def headers(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.api_key}", "Accept": "application/json"}


@pytest.fixture(params=["httpx", "httpx2"])
def libraries(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    yield (
        importlib.import_module(request.param),
        importlib.import_module(f"resayil.{request.param}"),
    )


def test_a_refusal_is_waited_for(sandbox: Sandbox, libraries: tuple[Any, Any]) -> None:
    library, ours = libraries
    sandbox.script(LIMITED, "drop", "server_error")
    with (
        resayil.testing() as waits,
        library.Client(transport=ours.RetryTransport(quota=None)) as client,
    ):
        answer = client.post(
            sandbox.base_url + "/chat/completions", json=BODY, headers=headers(sandbox)
        )
    assert answer.json()["choices"][0]["message"]["content"] == "echo: Hello"
    assert sandbox.statuses == [429, None, 500, 200]
    # That a kept connection breaks costs no wait.
    assert len(waits) == 2 and 45.0 <= waits[0] <= 46.0
    assert len({entry["idempotency_key"] for entry in sandbox.log}) == 1


def test_async(sandbox: Sandbox, libraries: tuple[Any, Any]) -> None:
    library, ours = libraries
    sandbox.script(LIMITED, "drop", "server_error")

    async def main() -> Any:
        async with library.AsyncClient(transport=ours.AsyncRetryTransport(quota=None)) as client:
            return await client.post(
                sandbox.base_url + "/chat/completions", json=BODY, headers=headers(sandbox)
            )

    with resayil.testing() as waits:
        answer = asyncio.run(main())
    assert answer.status_code == 200 and len(waits) == 2
    assert sandbox.statuses == [429, None, 500, 200]


def test_the_last_answer_is_given_and_marked(sandbox: Sandbox, libraries: tuple[Any, Any]) -> None:
    library, ours = libraries
    sandbox.script(*["server_error"] * 9)
    policy = resayil.RetryPolicy(max_attempts=3)
    transport = ours.RetryTransport(policy=policy, quota=None)
    with resayil.testing() as waits, library.Client(transport=transport) as client:
        answer = client.post(
            sandbox.base_url + "/chat/completions", json=BODY, headers=headers(sandbox)
        )
        assert answer.status_code == 500 and answer.json()
        error = answer.extensions["resayil_error"]
        assert (error.attempts, error.exhausted) == (3, True)
        with pytest.raises(library.HTTPStatusError):
            resayil.retry(answer.raise_for_status)()
    assert len(waits) == 2 and len(sandbox.log) == 3


def test_what_cannot_be_mended_is_sent_once(sandbox: Sandbox, libraries: tuple[Any, Any]) -> None:
    library, ours = libraries
    url = sandbox.base_url + "/chat/completions"

    def pieces() -> Iterator[bytes]:
        yield b"{}"

    with (
        resayil.testing() as waits,
        library.Client(transport=ours.RetryTransport(quota=None)) as client,
    ):
        answer = client.post(url, json={}, headers=headers(sandbox))
        assert answer.status_code == 422
        sandbox.script("server_error", LIMITED)
        answer = client.post(url, content=pieces(), headers=headers(sandbox))
        assert answer.status_code in (422, 429, 500)
    assert waits == [] and len(sandbox.log) == 2


def openai_client(sandbox: Sandbox, **options: Any) -> Any:
    # Before its version 3 it sends through httpx.
    httpx2 = issubclass(openai.DefaultHttpxClient, importlib.import_module("httpx2").Client)
    name = "resayil.httpx2" if httpx2 else "resayil.httpx"
    transport = importlib.import_module(name).RetryTransport(quota=None, **options)
    return openai.OpenAI(
        api_key=sandbox.api_key,
        base_url=sandbox.base_url,
        http_client=openai.DefaultHttpxClient(transport=transport),
    )


def test_openais_sdk(sandbox: Sandbox) -> None:
    sandbox.script(LIMITED, "server_error")
    with resayil.testing() as waits, openai_client(sandbox) as client:
        answer = client.chat.completions.create(**BODY)
        assert answer.choices[0].message.content == "echo: Hello"
        assert len(waits) == 2 and 45.0 <= waits[0] <= 46.0
        # Its own retries do not multiply ours.
        sandbox.reset()
        sandbox.change(limit=1000)
        sandbox.script(*["server_error"] * 20)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(**BODY)
    assert len(sandbox.log) == 5


def test_requests(sandbox: Sandbox) -> None:
    url = sandbox.base_url + "/chat/completions"
    sandbox.script(LIMITED, "drop", "server_error")
    with resayil.testing() as waits, requests.Session() as session:
        session.mount("http://", resayil.requests.RetryAdapter(quota=None))
        answer = session.post(url, json=BODY, headers=headers(sandbox))
        assert answer.json()["choices"][0]["message"]["content"] == "echo: Hello"
        assert sandbox.statuses == [429, None, 500, 200] and len(waits) == 2

        # A budget of its own: the failures before are not held against it.
        session.mount("http://", resayil.requests.RetryAdapter(quota=None))
        sandbox.reset()
        sandbox.change(limit=1000)
        sandbox.script(*["server_error"] * 9)
        answer = session.post(url, json=BODY, headers=headers(sandbox))
        assert answer.status_code == 500 and len(sandbox.log) == 5
        error = answer.resayil_error
        assert (error.attempts, error.exhausted) == (5, True)
        with pytest.raises(requests.HTTPError):
            resayil.retry(answer.raise_for_status)()
        assert len(sandbox.log) == 5
    adapter = resayil.requests.RetryAdapter(policy=resayil.RetryPolicy(2))
    assert pickle.loads(pickle.dumps(adapter))._policy == resayil.RetryPolicy(2)
