"""The SDKs of others over our transports: nobody is refused, nothing is multiplied."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import json
import os
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import resayil
from conftest import Sandbox, find_command, missing, require, start_sandbox
from recorder import Request, recorder

# It would fetch a list of prices from the network.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

aiohttp = require("aiohttp")
httpx2 = require("httpx2")
openai = require("openai")

import resayil.aiohttp  # noqa: E402
import resayil.httpx2  # noqa: E402

# What SDKs warn of when they are imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

CALLS = 100
LIMIT, WINDOW = 50, 3.0

#: Makes a call of an SDK; the question goes in, the answer's text comes out.
Ask = Callable[[str], Awaitable[str]]
Open = Callable[[str, str, resayil.Quota], "contextlib.AbstractAsyncContextManager[Ask]"]


def messages(question: str) -> Any:
    return [{"role": "user", "content": question}]


@contextlib.asynccontextmanager
async def by_openai(base_url: str, key: str, quota: resayil.Quota) -> Any:
    transport = resayil.httpx2.AsyncRetryTransport(quota=quota)
    http_client = openai.DefaultAsyncHttpxClient(transport=transport)
    async with openai.AsyncOpenAI(
        api_key=key, base_url=base_url, max_retries=0, http_client=http_client
    ) as sdk:

        async def ask(question: str) -> str:
            answer = await sdk.chat.completions.create(model="m", messages=messages(question))
            return str(answer.choices[0].message.content)

        yield ask


@contextlib.asynccontextmanager
async def by_aiohttp(base_url: str, key: str, quota: resayil.Quota) -> Any:
    middleware = resayil.aiohttp.RetryMiddleware(quota=quota)
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}
    async with aiohttp.ClientSession(middlewares=[middleware], headers=headers) as session:

        async def ask(question: str) -> str:
            body = {"model": "m", "messages": messages(question)}
            async with session.post(f"{base_url}/chat/completions", json=body) as response:
                response.raise_for_status()
                return str((await response.json())["choices"][0]["message"]["content"])

        yield ask


@contextlib.asynccontextmanager
async def by_litellm(base_url: str, key: str, quota: resayil.Quota) -> Any:
    litellm = require("litellm")
    middleware = resayil.aiohttp.RetryMiddleware(quota=quota)
    async with aiohttp.ClientSession(middlewares=[middleware]) as session:

        async def ask(question: str) -> str:
            answer = await litellm.acompletion(
                model="openai/m", api_base=base_url, api_key=key, max_retries=0,
                messages=messages(question), shared_session=session,
            )  # fmt: skip
            return str(answer.choices[0].message.content)

        yield ask


@contextlib.asynccontextmanager
async def by_pydantic_ai(base_url: str, key: str, quota: resayil.Quota) -> Any:
    models = require("pydantic_ai.models.openai")
    providers = require("pydantic_ai.providers.openai")
    transport = resayil.httpx2.AsyncRetryTransport(quota=quota)
    async with httpx2.AsyncClient(transport=transport) as http_client:
        provider = providers.OpenAIProvider(base_url=base_url, api_key=key, http_client=http_client)
        agent = require("pydantic_ai").Agent(models.OpenAIChatModel("m", provider=provider))

        async def ask(question: str) -> str:
            return str((await agent.run(question)).output)

        yield ask


@contextlib.asynccontextmanager
async def by_anthropic(base_url: str, key: str, quota: resayil.Quota) -> Any:
    anthropic = require("anthropic")
    transport = resayil.httpx2.AsyncRetryTransport(quota=quota)
    async with anthropic.AsyncAnthropic(
        api_key=key,
        base_url=base_url.removesuffix("/v1"),
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(transport=transport),
    ) as sdk:

        async def ask(question: str) -> str:
            answer = await sdk.messages.create(model="m", max_tokens=9, messages=messages(question))
            return str(answer.content[0].text)

        yield ask


class Windows:
    """A server like Anthropic's that admits so many requests in each window of its clock."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._counts: collections.Counter[int] = collections.Counter()
        self.refused = 0

    def __call__(self, request: Request) -> Any:
        now = time.time()
        window = int(now / WINDOW)
        with self._lock:
            self._counts[window] += 1
            admitted = self._counts[window] <= self._limit
            self.refused += not admitted
        if not admitted:
            wait = f"{(window + 1) * WINDOW - now:.3f}"
            error = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
            return 429, {"retry-after-ms": str(int(float(wait) * 1000) + 1)}, error
        question = request.body["messages"][0]["content"]
        return {
            "id": "m", "type": "message", "role": "assistant", "model": "m",
            "content": [{"type": "text", "text": f"echo: {question}"}],
            "stop_reason": "end_turn", "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip


async def ask_all(opened: Any, calls: int = CALLS) -> None:
    async with opened as ask:
        # What it prepares for its first call is not to be part of the race.
        await ask("first")
        # Nor is the time that a busy machine takes between an admission and its request.
        await asyncio.sleep(WINDOW - time.time() % WINDOW)
        answers = await asyncio.gather(*[ask(f"q{number}") for number in range(calls)])
    assert answers == [f"echo: q{number}" for number in range(calls)]


@pytest.mark.parametrize("face", [by_openai, by_aiohttp, by_litellm, by_pydantic_ai])
def test_of_a_known_limit_nobody_is_refused(face: Open) -> None:
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    options = ("--limit", str(LIMIT), "--window", str(WINDOW), "--model", "m")
    with start_sandbox(command, *options) as sandbox:
        quota = resayil.Quota(limit=LIMIT, window=WINDOW)
        asyncio.run(ask_all(face(sandbox.base_url, sandbox.api_key, quota)))
        assert sandbox.statuses == [200] * (CALLS + 1)


def test_a_limit_that_only_refusals_tell_is_kept_to() -> None:
    """Neither the limit nor the window is known at first; so much that it takes three windows."""
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    limit, calls = 20, 50
    options = ("--limit", str(limit), "--window", str(WINDOW), "--model", "m")
    windows = Windows(limit)

    async def main(stack: contextlib.ExitStack) -> list[list[int]]:
        sandboxes, asked = [], []
        for face in (by_openai, by_aiohttp, by_litellm, by_pydantic_ai, by_openai):
            # The last one tells no limit even then, but how long to wait.
            silent = ("--rate-limit-headers", "never") if len(sandboxes) == 4 else ()
            sandbox = stack.enter_context(start_sandbox(command, *options, *silent))
            quota = resayil.Quota(window=None)
            sandboxes.append(sandbox)
            asked.append(ask_all(face(sandbox.base_url, sandbox.api_key, quota), calls))
        server = stack.enter_context(recorder(windows))
        asked.append(ask_all(by_anthropic(server.base_url, "x", resayil.Quota(window=None)), calls))
        # Taken for a minute's, the windows would last that long.
        await asyncio.wait_for(asyncio.gather(*asked), 60)
        return [sandbox.statuses for sandbox in sandboxes]

    with contextlib.ExitStack() as stack:
        statuses = asyncio.run(main(stack))
    refused = [each.count(429) for each in statuses] + [windows.refused]
    # It is 3 for each, where a machine is not so slow that answers seem to take long.
    assert max(refused) <= 10, refused
    assert [each.count(200) for each in statuses] == [calls + 1] * 5


@pytest.mark.parametrize("is_async", [False, True])
def test_an_sdk_that_multiplies_is_named(sandbox: Sandbox, is_async: bool) -> None:
    sandbox.script(*["drop"] * 20)
    policy = resayil.RetryPolicy(max_attempts=2)
    options: Any = {"api_key": sandbox.api_key, "base_url": sandbox.base_url}
    question = {"model": "mistral", "messages": messages("Hello")}

    def blocking() -> None:
        transport = resayil.httpx2.RetryTransport(policy=policy)
        http_client = openai.DefaultHttpxClient(transport=transport)
        with openai.OpenAI(**options, http_client=http_client) as sdk:
            sdk.chat.completions.create(**question)

    async def main() -> None:
        transport = resayil.httpx2.AsyncRetryTransport(policy=policy)
        http_client = openai.DefaultAsyncHttpxClient(transport=transport)
        async with openai.AsyncOpenAI(**options, http_client=http_client) as sdk:
            await sdk.chat.completions.create(**question)

    with (
        resayil.testing(),
        pytest.warns(RuntimeWarning, match="max_retries=0") as warned,
        pytest.raises(openai.APIConnectionError),
    ):
        asyncio.run(main()) if is_async else blocking()
    assert len(warned) == 1
    assert len(sandbox.log) == 2


def test_anthropics_sdk_is_not_refused() -> None:
    windows = Windows()
    with recorder(windows) as server:
        quota = resayil.Quota(limit=LIMIT, window=WINDOW)
        asyncio.run(ask_all(by_anthropic(server.base_url, "x", quota)))
    assert windows.refused == 0


def test_instructor_is_not_multiplied_and_its_exception_is_read(sandbox: Sandbox) -> None:
    instructor, pydantic = require("instructor"), require("pydantic")
    core = require("instructor.core")
    shape = pydantic.create_model("Shape", text=(str, ...))
    policy = resayil.RetryPolicy(max_attempts=2)
    transport = resayil.httpx2.RetryTransport(policy=policy)
    http_client = openai.DefaultHttpxClient(transport=transport)
    options: Any = {"api_key": sandbox.api_key, "base_url": sandbox.base_url, "max_retries": 0}
    with resayil.testing(), openai.OpenAI(**options, http_client=http_client) as sdk:
        client = instructor.from_openai(sdk, mode=instructor.Mode.JSON)
        text = '{"text": "Hello"}'
        answer = {"choices": [{"message": {"role": "assistant", "content": text}}]}
        sandbox.script(
            "unavailable", {"fault": "status", "status": 200, "body": json.dumps(answer)}
        )
        question: Any = {"model": "mistral", "messages": messages("x"), "response_model": shape}
        assert client.chat.completions.create(**question).text == "Hello"
        assert sandbox.statuses == [503, 200]
        sandbox.script(*["unavailable"] * 9)
        with pytest.raises(core.InstructorRetryException) as raised:
            client.chat.completions.create(**question)
    error = resayil.from_exception(raised.value)
    assert isinstance(error, resayil.OverloadedError)
    assert error.exhausted and error.attempts == 2
    assert len(sandbox.log) == 4
