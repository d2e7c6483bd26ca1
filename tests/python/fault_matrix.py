"""Every fault of the sandbox, met by the client and through the doors of other libraries.

`python tests/python/fault_matrix.py [door ...]` prints where they differ.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Union

import resayil
from conftest import ROOT, Sandbox, find_command, missing, require, start_sandbox

#: Longer than any answer takes on a slow machine, in seconds.
PATIENT = 30.0
#: For what ends by the deadline alone.
SHORT = 1.0
#: Bytes, unpacked and on the wire.
LIMIT = 256 * 1024
#: A prompt that no socket's buffers hold.
LARGE = "!" * (8 * 1024 * 1024)
AT_ONCE = 16

#: Within the limits, or longer than the deadline.
PARAMETERS = {
    "usage_flood": "~bytes=10000",
    "choices_flood": "~bytes=10000",
    "slow_drip": "~interval=1",
    "rate_limited": "~retry_after=300",
}
EARLY = ("early_answer", "early_answer_open", "no_read", "close_mid_upload")
#: Slow to unpack where nothing is optimised: fewer bytes end it.
FEW = ("gzip_empty_members",)


class Options(NamedTuple):
    """What a door is made with."""

    deadline: float
    wire: int

    def given(self) -> dict[str, Any]:
        policy = resayil.RetryPolicy(
            2, base_delay=0.001, max_delay=0.002, max_hint=100, deadline=self.deadline
        )
        return {
            "policy": policy,
            "quota": None,
            "max_response_bytes": LIMIT,
            "max_wire_bytes": self.wire,
        }


#: All that are used.
OPTIONS = (Options(PATIENT, LIMIT), Options(SHORT, LIMIT), Options(PATIENT, LIMIT // 8))


class Fault(NamedTuple):
    """A fault, met by an answer in one piece or by a stream."""

    name: str
    stream: bool
    ends_by_deadline: bool

    @property
    def path(self) -> str:
        return f"/fault/{self.name}{PARAMETERS.get(self.name, '')}/v1"

    @property
    def options(self) -> Options:
        return OPTIONS[1 if self.ends_by_deadline else 2 if self.name in FEW else 0]

    @property
    def body(self) -> dict[str, Any]:
        prompt = LARGE if self.name in EARLY and not self.stream else "Hello"
        messages = [{"role": "user", "content": prompt}]
        return {"model": "mistral", "messages": messages, "stream": self.stream}

    def __str__(self) -> str:
        return f"{self.name}, {'a stream' if self.stream else 'in one piece'}"


def faults() -> list[Fault]:
    """All that the sandbox knows, as the page has them."""
    row = r"\| `(\w+)` \|[^|]*\| ([^|]+) \| ([^|]+) \|"
    rows = re.findall(row, (ROOT / "docs/faults.md").read_text("utf-8"))
    found = [
        Fault(name, stream, verdict.startswith("deadline"))
        for name, *verdicts in rows
        for stream, verdict in zip((False, True), verdicts)
    ]
    # What waits for its deadline is begun first.
    return sorted(found, key=lambda fault: not fault.ends_by_deadline)


#: Asks the API at a URL with a key, and gives the text.
Call = Callable[[str, str, Fault], Any]


@contextlib.contextmanager
def client() -> Iterator[Call]:
    """The client of this package."""

    def call(url: str, key: str, fault: Fault) -> str:
        options = fault.options.given()
        with resayil.Client(key, url, allow_http=True, proxy=False, **options) as client:
            return _text(client.chat.completions.create(**fault.body), fault)

    yield call


@contextlib.contextmanager
def openai() -> Iterator[Call]:
    library, door, http2 = require("openai"), require("resayil.httpx2"), require("httpx2")
    with contextlib.ExitStack() as stack:
        doors = {
            options: stack.enter_context(
                library.DefaultHttpxClient(
                    transport=door.RetryTransport(
                        http2.HTTPTransport(limits=_apart(http2)), **options.given()
                    )
                )
            )
            for options in OPTIONS
        }

        def call(url: str, key: str, fault: Fault) -> str:
            http = doors[fault.options]
            sdk = library.OpenAI(api_key=key, base_url=url, max_retries=0, http_client=http)
            return _text(sdk.chat.completions.create(**fault.body), fault)

        yield call


@contextlib.asynccontextmanager
async def openai_async() -> Any:
    library, door, http2 = require("openai"), require("resayil.httpx2"), require("httpx2")
    async with contextlib.AsyncExitStack() as stack:
        doors = {}
        for options in OPTIONS:
            below = http2.AsyncHTTPTransport(limits=_apart(http2))
            transport = door.AsyncRetryTransport(below, **options.given())
            http = library.DefaultAsyncHttpxClient(transport=transport)
            doors[options] = await stack.enter_async_context(http)

        async def call(url: str, key: str, fault: Fault) -> str:
            http = doors[fault.options]
            sdk = library.AsyncOpenAI(api_key=key, base_url=url, max_retries=0, http_client=http)
            answer = await sdk.chat.completions.create(**fault.body)
            return _text([chunk async for chunk in answer] if fault.stream else answer, fault)

        yield call


@contextlib.contextmanager
def requests() -> Iterator[Call]:
    library, door = require("requests"), require("resayil.requests")

    def call(url: str, key: str, fault: Fault) -> Any:
        with library.Session() as session:
            session.trust_env = False
            session.mount("http://", door.RetryAdapter(**fault.options.given()))
            response = session.post(
                f"{url}/chat/completions",
                json=fault.body,
                headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
                stream=fault.stream,
            )
            response.raise_for_status()
            if fault.stream:
                return b"".join(response.iter_lines())
            return response.json()["choices"][0]["message"]["content"]

    yield call


@contextlib.asynccontextmanager
async def aiohttp() -> Any:
    library, door = require("aiohttp"), require("resayil.aiohttp")

    async def call(url: str, key: str, fault: Fault) -> Any:
        options = fault.options.given()
        del options["max_wire_bytes"]
        middleware = door.RetryMiddleware(**options)
        async with (
            library.ClientSession(middlewares=[middleware]) as session,
            session.post(
                f"{url}/chat/completions",
                json=fault.body,
                headers={"Authorization": f"Bearer {key}", "Accept": "application/json"},
            ) as response,
        ):
            if not fault.stream:
                response.raise_for_status()
                return (await response.json())["choices"][0]["message"]["content"]
            body = b"".join([line async for line in response.content])
            response.raise_for_status()
            return body

    yield call


def _apart(library: Any) -> Any:
    """No connection is kept: a fault strikes its own request alone."""
    return library.Limits(max_connections=None, max_keepalive_connections=0)


def _text(answer: Any, fault: Fault) -> str:
    if not fault.stream:
        return str(answer.choices[0].message.content)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices)


class Verdict(NamedTuple):
    """What came of a call."""

    kind: str
    """Of the error; `answer`, or `other` for an exception that is of no call."""
    what: Any
    seconds: float


def _verdict(what: Any, start: float) -> Verdict:
    kind = "answer"
    if isinstance(what, Exception):
        error = resayil.from_exception(what)
        kind, what = ("other", what) if error is None else (error.kind, error)
    return Verdict(kind, what, time.monotonic() - start)


def meet(door: Any, sandbox: Sandbox, *hanging: str) -> dict[Fault, Verdict]:
    """What comes of each fault. Those named last a door ends by its deadline alone."""
    origin, key, wanted = sandbox.base_url.removesuffix("/v1"), sandbox.api_key, faults()
    shortened = [fault._replace(ends_by_deadline=fault.name in hanging) for fault in wanted]
    shortened = [
        short if short.ends_by_deadline else fault for short, fault in zip(shortened, wanted)
    ]

    async def meet_async() -> list[Verdict]:
        places = asyncio.Semaphore(AT_ONCE)
        async with door() as call:

            async def one(fault: Fault) -> Verdict:
                async with places:
                    start = time.monotonic()
                    what: Union[str, Exception]
                    try:
                        what = await call(origin + fault.path, key, fault)
                    except Exception as exception:
                        what = exception
                    return _verdict(what, start)

            return await asyncio.gather(*map(one, shortened))

    if door in (openai_async, aiohttp):
        found = asyncio.run(meet_async())
        with warnings.catch_warnings():
            # aiohttp leaves a connection behind whose server never read what was sent.
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
        return dict(zip(wanted, found))
    with door() as call, ThreadPoolExecutor(AT_ONCE) as threads:

        def one(fault: Fault) -> Verdict:
            start = time.monotonic()
            try:
                return _verdict(call(origin + fault.path, key, fault), start)
            except Exception as exception:
                return _verdict(exception, start)

        return dict(zip(wanted, threads.map(one, shortened)))


def differences(plain: dict[Fault, Verdict], other: dict[Fault, Verdict]) -> list[Fault]:
    """Where a door does not come to the same as the client."""
    return [
        fault
        for fault, expected in plain.items()
        if expected.kind != other[fault].kind
        # Some doors give the events as they came.
        or (isinstance(other[fault].what, str) and expected.what != other[fault].what)
    ]


@contextlib.contextmanager
def own_sandbox() -> Iterator[Sandbox]:
    """A sandbox that refuses nobody."""
    command = find_command() or missing("the resayil command")
    with start_sandbox(command, "--limit", "100000", "--rate-limit-headers", "never") as sandbox:
        yield sandbox


DOORS: dict[str, Any] = {door.__name__: door for door in (openai, openai_async, requests, aiohttp)}


def main() -> None:
    with own_sandbox() as sandbox:
        plain = meet(client, sandbox)
        for name in sys.argv[1:] or DOORS:
            start = time.monotonic()
            found = meet(DOORS[name], sandbox)
            different = differences(plain, found)
            for fault in different:
                print(f"  {fault}:\n    {plain[fault]}\n    {found[fault]}"[:600])
            slowest = max(verdict.seconds for verdict in found.values())
            same = len(plain) - len(different)
            took = time.monotonic() - start
            print(f"{name}: {same} of {len(plain)}, {took:.1f} s, the slowest {slowest:.1f} s")


if __name__ == "__main__":
    main()
