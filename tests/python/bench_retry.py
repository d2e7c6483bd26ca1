"""What `retry` costs, beside what decorators of others cost, in microseconds a call.

The function does nothing, and no wait is slept. A success is measured over the plain call; two
failures and a success are the whole call, exceptions included. Logging is off. `cargo xtask bench`
runs it; `--short` only tries it out.
"""

from __future__ import annotations

import argparse
import logging
import statistics
from collections.abc import Callable
from typing import Any

import resayil
from bench_classify import measure


class Failing:
    """Fails twice, then succeeds, and begins anew."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls % 3:
            raise ConnectionError("gone")
        return self.calls


def contenders() -> dict[str, Callable[[Callable[[], Any]], Callable[[], Any]]]:
    import backoff
    import stamina
    import tenacity
    from google.api_core.retry import Retry

    stamina.instrumentation.set_on_retry_hooks([])
    return {
        "resayil": resayil.retry(policy=resayil.RetryPolicy(base_delay=0.0)),
        "tenacity": tenacity.retry(
            stop=tenacity.stop_after_attempt(5), sleep=lambda _: None, reraise=True
        ),
        "google-api-core": Retry(
            predicate=lambda exception: isinstance(exception, ConnectionError),
            initial=1e-9,
            maximum=1e-9,
        ),
        "stamina": stamina.retry(on=ConnectionError, attempts=5, wait_initial=0, wait_jitter=0),
        "backoff": backoff.on_exception(
            backoff.constant, ConnectionError, max_tries=5, interval=0, jitter=None, logger=None
        ),
    }


def plain() -> int:
    return 3


def main() -> None:
    parser = argparse.ArgumentParser(description="benchmark of resayil.retry")
    parser.add_argument("--short", action="store_true", help="one round, only to see that it works")
    options = parser.parse_args()
    rounds, seconds = (1, 0.001) if options.short else (11, 0.05)
    logging.disable()
    succeeding = {name: decorate(plain) for name, decorate in contenders().items()}
    failing = {name: decorate(named(Failing())) for name, decorate in contenders().items()}
    for name, function in failing.items():
        # What is measured has to do what it is said to do.
        assert function() == 3 and succeeding[name]() == 3, name
    base = statistics.median(measure(plain, seconds) for _ in range(rounds))
    success: dict[str, list[float]] = {name: [] for name in succeeding}
    retried: dict[str, list[float]] = {name: [] for name in failing}
    for _ in range(rounds):
        for name in succeeding:
            success[name].append(measure(succeeding[name], seconds) - base)
            retried[name].append(measure(failing[name], seconds))
    print(f"{'':>16} {'a success, over the plain call':>31} {'two failures and a success':>27}")
    for name in succeeding:
        first, second = statistics.median(success[name]), statistics.median(retried[name])
        print(f"{name:>16} {first * 1e6:>28.2f} µs {second * 1e6:>24.2f} µs")


def named(failing: Failing) -> Callable[[], int]:
    def call() -> int:
        return failing()

    return call


if __name__ == "__main__":
    main()
