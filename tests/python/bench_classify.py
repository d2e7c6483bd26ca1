"""What reading an error costs in Python, beside what others make of the same answer.

`resayil.classify` is measured in turn with `json.loads` of the body and with what makes the
exception in OpenAI's SDK, which is given a response that is there already. The times are medians of
rounds, so that what else the machine does matters little. `cargo xtask bench` runs it; `--short`
only tries it out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import resayil

# As a front and the API send them; those of crates/core/benches/classify.rs.
HEADERS = {
    "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
    "Content-Type": "application/json",
    "Connection": "keep-alive",
    "X-RateLimit-Limit": "20",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "784111800",
    "Cache-Control": "no-cache, private",
    "Server": "nginx",
}
NOW = 784111777.0


def validation(fields: int) -> bytes:
    """A 422 with so many fields."""
    texts = (
        f'"messages.{n}.role":["The messages.{n}.role field is required."]' for n in range(fields)
    )
    errors = ",".join(texts)
    return (
        '{"error":{"message":"Validation failed","code":422},"errors":{%s}}' % errors  # noqa: UP031
    ).encode()


#: The same bodies as in crates/core/benches/classify.rs.
CASES = {
    "71B": (429, b'{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}'),
    "156B": (
        422,
        b'{"error":{"message":"Validation failed","code":422},"errors":{"model":["The model field '
        b'is required."],"messages":["The messages field must be array."]}}',
    ),
    "10KB": (422, validation(130)),
    "1MB": (422, validation(13_000)),
}


def openai_reader(status: int, body: bytes) -> Callable[[], Any]:
    """What makes the exception in OpenAI's SDK."""
    import httpx
    import openai

    client = openai.OpenAI(api_key="sk-none", base_url="http://localhost/v1")
    request = httpx.Request("POST", "http://localhost/v1/chat/completions")
    response = httpx.Response(status, headers=HEADERS, content=body, request=request)
    return lambda: client._make_status_error_from_response(response)


def contenders(status: int, body: bytes) -> dict[str, Callable[[], Any]]:
    classify = resayil.classify
    return {
        "resayil.classify": lambda: classify(status, HEADERS, body, now=NOW),
        "json.loads": lambda: json.loads(body),
        "openai": openai_reader(status, body),
    }


def measure(work: Callable[[], Any], seconds: float) -> float:
    """Seconds for one call, in a loop that takes about so long."""
    count, start = 0, time.perf_counter()
    while True:
        for _ in range(max(1, count)):
            work()
        count = max(1, count) * 2
        passed = time.perf_counter() - start
        if passed >= seconds:
            return passed / (count - 1)


def shown(seconds: float) -> str:
    """With three digits."""
    for unit, size in (("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3)):
        if seconds < 1000 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def main() -> None:
    parser = argparse.ArgumentParser(description="benchmark of resayil.classify")
    parser.add_argument("--short", action="store_true", help="one round, only to see that it works")
    options = parser.parse_args()
    rounds, seconds = (1, 0.001) if options.short else (21, 0.02)
    print(f"{'':>6} {'resayil.classify':>17} {'json.loads':>11} {'openai':>9}   of json.loads")
    for name, (status, body) in CASES.items():
        works = contenders(status, body)
        # What is measured has to do what it is said to do.
        error = resayil.classify(status, HEADERS, body, now=NOW)
        assert error is not None and error.status == status and error.message
        assert works["openai"]().status_code == status
        times: dict[str, list[float]] = {which: [] for which in works}
        for _ in range(rounds):
            for which, work in works.items():
                times[which].append(measure(work, seconds))
        medians = [statistics.median(times[which]) for which in works]
        ratios = [a / b for a, b in zip(times["resayil.classify"], times["json.loads"])]
        ours, loads, sdk = map(shown, medians)
        print(f"{name:>6} {ours:>17} {loads:>11} {sdk:>9}   {statistics.median(ratios):.2f}")


if __name__ == "__main__":
    main()
