"""The asynchronous client, in asyncio and in trio."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require

trio = require("trio")
HELLO: Any = [{"role": "user", "content": "Hello"}]

Run = Callable[[Callable[[], Awaitable[Any]]], Any]


def run_asyncio(function: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        return await function()

    return asyncio.run(main())


def run_trio(function: Callable[[], Awaitable[Any]]) -> Any:
    return trio.run(function)


both = pytest.mark.parametrize("run", [run_asyncio, run_trio], ids=["asyncio", "trio"])


def make(sandbox: Sandbox, **options: Any) -> resayil.AsyncClient:
    return resayil.AsyncClient(sandbox.api_key, sandbox.base_url, **options)


async def ask(client: resayil.AsyncClient, text: str = "Hello", **options: Any) -> str:
    answer = await client.chat.completions.create(
        model="mistral", messages=[{"role": "user", "content": text}], **options
    )
    content = answer.choices[0].message.content
    assert isinstance(content, str)
    return content


@both
def test_calls(sandbox: Sandbox, run: Run) -> None:
    async def main() -> None:
        async with make(sandbox) as client:
            assert await ask(client) == "echo: Hello"
            assert "mistral" in [model.id for model in (await client.models.list()).data]
            assert isinstance((await client.balance()).credits, float)
            raw = await client.post("chat/completions", {"model": "mistral", "messages": HELLO})
            assert raw.json()["choices"][0]["message"]["content"] == "echo: Hello"
            assert (await client.get("models")).status_code == 200
            with pytest.raises(resayil.NotFoundError):
                await client.embeddings.create(model="e", input="x")
            with pytest.raises(resayil.UnprocessableEntityError) as caught:
                await ask(client, temperature=9.0)
            assert list(caught.value.field_errors) == ["temperature"]
            for arguments in ({"messages": "hi"}, {"tempurature": 1}):
                with pytest.raises(TypeError):
                    await client.chat.completions.create(
                        **{"model": "mistral", "messages": HELLO, **arguments}
                    )
            assert await ask(client.with_options(max_retries=0, timeout=60.0)) == "echo: Hello"
        with pytest.raises(RuntimeError, match="closed"):
            await ask(client)

    run(main)


@both
def test_retries_and_their_key(sandbox: Sandbox, run: Run) -> None:
    sandbox.script({"fault": "rate_limited", "retry_after": 1}, "server_error")

    async def main() -> None:
        policy = resayil.RetryPolicy(base_delay=0.05)
        assert await ask(make(sandbox, policy=policy)) == "echo: Hello"

    run(main)
    first, second, third = sandbox.log
    assert 1.0 <= second["time"] - first["time"] < 2.5
    assert first["idempotency_key"] == second["idempotency_key"] == third["idempotency_key"]


@both
def test_streams(sandbox: Sandbox, run: Run) -> None:
    text = "one two three four five six seven eight nine ten " * 5

    async def main() -> None:
        client = make(sandbox)
        stream = await client.chat.completions.create(
            model="mistral", messages=[{"role": "user", "content": text}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
        assert "".join(pieces).split() == f"echo: {text}".split() and len(pieces) > 20
        assert stream.attempts == 1 and [chunk async for chunk in stream] == []

        sandbox.script({"fault": "cut_stream", "events": 2})
        seen = []
        with pytest.raises(resayil.APIConnectionError) as caught:
            async for chunk in await client.chat.completions.create(
                model="mistral", messages=[{"role": "user", "content": text}], stream=True
            ):
                seen.append(chunk.choices[0].delta.content or "")
        assert "".join(seen) == caught.value.partial_text != ""

        sandbox.script({"fault": "status", "status": 401})
        with pytest.raises(resayil.AuthenticationError):
            await client.chat.completions.create(model="mistral", messages=HELLO, stream=True)

        async with await client.chat.completions.create(
            model="mistral", messages=[{"role": "user", "content": text}], stream=True
        ) as left:
            async for _ in left:
                break
        assert [chunk async for chunk in left] == []

    run(main)


def in_flight(client: resayil.AsyncClient) -> int:
    count = client.stats()["concurrency"]["in_flight"]
    assert isinstance(count, int)
    return count


async def freed(client: resayil.AsyncClient, sleep: Callable[[float], Awaitable[None]]) -> float:
    """How long it takes until no place is taken, in seconds."""
    start = time.monotonic()
    while in_flight(client):
        assert time.monotonic() - start < 5
        await sleep(0.005)
    return time.monotonic() - start


def test_a_cancelled_task_frees_its_place_at_once(sandbox: Sandbox) -> None:
    async def main() -> None:
        client = make(sandbox, max_concurrency=1)
        sandbox.script("hang")
        hanging = asyncio.create_task(ask(client))
        while not in_flight(client):
            await asyncio.sleep(0.005)
        # It waits for the place.
        waiting = asyncio.create_task(ask(client, "second"))
        gone = asyncio.create_task(ask(client, "third"))
        await asyncio.sleep(0.1)
        gone.cancel()
        hanging.cancel()
        start = time.monotonic()
        assert await waiting == "echo: second"
        assert time.monotonic() - start < 2
        for task in (hanging, gone):
            with pytest.raises(asyncio.CancelledError):
                await task
        sandbox.script({"fault": "slow_drip", "bytes": 8, "interval": 0.5})
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(ask(client, "slow"), 0.3)
        assert await freed(client, asyncio.sleep) < 1.5

    asyncio.run(main())
    prompts = [entry["prompt"] for entry in sandbox.log]
    assert "third" not in prompts


def test_a_stream_that_is_cancelled_or_dropped_frees_its_place(sandbox: Sandbox) -> None:
    text: Any = [{"role": "user", "content": "word " * 400}]

    async def main() -> None:
        client = make(sandbox, max_concurrency=1)
        sandbox.script({"fault": "slow_drip", "bytes": 300, "interval": 1.0})
        stream = await client.chat.completions.create(model="mistral", messages=text, stream=True)

        async def read() -> None:
            async for _ in stream:
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        assert in_flight(client) == 1 and not task.done()
        task.cancel()
        assert await freed(client, asyncio.sleep) < 1.0
        # Dropped while its thread waits for room.
        left = await client.chat.completions.create(model="mistral", messages=text, stream=True)
        await asyncio.sleep(0.1)
        del left
        gc.collect()
        assert await freed(client, asyncio.sleep) < 1.0

    asyncio.run(main())


def test_cancelling_in_trio(sandbox: Sandbox) -> None:
    async def main() -> None:
        client = make(sandbox, max_concurrency=1)
        sandbox.script("hang")
        with trio.move_on_after(0.3) as scope:
            await ask(client)
        assert scope.cancelled_caught
        assert await freed(client, trio.sleep) < 1.5
        assert await ask(client, "next") == "echo: next"

    trio.run(main)


def test_a_cancelled_wait_for_the_quota_gives_its_turn_to_the_next(sandbox: Sandbox) -> None:
    async def main() -> None:
        quota = resayil.Quota(limit=1, window=0.6)
        client = make(sandbox, quota=quota)
        await ask(client, "first")
        tasks = [asyncio.create_task(ask(client, name)) for name in ("a", "b")]
        await asyncio.sleep(0.1)
        assert quota.state().waiting == 2
        tasks[0].cancel()
        await asyncio.sleep(0.1)
        assert quota.state().waiting == 1
        assert await tasks[1] == "echo: b"

    asyncio.run(main())
    assert [entry["prompt"] for entry in sandbox.log] == ["first", "b"]


def test_many_at_once_and_none_refused(sandbox: Sandbox) -> None:
    sandbox.change(limit=1000)

    async def main() -> None:
        client = make(sandbox, max_concurrency=20)
        texts = [f"number {index}" for index in range(100)]
        answers = await asyncio.gather(*(ask(client, text) for text in texts))
        assert answers == [f"echo: {text}" for text in texts]
        assert client.stats()["refused"] == 0

    asyncio.run(main())


def test_one_client_in_several_loops(sandbox: Sandbox) -> None:
    client = make(sandbox)
    found: list[str] = []

    def in_thread() -> None:
        found.append(asyncio.run(ask(client)))

    threads = [threading.Thread(target=in_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert found == ["echo: Hello"] * 4


def test_a_loop_that_ends_first_is_no_harm(sandbox: Sandbox) -> None:
    client = make(sandbox)
    sandbox.script({"fault": "slow_drip", "bytes": 4, "interval": 0.1})

    async def main() -> None:
        task = asyncio.create_task(ask(client))
        await asyncio.sleep(0.1)
        task.cancel()

    asyncio.run(main())
    gc.collect()
    assert asyncio.run(ask(client)) == "echo: Hello"


def test_nested_in_retry_the_key_stays(sandbox: Sandbox) -> None:
    sandbox.script("server_error")
    client = make(sandbox, policy=resayil.RetryPolicy.none())

    @resayil.retry(policy=resayil.RetryPolicy(base_delay=0.01))
    async def twice() -> str:
        return await ask(client)

    assert asyncio.run(twice()) == "echo: Hello"
    first, second = sandbox.log
    assert first["idempotency_key"] == second["idempotency_key"]


def test_results_that_are_not_taken(sandbox: Sandbox) -> None:
    async def main() -> None:
        client = make(sandbox, policy=resayil.RetryPolicy(2, base_delay=0.01))
        with pytest.raises(resayil.ResponseError) as caught:
            await ask(client, retry_if_result=lambda _: True)
        assert caught.value.rejected and caught.value.attempts == 2
        with pytest.raises(ZeroDivisionError):
            await ask(client, retry_if_result=lambda _: 1 // 0)

    asyncio.run(main())


def test_it_is_pickled_and_shown_as_the_other(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESAYIL_API_KEY", sandbox.api_key)
    client = make(sandbox)
    assert repr(client) == f"<AsyncClient {sandbox.base_url}>"
    data = pickle.dumps(client)
    assert sandbox.api_key.encode() not in data
    assert asyncio.run(ask(pickle.loads(data))) == "echo: Hello"
    assert resayil.AsyncClient.__init__ is resayil.Client.__init__
