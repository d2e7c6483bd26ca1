from __future__ import annotations

import asyncio
import sys
import threading
import time
from typing import Any

import pytest
import resayil
from conftest import Sandbox


def test_senders_wait_in_order() -> None:
    quota = resayil.Quota(limit=1, now=0.0, wall=50.0)
    first, second = quota.enter(), quota.enter()
    assert first.poll(0.0) is None
    assert second.poll(0.0) == 10.0
    state = quota.state(0.0)
    assert (state.limit, state.remaining, state.waiting, state.admitted) == (1, 0, 1, 1)
    assert state.reset_after == 10.0 and "limit=1" in repr(state)
    first.settle(200, {"Date": "Thu, 01 Jan 1970 00:00:50 GMT"}, now=0.5, wall=50.5)
    assert second.poll(11.0) is None
    second.cancel()


def test_a_refusal_teaches() -> None:
    quota = resayil.Quota(now=0.0, wall=50.0)
    ticket = quota.enter()
    assert ticket.poll(0.0) is None
    error = resayil.classify(429, {}, b'{"error":{"code":429},"retry_after":7}')
    assert error is not None
    ticket.settle(429, {}, error, now=1.0, wall=51.0)
    state = quota.state(1.0)
    assert (state.refused, state.remaining) == (1, 0)
    wait = quota.enter().poll(1.0)
    assert wait is not None and 6.9 <= wait <= 9.0
    for again in (lambda: ticket.settle(200, {}), lambda: ticket.poll(2.0)):
        with pytest.raises(RuntimeError, match="settled or cancelled before"):
            again()
    ticket.cancel()


def test_acquire_waits_for_the_window() -> None:
    quota = resayil.Quota(limit=1, window=0.5)
    started = time.monotonic()
    tickets = [quota.acquire() for _ in range(3)]
    assert 0.5 <= time.monotonic() - started < 3.0
    for ticket in tickets:
        ticket.settle(200, {})
    assert quota.state().admitted == 3

    async def main() -> None:
        await asyncio.gather(*(quota.acquire_async(timeout=10) for _ in range(2)))

    asyncio.run(main())
    assert quota.state().admitted == 5


def test_a_wait_past_the_timeout_fails_at_once() -> None:
    quota = resayil.Quota(limit=1, window=3600.0)
    assert (quota.limit, quota.window) == (1, 3600.0)
    quota.acquire()
    started = time.monotonic()
    with pytest.raises(resayil.DeadlineExceededError) as caught:
        quota.acquire(timeout=0.1)
    with pytest.raises(TimeoutError):
        asyncio.run(quota.acquire_async(timeout=0.1))
    assert time.monotonic() - started < 0.5
    assert caught.value.retry_after_source == "quota" and (caught.value.retry_after or 0) > 0.1
    assert quota.state().waiting == 0


def test_threads_share_it() -> None:
    quota = resayil.Quota(limit=2, window=0.3)
    threads = [threading.Thread(target=quota.acquire) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert quota.state().admitted == 6


def test_options_are_checked() -> None:
    with pytest.raises(ValueError, match="limit is out of range: it has to be 1 or more"):
        resayil.Quota(limit=0)
    for window in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match=r"window (has|is out of range: it has) to be"):
            resayil.Quota(window=window)
    assert resayil.Quota(window=None).window is None


#: A refused key uses up nothing of a quota of LLM Resayil.
NOT_COUNTED = resayil.classify(401, {}, b"", provider="resayil")


def test_who_waits_is_woken_when_an_answer_gives_the_place_back() -> None:
    quota = resayil.Quota(limit=1, window=3600.0)
    first = quota.acquire()
    started = time.monotonic()
    waiting = threading.Thread(target=quota.acquire)
    waiting.start()
    while quota.state().waiting == 0:
        time.sleep(0.001)
    # Such an answer is not counted against the quota.
    first.settle(401, {}, NOT_COUNTED)
    waiting.join(60)
    assert not waiting.is_alive() and time.monotonic() - started < 30
    assert quota.state().admitted == 2


@pytest.mark.parametrize("library", ["asyncio", "trio"])
def test_tasks_are_woken_from_another_thread(library: str) -> None:
    quota = resayil.Quota(limit=1, window=3600.0)
    first = quota.acquire()

    def answer() -> None:
        while quota.state().waiting == 0:
            time.sleep(0.001)
        first.settle(401, {}, NOT_COUNTED)

    thread = threading.Thread(target=answer)

    async def main() -> None:
        thread.start()
        ticket = await quota.acquire_async(timeout=3600.0)
        ticket.settle(200, {})

    started = time.monotonic()
    if library == "trio":
        pytest.importorskip("trio").run(main)
    else:
        asyncio.run(main())
    thread.join()
    assert time.monotonic() - started < 30


def test_a_waker_is_called_once_and_an_error_in_it_does_no_harm(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    quota = resayil.Quota(limit=1, now=0.0, wall=50.0)
    first, second = quota.enter(), quota.enter()
    assert second.poll_at is None
    assert first.poll(0.0) is None and first.poll_at is None
    calls: list[int] = []

    def waker() -> None:
        calls.append(1)
        raise ValueError("in the waker")

    with pytest.raises(TypeError, match="callable"):
        second.poll(0.0, "waker")  # type: ignore[arg-type]
    assert second.poll(0.0, waker) == 10.0 and second.poll_at == 10.0
    first.settle(401, {}, NOT_COUNTED, now=1.0, wall=51.0)
    assert calls == [1] and [it.exc_type for it in unraisable] == [ValueError]
    unraisable.clear()
    assert second.poll(1.0) is None
    second.cancel()
    assert calls == [1]


def test_the_line_is_by_priority_and_tenant() -> None:
    quota = resayil.Quota(limit=1, now=0.0, wall=0.0)
    assert quota.enter().poll(0.0) is None
    patient = quota.enter(priority="low", tenant="acme")
    assert patient.poll(0.0) == 60.0
    urgent = quota.enter(priority="high", tenant=("acme", 3), cost=(100, None))
    assert urgent.poll(0.0) == 60.0
    assert patient.poll(0.0) == 120.0


def test_what_is_no_place_in_the_line_is_refused() -> None:
    quota = resayil.Quota(limit=9)
    with pytest.raises(ValueError, match="priority"):
        quota.acquire(priority="highest")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 1 to 1000"):
        quota.acquire(tenant=("acme", 1001))
    with pytest.raises(TypeError, match="cost"):
        quota.acquire(cost="many")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="tenant"):
        quota.acquire(tenant=3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="priority"):
        resayil.httpx.RetryTransport(priority="highest")  # type: ignore[arg-type]
    with quota.slot(priority="low", tenant="acme", cost=3) as ticket:
        assert not ticket.is_settled


def test_calls_take_them_and_the_request_does_not(sandbox: Sandbox) -> None:
    client = resayil.Client(sandbox.api_key, sandbox.base_url, quota=resayil.Quota(limit=9))
    messages = [{"role": "user", "content": "Hello"}]
    for options in (
        {"cost": 30, "priority": "high", "tenant": "acme"},
        {"cost": (20, 10), "tenant": ("acme", 3)},
    ):
        answer = client.chat.completions.create(
            model="mistral",
            messages=messages,
            **options,  # type: ignore[arg-type]
        )
        assert answer.choices[0].message.content == "echo: Hello"
    with pytest.raises(ValueError, match="priority"):
        client.chat.completions.create(
            model="mistral",
            messages=messages,
            priority="first",  # type: ignore[arg-type]
        )
    body = {"model": "mistral", "messages": messages}
    assert client.post("chat/completions", body, priority="low", cost=9).status_code == 200


def test_tokens_are_limited_too() -> None:
    quota = resayil.Quota(limit=9, token_limit=1000, now=0.0, wall=0.0)
    first = quota.enter(cost=(0, 900))
    assert first.poll(0.0) is None
    assert quota.enter(cost=(0, 200)).poll(0.0) == 60.0
    assert quota.enter(cost=(0, 100)).poll(0.0) is None
    with pytest.raises(ValueError, match="token_limit"):
        resayil.Quota(token_limit=0)


def test_a_call_that_can_never_fit_fails_at_once(sandbox: Sandbox) -> None:
    client = resayil.Client(sandbox.api_key, sandbox.base_url, tokens_per_minute=1000)
    with pytest.raises(resayil.APIError) as caught:
        client.chat.completions.create(
            model="mistral", messages=[{"role": "user", "content": "Hi"}], cost=(10, 1000)
        )
    assert caught.value.stop_reason == "exceeds_limit"
