"""A kept connection that the server has closed costs no attempt: the request is sent anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
import resayil
from conftest import Sandbox, require

aiohttp = require("aiohttp")
httpx = require("httpx")
httpx2 = require("httpx2")
requests = require("requests")

import resayil.aiohttp  # noqa: E402
import resayil.httpx  # noqa: E402
import resayil.httpx2  # noqa: E402
import resayil.requests  # noqa: E402

BODY: Any = {"model": "mistral", "messages": [{"role": "user", "content": "Hello"}]}

#: Asks so often, one after the other, and gives the statuses.
Face = Callable[[Sandbox, int, resayil.RetryPolicy, resayil.Counters], "list[int]"]


def told(sandbox: Sandbox) -> Any:
    headers = {"Authorization": f"Bearer {sandbox.api_key}", "Accept": "application/json"}
    return {"url": f"{sandbox.base_url}/chat/completions", "json": BODY, "headers": headers}


def by_httpx(library: Any, door: Any) -> Face:
    def ask(sandbox: Sandbox, count: int, policy: Any, counters: Any) -> list[int]:
        transport = door.RetryTransport(policy=policy, counters=counters, quota=None)
        with library.Client(transport=transport) as client:
            return [client.post(**told(sandbox)).status_code for _ in range(count)]

    return ask


def by_async_httpx(library: Any, door: Any) -> Face:
    def ask(sandbox: Sandbox, count: int, policy: Any, counters: Any) -> list[int]:
        async def main() -> list[int]:
            transport = door.AsyncRetryTransport(policy=policy, counters=counters, quota=None)
            async with library.AsyncClient(transport=transport) as client:
                return [(await client.post(**told(sandbox))).status_code for _ in range(count)]

        return asyncio.run(main())

    return ask


def by_requests(sandbox: Sandbox, count: int, policy: Any, counters: Any) -> list[int]:
    adapter = resayil.requests.RetryAdapter(policy=policy, counters=counters, quota=None)
    with requests.Session() as session:
        session.mount("http://", adapter)
        return [session.post(**told(sandbox)).status_code for _ in range(count)]


def by_aiohttp(sandbox: Sandbox, count: int, policy: Any, counters: Any) -> list[int]:
    async def main() -> list[int]:
        middleware = resayil.aiohttp.RetryMiddleware(policy=policy, counters=counters, quota=None)
        statuses = []
        async with aiohttp.ClientSession(middlewares=[middleware]) as session:
            for _ in range(count):
                async with session.post(**told(sandbox)) as response:
                    await response.read()
                    statuses.append(response.status)
        return statuses

    return asyncio.run(main())


FACES = {
    "httpx": by_httpx(httpx, resayil.httpx),
    "httpx-async": by_async_httpx(httpx, resayil.httpx),
    "httpx2": by_httpx(httpx2, resayil.httpx2),
    "httpx2-async": by_async_httpx(httpx2, resayil.httpx2),
    "requests": by_requests,
    "aiohttp": by_aiohttp,
}


@pytest.mark.parametrize("fault", ["stale", "stale_reset"])
@pytest.mark.parametrize("name", FACES)
def test_it_is_sent_again_at_once(sandbox: Sandbox, name: str, fault: str) -> None:
    sandbox.script(fault)
    counters = resayil.Counters()
    # Were it an attempt, there would be no other.
    policy = resayil.RetryPolicy(max_attempts=1)
    assert FACES[name](sandbox, 2, policy, counters) == [200, 200]
    # A library sees by itself that a connection was closed, but not that it will be reset.
    assert counters.stats()["stale_connections"] <= 1
    if fault == "stale_reset":
        assert counters.stats()["stale_connections"] == 1
    assert counters.stats()["retries"] == 0


@pytest.mark.parametrize("name", FACES)
def test_a_new_connection_that_breaks_is_not_stale(sandbox: Sandbox, name: str) -> None:
    sandbox.script("drop")
    counters = resayil.Counters()
    policy = resayil.RetryPolicy(max_attempts=1)
    errors = (httpx.HTTPError, httpx2.HTTPError, requests.RequestException, aiohttp.ClientError)
    with pytest.raises(errors):
        FACES[name](sandbox, 1, policy, counters)
    assert counters.stats()["stale_connections"] == 0
    assert len(sandbox.log) == 1


@pytest.mark.parametrize("name", FACES)
def test_who_repeats_nothing_ambiguous_is_asked_nothing_twice(sandbox: Sandbox, name: str) -> None:
    sandbox.script("stale_reset")
    counters = resayil.Counters()
    policy = resayil.RetryPolicy(max_attempts=3, retry_ambiguous=False)
    errors = (httpx.HTTPError, httpx2.HTTPError, requests.RequestException, aiohttp.ClientError)
    with pytest.raises(errors):
        FACES[name](sandbox, 2, policy, counters)
    assert counters.stats()["stale_connections"] == 0
