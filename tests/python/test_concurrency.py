"""The limit of requests in flight."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import resayil
from conftest import Sandbox

HELLO = [{"role": "user", "content": "Hello"}]
BUSY = {"fault": "status", "status": 503, "body": "busy"}


def test_no_more_than_the_limit_are_in_flight(sandbox: Sandbox) -> None:
    client = sandbox.client(max_concurrency=1)
    assert client.stats()["concurrency"] == {"limit": 1, "in_flight": 0, "waiting": 0}
    # Nobody answers, so the place is held until its time is over.
    sandbox.script({"fault": "hang"})
    done: list[Any] = []

    def ask() -> None:
        try:
            client.chat.completions.create(
                model="mistral", messages=HELLO, deadline=2.0, policy=resayil.RetryPolicy.none()
            )
        except resayil.APIError as error:
            done.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while client.stats()["concurrency"]["in_flight"] == 0:
        pass
    with pytest.raises(resayil.DeadlineExceededError) as caught:
        client.chat.completions.create(model="mistral", messages=HELLO, deadline=0.05)
    assert caught.value.attempts == 0
    thread.join()
    assert isinstance(done[0], resayil.DeadlineExceededError) and done[0].attempts == 1
    client.chat.completions.create(model="mistral", messages=HELLO)
    assert client.stats()["concurrency"] == {"limit": 1, "in_flight": 0, "waiting": 0}
    values = {metric.name: metric.value for metric in client.metrics()}
    assert values["resayil.client.concurrency.limit"] == 1


def test_an_adaptive_limit_shrinks(sandbox: Sandbox) -> None:
    policy = resayil.RetryPolicy(base_delay=0.01)
    client = sandbox.client(max_concurrency=10, adaptive_concurrency=True, policy=policy)
    sandbox.script(BUSY)
    client.chat.completions.create(model="mistral", messages=HELLO)
    assert client.stats()["concurrency"]["limit"] == 7


def test_options(sandbox: Sandbox) -> None:
    assert sandbox.client().stats()["concurrency"] is None
    for bad in (0, -1, 100_001):
        with pytest.raises(resayil.ConfigurationError, match="max_concurrency"):
            sandbox.client(max_concurrency=bad)
    with pytest.raises(TypeError, match="max_concurrency"):
        sandbox.client(adaptive_concurrency=True)
