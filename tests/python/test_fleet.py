"""One quota for a fleet, over a Redis that the tests start."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import redis.asyncio
import resayil
import resayil.httpx
from conftest import ROOT, Sandbox, missing, target_file


@contextmanager
def start_redis(*options: str) -> Iterator[int]:
    """A redis-server of one's own; gives its port."""
    program = shutil.which("redis-server")
    if program is None:
        missing("redis-server (Debian: apt-get install redis-server)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
    all_options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *options]
    server = subprocess.Popen(
        [str(program), "--port", str(number), *all_options], stdout=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 20
        while True:
            try:
                with redis.Redis(port=number) as client:
                    client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < end, "redis-server does not start"
                time.sleep(0.01)
        yield number
    finally:
        server.kill()
        server.wait()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with start_redis() as number:
        yield number


@pytest.fixture
def connection(port: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=port) as client:
        yield client


def ask(client: resayil.Client) -> None:
    client.chat.completions.create(model="mistral", messages=[{"role": "user", "content": "Hello"}])


def remaining(client: Any) -> int | None:
    state = client.quota_state()
    return None if state is None else state.remaining


def test_a_url_and_a_client_of_redis_py_name_the_same_quota(
    sandbox: Sandbox, port: int, connection: redis.Redis
) -> None:
    quota = resayil.Quota(limit=10, window=3600.0)
    fleets = [f"redis://127.0.0.1:{port}", connection]
    one, other = (sandbox.client(quota=quota, fleet=fleet) for fleet in fleets)
    ask(one)
    ask(other)
    ask(one)
    assert remaining(one) == 7
    name = next(key for key in connection.keys() if key.startswith(b"{resayil:fleet"))
    assert connection.hget(name, "u1") == b"3"


def test_asyncio(sandbox: Sandbox, port: int) -> None:
    async def run() -> None:
        shared = redis.asyncio.Redis(port=port)
        quota = resayil.Quota(limit=10, window=7200.0)
        async with resayil.AsyncClient(
            sandbox.api_key, sandbox.base_url, quota=quota, fleet=shared
        ) as client:
            messages = [{"role": "user", "content": "Hello"}]
            asked = (
                client.chat.completions.create(model="mistral", messages=messages) for _ in "abc"
            )
            await asyncio.gather(*asked)
            assert remaining(client) == 7
        # And by hand.
        group = resayil.Quota(limit=5, window=3600.0, fleet=shared, group="by hand, async")
        ticket = await group.acquire_async(timeout=5)
        ticket.settle(200, {})
        assert group.state().remaining == 4
        await shared.aclose()

    asyncio.run(run())
    with pytest.raises(TypeError, match="event loop"):
        resayil.Quota(fleet=redis.asyncio.Redis(port=port), group="no loop")


def test_a_quota_by_hand(port: int) -> None:
    url = f"redis://127.0.0.1:{port}"
    one, other = (
        resayil.Quota(limit=3, window=3600.0, fleet=url, group="by hand") for _ in range(2)
    )
    for quota in (one, other, one):
        with quota.slot():
            pass
    with pytest.raises(resayil.DeadlineExceededError):
        other.acquire(timeout=1)
    with pytest.raises(TypeError, match="group"):
        resayil.Quota(fleet=url)
    with pytest.raises(TypeError, match="fleet has to be"):
        resayil.Quota(fleet=7, group="x")
    with pytest.raises(resayil.ConfigurationError, match="URL") as raised:
        resayil.Quota(fleet="http://user:hunter2@host", group="x")
    assert "hunter2" not in str(raised.value)


def test_transports(sandbox: Sandbox, connection: redis.Redis) -> None:
    quota = resayil.Quota(limit=9, window=1800.0)
    body = {"model": "mistral", "messages": [{"role": "user", "content": "Hello"}]}
    headers = {"Authorization": f"Bearer {sandbox.api_key}"}
    before = set(connection.keys())
    for _ in range(2):
        transport = resayil.httpx.RetryTransport(quota=quota, fleet=connection)
        with httpx.Client(transport=transport) as client:
            answer = client.post(f"{sandbox.base_url}/chat/completions", json=body, headers=headers)
            assert answer.status_code == 200
    (name,) = set(connection.keys()) - before
    assert connection.hget(name, "u1") == b"2"


def test_without_a_server_one_warning_is_logged(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        fleet = f"redis://user:hunter2@127.0.0.1:{nobody.getsockname()[1]}"
        client = sandbox.client(quota=resayil.Quota(limit=100), fleet=fleet)
        ask(client)
        ask(client)
        time.sleep(0.05)
        ask(client)
    told = [record.getMessage() for record in caplog.records if "not shared" in record.getMessage()]
    assert len(told) == 1 and "hunter2" not in told[0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_process_goes_on(port: int) -> None:
    program = f"""
import os, resayil
quota = resayil.Quota(limit=50, window=3600.0, fleet="redis://127.0.0.1:{port}", group="forked")
with quota.slot():
    pass
child = os.fork()
for _ in range(3):
    with quota.slot():
        pass
assert quota.state().remaining is not None
if child == 0:
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
with quota.slot():
    pass
assert quota.state().remaining == 50 - 8, quota.state()
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.fixture(scope="module")
def c_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in C, over hiredis, linked with the library."""
    library = target_file("libresayil.a")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if library is None or compiler is None:
        missing("a C compiler and libresayil.a (cargo build -p resayil-capi)")
    program = tmp_path_factory.mktemp("c") / "fleet"
    source = ROOT / "tests/c/fleet.c"
    build = [compiler, "-std=c99", "-D_DEFAULT_SOURCE", "-I", str(ROOT / "include"), str(source)]
    link = [str(library), "-lhiredis", "-pthread", "-ldl", "-lm", "-o", str(program)]
    subprocess.run([*build, *link], check=True)
    return program
