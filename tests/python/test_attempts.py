"""`retry` in every shape: with options, as a loop, as a call, over a quota."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import Any

import pytest
import resayil
from conftest import require


def failing(times: int, error: type[Exception] = resayil.InternalServerError) -> Any:
    """A function that fails so often, and then gives what it was given."""
    left = [times]

    def ask(answer: str = "answer") -> str:
        if left[0]:
            left[0] -= 1
            raise error("no")
        return answer

    return ask


def test_options_in_the_decorator() -> None:
    tries: list[int] = []

    @resayil.retry(max_attempts=3, base_delay=0.5)
    def ask() -> None:
        tries.append(1)
        raise resayil.InternalServerError("no")

    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError) as caught:
        ask()
    assert (len(tries), len(waits), caught.value.attempts) == (3, 2, 3)
    assert 0.25 <= waits[0] <= 0.5 and caught.value.stop_reason == "max_attempts"

    @resayil.retry(deadline=10, policy=resayil.RetryPolicy(base_delay=30, max_attempts=9))
    def late() -> None:
        raise resayil.InternalServerError("no")

    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError) as caught:
        late()
    assert not waits and caught.value.stop_reason == "deadline"
    for options, problem in (
        ({"max_attempts": 0}, ValueError),
        ({"attempts": 3}, TypeError),
        ({"policy": 3}, TypeError),
        ({"deadline": -1}, ValueError),
    ):
        arguments: Any = options
        with pytest.raises(problem):
            resayil.retry(**arguments)
        with pytest.raises(problem):
            resayil.attempts(**arguments)
    with pytest.raises(TypeError, match=r"write @retry\(max_attempts=3\)"):
        resayil.retry(3)  # type: ignore[call-overload]


def test_call() -> None:
    with resayil.testing() as waits:
        assert resayil.retry.call(failing(2), answer="x") == "x"
        assert resayil.retry(max_attempts=2).call(failing(1), "y") == "y"
        with pytest.raises(resayil.InternalServerError):
            resayil.retry(max_attempts=2).call(failing(2))
    assert len(waits) == 4

    async def ask(answer: str) -> str:
        return answer

    assert asyncio.run(resayil.retry.call(ask, "z")) == "z"


def test_a_loop() -> None:
    ask = failing(2)
    numbers = []
    with resayil.testing() as waits:
        for attempt in resayil.attempts():
            with attempt:
                numbers.append(attempt.number)
                answer = ask()
    assert (numbers, answer, len(waits)) == ([1, 2, 3], "answer", 2)

    numbers = []
    with resayil.testing(), pytest.raises(resayil.InternalServerError) as caught:
        for attempt in resayil.attempts(max_attempts=2):
            with attempt:
                numbers.append(attempt.number)
                raise resayil.InternalServerError("no")
    assert numbers == [1, 2] and (caught.value.attempts, caught.value.exhausted) == (2, True)

    with pytest.raises(ZeroDivisionError):
        for attempt in resayil.attempts():
            with attempt:
                1 / 0  # noqa: B018
    assert attempt.number == 1

    def function() -> int:
        for attempt in resayil.attempts():
            with attempt:
                return attempt.number
        raise AssertionError("not reached")

    assert function() == 1
    with pytest.raises(RuntimeError, match="belongs into `with attempt:`"):
        for _ in resayil.attempts():
            pass


def test_a_loop_may_reject_what_came() -> None:
    answers = iter(["", "good"])
    with resayil.testing() as waits:
        for attempt in resayil.attempts():
            with attempt:
                answer = next(answers)
                if not answer:
                    attempt.reject(answer)
    assert answer == "good" and len(waits) == 1
    with resayil.testing(), pytest.raises(resayil.ResponseError) as caught:
        for attempt in resayil.attempts(max_attempts=2):
            with attempt:
                attempt.reject("empty")
    assert (caught.value.rejected, caught.value.result, caught.value.attempts) == (True, "empty", 2)
    with pytest.raises(RuntimeError, match="block"):
        attempt.reject("late")


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_an_asynchronous_loop(library: str) -> None:
    ask = failing(2)

    async def main() -> str:
        async for attempt in resayil.attempts(base_delay=0.01):
            async with attempt:
                return str(ask())
        raise AssertionError("not reached")

    async def fails() -> None:
        async for attempt in resayil.attempts(max_attempts=2, base_delay=0.01):
            with attempt:
                raise resayil.InternalServerError("no")

    run = require("trio").run if library == "trio" else lambda function: asyncio.run(function())
    assert run(main) == "answer"
    with pytest.raises(resayil.InternalServerError) as caught:
        run(fails)
    assert caught.value.attempts == 2


def test_what_is_cancelled_gives_its_place_back() -> None:
    quota = resayil.Quota(limit=5, window=60.0)

    async def main() -> None:
        async def hang() -> None:
            async for attempt in resayil.attempts(quota=quota):
                with attempt:
                    await asyncio.sleep(60)

        task = asyncio.create_task(hang())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert quota.state().admitted == 1 and quota.state().waiting == 0


def test_a_quota_is_waited_for() -> None:
    quota = resayil.Quota(limit=2, window=0.5)

    @resayil.retry(quota=quota)
    def ask() -> float:
        return time.monotonic()

    @resayil.retry(quota=quota)
    async def ask_async() -> float:
        return time.monotonic()

    times = [ask() for _ in range(3)]

    async def main() -> list[float]:
        return list(await asyncio.gather(*(ask_async() for _ in range(3))))

    times += asyncio.run(main())
    assert quota.state().admitted == 6 and quota.state().refused == 0
    assert times[-1] - times[0] > 0.5


def test_slots() -> None:
    quota = resayil.Quota(limit=1, window=3600.0)
    not_counted = resayil.classify(401, {}, b"", provider="resayil")
    assert not_counted is not None
    # Such a refusal uses up nothing: the place is free again.
    for _ in range(2):
        with pytest.raises(resayil.AuthenticationError), quota.slot():
            raise not_counted

    async def main() -> None:
        with pytest.raises(resayil.AuthenticationError):
            async with quota.slot(cost=1200) as ticket:
                assert not ticket.is_settled
                raise not_counted

    asyncio.run(main())
    with quota.slot() as ticket:
        ticket.settle(401, {}, not_counted)
        assert ticket.is_settled
    with quota.acquire(timeout=1) as ticket:
        pass
    assert ticket.is_settled
    with pytest.raises(resayil.DeadlineExceededError) as caught, quota.slot(timeout=0.1):
        raise AssertionError("not reached")
    assert caught.value.retry_after is not None


def test_an_error_in_a_slot_is_told_to_the_quota() -> None:
    quota = resayil.Quota(limit=5, window=60.0)
    refused = resayil.classify(429, {"retry-after": "30"}, b"")
    assert refused is not None
    with pytest.raises(resayil.RateLimitError), quota.slot():
        raise refused
    assert quota.state().refused == 1
    with pytest.raises(resayil.DeadlineExceededError):
        quota.acquire(timeout=1)


def test_hooks_and_statistics() -> None:
    events: list[resayil.RetryEvent] = []

    @resayil.retry(max_attempts=2, on_event=events.append)
    def ask(fail: bool) -> str:
        if fail:
            raise resayil.InternalServerError("no", status=500)
        return "x"

    with resayil.testing() as waits, pytest.raises(resayil.InternalServerError):
        ask(True)
    assert ask(False) == "x"
    assert [(event.action, event.reason, event.attempt) for event in events] == [
        ("retry", "backoff", 1), ("stop", "max_attempts", 2),
    ]  # fmt: skip
    assert events[0].delay == waits[0] and events[0].name.endswith("ask")
    assert events[0].error is not None and events[0].error.status == 500
    statistics = ask.statistics()  # type: ignore[attr-defined]
    assert (statistics["calls"], statistics["attempts"], statistics["answered"]) == (2, 3, 1)
    assert ask.counters.stats() == statistics  # type: ignore[attr-defined]


def test_the_history_is_a_note() -> None:
    with resayil.testing(), pytest.raises(resayil.InternalServerError) as caught:
        resayil.retry(max_attempts=3).call(failing(9))
    (note,) = caught.value.__notes__
    lines = note.splitlines()
    assert lines[0] == "resayil:" and len(lines) == 4
    assert "max_attempts" in lines[3] or "attempts" in lines[3]
    if sys.version_info >= (3, 11):
        assert note in "".join(traceback.format_exception(caught.value))
    # One attempt is no history.
    with pytest.raises(resayil.InternalServerError) as caught:
        resayil.retry(max_attempts=1).call(failing(9))
    assert not hasattr(caught.value, "__notes__")
    # On exceptions of others, too; and no more than once.
    httpx = require("httpx")

    @resayil.retry(max_attempts=2)
    @resayil.retry(max_attempts=2)
    def refused() -> None:
        raise httpx.ConnectError("no")

    with resayil.testing(), pytest.raises(httpx.ConnectError) as other:
        refused()
    assert len(other.value.__notes__) == 1


def test_threads_share_a_decorated_function() -> None:
    quota = resayil.Quota(limit=1000, window=60.0)
    counts: list[int] = []

    @resayil.retry(max_attempts=2, quota=quota)
    def ask(number: int) -> int:
        counts.append(number)
        return number

    threads = [
        threading.Thread(target=lambda: [ask(number) for number in range(50)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(counts) == 400 == ask.statistics()["answered"]  # type: ignore[attr-defined]
