"""Ctrl-C ends every wait at once."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import time

import pytest
import resayil
from conftest import Sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent as on Unix")

SLEEP = """
import resayil
@resayil.retry
def call():
    print("waiting", flush=True)
    raise resayil.RateLimitError("slow", retry_after=60.0)
call()
"""

ASYNC_SLEEP = """
import asyncio, resayil
@resayil.retry
async def call():
    print("waiting", flush=True)
    raise resayil.RateLimitError("slow", retry_after=60.0)
asyncio.run(call())
"""

QUOTA = """
import resayil
quota = resayil.Quota(limit=1, window=3600.0)
quota.acquire()
print("waiting", flush=True)
quota.acquire()
"""

REQUEST = """
import sys, resayil
client = resayil.Client(sys.argv[2], sys.argv[1])
print("waiting", flush=True)
client.chat.completions.create(model="mistral", messages=[{"role": "user", "content": "Hi"}])
"""

STREAM = """
import sys, resayil
client = resayil.Client(sys.argv[2], sys.argv[1])
stream = client.chat.completions.create(
    model="mistral", messages=[{"role": "user", "content": "a b c d e f g h"}], stream=True)
next(stream)
print("waiting", flush=True)
for chunk in stream:
    pass
"""


def interrupt(program: str, *arguments: str) -> float:
    """Runs a program until it waits, interrupts it, and gives the seconds until it ended."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever started the tests may ignore it, and a child would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n", process.communicate(timeout=10)
        time.sleep(0.5)
        assert process.poll() is None, process.communicate()
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        elapsed = time.monotonic() - started
    finally:
        process.kill()
        process.wait()
    assert "KeyboardInterrupt" in errors, errors
    assert process.returncode in (-signal.SIGINT, 1, 130)
    return elapsed


@pytest.mark.parametrize("program", [SLEEP, ASYNC_SLEEP, QUOTA], ids=["retry", "async", "quota"])
def test_a_sleep_is_interrupted(program: str) -> None:
    assert interrupt(program) < 3.0


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        (REQUEST, "hang"),
        (REQUEST, {"fault": "rate_limited", "retry_after": 60}),
        (REQUEST, {"fault": "slow_drip", "bytes": 1, "interval": 1.0}),
        (STREAM, {"fault": "slow_drip", "bytes": 256, "interval": 1.0}),
    ],
    ids=["request", "wait", "body", "stream"],
)
def test_a_request_is_interrupted(sandbox: Sandbox, program: str, fault: object) -> None:
    sandbox.script(fault)
    assert interrupt(program, sandbox.base_url, sandbox.api_key) < 3.0
    assert len(sandbox.log) == 1


ASKED = {"model": "mistral", "messages": [{"role": "user", "content": "Hi"}]}


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_handler_raises_reaches_the_caller_and_the_client_goes_on(
    sandbox: Sandbox, stream: bool
) -> None:
    class Alarm(Exception):
        pass

    def handler(*_: object) -> None:
        raise Alarm

    sandbox.script("hang")
    client = resayil.Client(sandbox.api_key, sandbox.base_url)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        started = time.monotonic()
        with pytest.raises(Alarm):
            client.chat.completions.create(**ASKED, stream=stream)  # type: ignore[call-overload]
        assert time.monotonic() - started < 5.0
    finally:
        signal.signal(signal.SIGALRM, before)
    assert client.stats()["failed_by_kind"] == {"cancelled": 1}
    assert client.chat.completions.create(**ASKED).choices[0].message.content  # type: ignore[call-overload]


def test_a_handler_that_raises_nothing_ends_nothing(sandbox: Sandbox) -> None:
    came = []
    sandbox.script({"fault": "slow_drip", "bytes": 64, "interval": 0.1})
    client = resayil.Client(sandbox.api_key, sandbox.base_url)
    before = signal.signal(signal.SIGALRM, lambda number, frame: came.append(number))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        answer = client.chat.completions.create(**ASKED)  # type: ignore[call-overload]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert answer.choices[0].message.content and came
    assert answer.attempts == 1


def test_a_handler_that_runs_while_an_event_is_logged_ends_the_call(sandbox: Sandbox) -> None:
    class Interrupting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise KeyboardInterrupt

    sandbox.script("server_error", "server_error")
    client = resayil.Client(sandbox.api_key, sandbox.base_url)
    logger, handler = logging.getLogger("resayil"), Interrupting()
    logger.addHandler(handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            client.chat.completions.create(**ASKED)  # type: ignore[call-overload]
    finally:
        logger.removeHandler(handler)
    assert len(sandbox.log) == 1
