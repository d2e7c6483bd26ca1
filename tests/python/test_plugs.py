"""Our policy and quota in the retry machines and limiters of others, with the real packages."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
import resayil
from conftest import require
from recorder import Request, recorder

# What packages warn of when they are imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

httpx = require("httpx")
tenacity = require("tenacity")

BUSY = b'{"error":{"message":"Rate limit exceeded","code":429},"retry_after":7}'


def refusing(times: int, status: int = 429) -> Any:
    """Answers of a server that fails so often, and then answers."""
    left = [times]

    def answer(request: Request) -> Any:
        if left[0]:
            left[0] -= 1
            return status, {}, BUSY if status == 429 else b"{}"
        return {
            "id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "hi"},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip

    return answer


def by_tenacity(url: str, waits: list[float], **options: Any) -> Any:
    @tenacity.retry(
        retry=resayil.tenacity.retry_by_policy(**options),
        wait=resayil.tenacity.wait_by_policy(**options),
        sleep=waits.append,
        reraise=True,
    )
    def ask() -> Any:
        answer = httpx.post(url, json={})
        answer.raise_for_status()
        return answer.json()

    return ask


def test_tenacity_waits_as_the_server_asks() -> None:
    waits: list[float] = []
    with recorder(refusing(2)) as server:
        assert by_tenacity(server.base_url, waits)()["choices"]
    assert len(server.requests) == 3
    assert len(waits) == 2 and all(7.0 <= wait < 9.0 for wait in waits)


def test_tenacity_stops_as_the_policy_says() -> None:
    waits: list[float] = []
    policy = resayil.RetryPolicy(max_attempts=2)
    with recorder(refusing(9, 500)) as server:
        with pytest.raises(httpx.HTTPStatusError):
            by_tenacity(server.base_url, waits, policy=policy)()
        assert len(server.requests) == 2 and len(waits) == 1
    with recorder(lambda _: (401, {}, b"{}")) as server:
        with pytest.raises(httpx.HTTPStatusError):
            by_tenacity(server.base_url, waits)()
        assert len(server.requests) == 1

    @tenacity.retry(retry=resayil.tenacity.retry_by_policy(), reraise=True)
    def wrong() -> None:
        raise ValueError("no call of an API")

    with pytest.raises(ValueError):
        wrong()


def test_langchain_waits_for_the_quota() -> None:
    models = require("langchain_core.language_models.fake_chat_models")
    quota = resayil.Quota(limit=2, window=1.0)
    limiter = resayil.langchain.QuotaRateLimiter(quota, timeout=5)
    model = models.GenericFakeChatModel(messages=iter(["a", "b", "c"]), rate_limiter=limiter)
    start = time.monotonic()
    assert [model.invoke("x").content for _ in range(3)] == ["a", "b", "c"]
    assert quota.state().admitted == 3
    # The third one has waited for the next window, which may have been near.
    assert time.monotonic() - start < 3

    empty = resayil.langchain.QuotaRateLimiter(resayil.Quota(limit=1, window=3600), timeout=1)
    assert empty.acquire(blocking=False)
    assert not empty.acquire(blocking=False)
    with pytest.raises(resayil.DeadlineExceededError):
        asyncio.run(empty.aacquire())


@pytest.mark.parametrize("stops", [False, True])
def test_openais_agents_ask_the_policy(stops: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = require("agents")
    openai = require("openai")
    agents.set_tracing_disabled(True)
    waits: list[float] = []
    real_sleep = asyncio.sleep

    async def sleep(seconds: float, *result: Any) -> Any:
        if seconds > 0.3:
            waits.append(seconds)
            seconds = 0
        return await real_sleep(seconds, *result)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    policy = resayil.RetryPolicy(2)

    async def main(base_url: str) -> Any:
        client = openai.AsyncOpenAI(api_key="x", base_url=base_url, max_retries=0)
        retry = agents.ModelRetrySettings(max_retries=5, policy=resayil.agents.retry_policy(policy))
        agent = agents.Agent(
            name="a",
            model=agents.OpenAIChatCompletionsModel(model="m", openai_client=client),
            model_settings=agents.ModelSettings(retry=retry),
        )
        async with client:
            return (await agents.Runner.run(agent, "x")).final_output

    with recorder(refusing(9, 500) if stops else refusing(1)) as server:
        if stops:
            with pytest.raises(openai.InternalServerError):
                asyncio.run(main(server.base_url))
        else:
            assert asyncio.run(main(server.base_url)) == "hi"
        assert len(server.requests) == 2
    if not stops:
        assert waits and 7.0 <= waits[0] < 9.0
