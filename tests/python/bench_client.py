"""What a call of `Client` costs, beside pycurl, httpx and the SDK of OpenAI, in microseconds.

All ask the sandbox of this package for the same answer over a connection that is kept. The client
is pinned to one core. What is counted is the
time that the client's process computes, and the time that passes, medians of rounds in turn.
`cargo xtask bench` runs it; `--short` only tries it out.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pycurl
import resayil

#: What the answers say: one of 290 bytes and one of 21 KB with them.
ANSWERS = {"290 B": "A limit.", "21 KB": "def wait(self):\n    return 'soon'\n" * 600}
#: A prompt of half a megabyte, with the small answer.
LONG_PROMPT = 'He said "wait".\n' * 32_000

Call = Callable[[], object]


def answer(content: str) -> str:
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "mistral",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content},
                    "finish_reason": "stop",
                }
            ],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
        }
    )


@contextlib.contextmanager
def sandbox(content: str) -> Iterator[tuple[str, str]]:
    """The address and key of a sandbox in a process of its own, which always answers this."""
    fault = json.dumps({"fault": "status", "status": 200, "body": answer(content)})
    options = ["--fault", fault, "--fault-rate", "1", "--limit", "100000000", "--json"]
    command = [sys.executable, "-m", "resayil", "sandbox", "--until-stdin-closes", *options]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as server:
        assert server.stdin is not None and server.stdout is not None
        told = json.loads(server.stdout.readline())
        try:
            yield told["base_url"], told["api_key"]
        finally:
            server.stdin.close()


@contextlib.contextmanager
def pinned() -> Iterator[None]:
    """This process on the last core."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[-1:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def contenders(base_url: str, key: str, prompt: str) -> dict[str, Call]:
    """A call of each; all read the answer's JSON."""
    messages: list[Any] = [{"role": "user", "content": prompt}]
    asked = {"model": "mistral", "messages": messages}
    url = f"{base_url}/chat/completions"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    ours = resayil.Client(api_key=key, base_url=base_url, quota=None)
    body = json.dumps(asked).encode()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.HTTPHEADER, [f"{name}: {value}" for name, value in headers.items()])
    web = httpx.Client(headers=headers, timeout=60)
    sdk = openai.OpenAI(api_key=key, base_url=base_url)

    def with_pycurl() -> object:
        got = io.BytesIO()
        curl.setopt(pycurl.POSTFIELDS, json.dumps(asked).encode())
        curl.setopt(pycurl.WRITEDATA, got)
        curl.perform()
        assert curl.getinfo(pycurl.RESPONSE_CODE) == 200
        return json.loads(got.getvalue())["choices"][0]["message"]["content"]

    return {
        "resayil, post": lambda: ours.post("chat/completions", body).content,
        "resayil, create": lambda: (
            ours.chat.completions.create(**asked).choices[0].message.content  # type: ignore
        ),
        "pycurl": with_pycurl,
        "httpx": lambda: web.post(url, json=asked).json()["choices"][0]["message"]["content"],
        "openai": lambda: sdk.chat.completions.create(**asked).choices[0].message.content,  # type: ignore
    }


def measure(call: Call, seconds: float) -> tuple[float, float]:
    """Seconds of this process and seconds that pass, for one call."""
    calls, begun, spent = 0, time.perf_counter(), time.process_time()
    while (passed := time.perf_counter() - begun) < seconds:
        call()
        calls += 1
    return (time.process_time() - spent) / calls, passed / calls


def compare(title: str, calls: dict[str, Call], rounds: int, seconds: float) -> None:
    for call in calls.values():
        call()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(measure(call, seconds))
    medians = {
        name: [statistics.median(column) for column in zip(*rows)] for name, rows in found.items()
    }
    base = medians["pycurl"]
    print(f"{title:>24} {'computes':>12} {'passes':>12} {'of pycurl':>14}")
    for name, (computed, passed) in medians.items():
        of_base = f"{computed / base[0]:.2f} {passed / base[1]:.2f}"
        print(f"{name:>24} {computed * 1e6:>9.0f} µs {passed * 1e6:>9.0f} µs {of_base:>14}")


def threads(base_url: str, key: str, count: int, seconds: float) -> None:
    """How many calls a second all threads together make."""
    client = resayil.Client(api_key=key, base_url=base_url, quota=None)
    messages = [{"role": "user", "content": "What is a quota?"}]
    end = time.perf_counter() + seconds

    def work(_: int) -> int:
        calls = 0
        while time.perf_counter() < end:
            client.chat.completions.create(model="mistral", messages=messages)
            calls += 1
        return calls

    with ThreadPoolExecutor(count) as pool:
        print(f"{count} threads: {sum(pool.map(work, range(count))) / seconds:.0f} calls/s")


def main() -> None:
    parser = argparse.ArgumentParser(description="benchmark of calls")
    parser.add_argument("--short", action="store_true", help="one round, only to see that it works")
    short = parser.parse_args().short
    rounds, seconds = (1, 0.01) if short else (11, 0.2)
    for size, content in ANSWERS.items():
        with sandbox(content) as (base_url, key):
            prompts = {f"{size} answered": "What is a quota?"}
            if size == "290 B":
                prompts["512 KB asked"] = LONG_PROMPT
            for title, prompt in prompts.items():
                with pinned():
                    compare(title, contenders(base_url, key, prompt), rounds, seconds)
            if size == "290 B":
                threads(base_url, key, 64, 0.1 if short else 3)


if __name__ == "__main__":
    main()
