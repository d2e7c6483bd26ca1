"""What is logged and counted, by the client, by `retry` and by the transports."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import resayil
import resayil.opentelemetry
from conftest import ROOT, Sandbox, require

httpx = require("httpx")
requests = require("requests")

PAGE = (ROOT / "docs/observability.md").read_text(encoding="utf-8")
HELLO = [{"role": "user", "content": "Hello"}]
QUICK = resayil.RetryPolicy(base_delay=0.01, max_delay=0.02)
SECRET = "sk_llmr_0123456789abcdef0123456789"
REFUSED = {
    "fault": "status",
    "status": 500,
    "body": f'{{"error":{{"message":"{SECRET} is bad","code":"E1"}}}}',
    "headers": [["x-request-id", "req_1"]],
}
PLAIN = ("action", "kind", "status", "code", "request_id", "attempt", "reason")

#: What a record has that no library added.
OWN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def told(records: list[logging.LogRecord]) -> list[tuple[Any, ...]]:
    """The attributes of our events, in order, after a look at each."""
    for record in records:
        added = set(vars(record)) - OWN
        # Every attribute is documented.
        assert all(f"`{name}`" in PAGE for name in added), added
        text = record.getMessage()
        assert SECRET not in text and "Hello" not in text and SECRET not in repr(vars(record))
    return [tuple(getattr(record, name) for name in PLAIN) for record in records]


class Keeper(logging.Handler):
    """Keeps the records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    logger, keeper = logging.getLogger("resayil"), Keeper()
    level = logger.level
    logger.addHandler(keeper)
    logger.setLevel(logging.DEBUG)
    yield keeper.records
    logger.removeHandler(keeper)
    logger.setLevel(level)


def value(metrics: list[resayil.Metric], name: str, **attributes: str) -> float:
    wanted = attributes.items()
    found = [
        metric.value
        for metric in metrics
        if metric.name == f"resayil.client.{name}"
        and wanted <= {key.split(".")[1]: text for key, text in metric.attributes.items()}.items()
    ]
    assert found, name
    return sum(found)


def test_the_client_tells_a_series_of_failures_in_order(
    sandbox: Sandbox, records: list[logging.LogRecord]
) -> None:
    client = sandbox.client(policy=QUICK, provider="resayil")
    sandbox.script(REFUSED, "html_bad_gateway")
    client.chat.completions.create(model="mistral", messages=HELLO)
    sandbox.script({"fault": "empty", "status": 403})
    with pytest.raises(resayil.PermissionDeniedError):
        client.chat.completions.create(model="mistral", messages=HELLO)
    sandbox.script({"fault": "rate_limited", "retry_after": 1})
    client.chat.completions.create(model="mistral", messages=HELLO)

    assert told(records) == [
        ("retry", "server", 500, "E1", "req_1", 1, "backoff"),
        ("retry", "server", 502, None, None, 2, "backoff"),
        ("stop", "permission", 403, None, None, 1, "not_retryable"),
        ("retry", "rate_limit", 429, "429", None, 1, "quota_window"),
        ("quota_wait", None, None, None, None, 1, "quota"),
    ]
    assert [record.levelname for record in records] == [
        "WARNING", "WARNING", "INFO", "WARNING", "DEBUG",
    ]  # fmt: skip
    assert {record.callable for record in records} == {"Client"}  # type: ignore[attr-defined]
    delays = [record.delay for record in records]  # type: ignore[attr-defined]
    assert 0 < delays[0] <= 0.01 and 0 < delays[1] <= 0.02 and delays[2] is None
    assert delays[3] == 1.0 and 0.5 < delays[4] < 2
    second = vars(records[1])
    names = ("error.type", "http.response.status_code", "http.request.resend_count")
    assert [second[name] for name in names] == ["server", 502, 1]
    assert "http.request.resend_count" not in vars(records[0])
    assert not set(names) & set(vars(records[4]))
    assert "Client: attempt 2 failed, next in 0.0" in records[1].getMessage()

    stats = client.stats()
    assert (stats["calls"], stats["answered"], stats["failed"]) == (3, 2, 1)
    assert stats["attempts"] == len(sandbox.log) == 6
    assert stats["retries_by_reason"] == {"backoff": 2, "quota_window": 1}
    assert stats["retries_by_kind"] == {"server": 2, "rate_limit": 1}
    assert stats["failed_by_kind"] == {"permission": 1}
    assert stats["stops_by_reason"] == {"not_retryable": 1}
    assert (stats["refused"], stats["quota_waits"], stats["backoff_waits"]) == (1, 1, 2)
    assert stats["quota_wait"] > 0.9 and stats["backoff_wait"] > 0
    state = client.quota_state()
    assert state is not None and stats["quota"]["limit"] == state.limit
    assert set(stats["quota"]) == {
        "limit", "remaining", "reset_after", "waiting", "admitted", "refused",
    }  # fmt: skip
    assert stats["budget_remaining"] == 10 and 0 < stats["budget_health"] <= 1
    metrics = client.metrics()
    assert value(metrics, "attempts") == 6
    assert value(metrics, "retries") == 3
    assert value(metrics, "retries", type="server", reason="backoff") == 2
    assert value(metrics, "failed_calls", type="permission", reason="not_retryable") == 1
    assert value(metrics, "quota_wait.time") == stats["quota_wait"]
    assert value(metrics, "quota.waiting") == 0


class Series:
    """Fails in a known way, then succeeds."""

    def __init__(self) -> None:
        self.left = [
            resayil.classify(500, {"x-request-id": "req_1"}, str(REFUSED["body"])),
            resayil.classify(429, {"Retry-After": "7"}, b""),
        ]

    def step(self) -> str:
        if self.left:
            raise self.left.pop(0)  # type: ignore[misc]
        return "done"


def retried(counters: resayil.Counters) -> None:
    series = Series()
    assert resayil.retry(policy=QUICK, counters=counters)(series.step)() == "done"


def retried_async(counters: resayil.Counters) -> None:
    series = Series()

    @resayil.retry(policy=QUICK, counters=counters)
    async def step() -> str:
        return series.step()

    assert asyncio.run(step()) == "done"


@pytest.mark.parametrize("run", [retried, retried_async])
def test_retry_tells_and_counts(
    run: Callable[[resayil.Counters], None], records: list[logging.LogRecord]
) -> None:
    counters = resayil.Counters()
    with resayil.testing() as waits:
        run(counters)
    assert told(records) == [
        ("retry", "server", 500, "E1", "req_1", 1, "backoff"),
        ("retry", "rate_limit", 429, None, None, 2, "quota_window"),
    ]
    assert [record.delay for record in records] == list(waits)  # type: ignore[attr-defined]
    assert all("step" in record.callable for record in records)  # type: ignore[attr-defined]
    stats = counters.stats()
    assert (stats["calls"], stats["attempts"], stats["answered"]) == (1, 3, 1)
    assert (stats["retries"], stats["failed"], stats["refused"]) == (2, 0, 1)
    assert (stats["quota_waits"], stats["backoff_waits"]) == (1, 1)
    assert 7 <= stats["quota_wait"] < 9 and 0 < stats["backoff_wait"] <= 0.02
    assert stats["quota"] is None and stats["budget_remaining"] is None
    assert value(counters.metrics(), "retries", type="rate_limit", reason="quota_window") == 1


def test_the_end_of_a_call_is_told_and_counted(records: list[logging.LogRecord]) -> None:
    counters = resayil.Counters()

    @resayil.retry(counters=counters)
    def ask(exception: Exception) -> None:
        raise exception

    with pytest.raises(resayil.AuthenticationError):
        ask(resayil.AuthenticationError("bad key", status=401))
    # No error of an API: it goes through, and is no decision.
    with pytest.raises(ZeroDivisionError):
        ask(ZeroDivisionError())
    (record,) = records
    assert (record.levelname, record.reason) == ("INFO", "not_retryable")  # type: ignore[attr-defined]
    assert record.getMessage().endswith(
        "gave up after 1 attempt (not_retryable): authentication (401): bad key"
    )
    stats = counters.stats()
    assert stats["failed_by_kind"] == {"authentication": 1, "unknown": 1}
    assert (stats["calls"], stats["attempts"], stats["failed"]) == (2, 2, 2)


def send_httpx(sandbox: Sandbox) -> resayil.Counters:
    transport = resayil.httpx.RetryTransport(policy=QUICK)
    with httpx.Client(transport=transport) as client:
        answer = client.post(
            f"{sandbox.base_url}/chat/completions",
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            json={"model": "mistral", "messages": HELLO},
        )
    assert answer.status_code == 200
    return transport.counters


def send_httpx_async(sandbox: Sandbox) -> resayil.Counters:
    counters = resayil.Counters()

    async def send() -> int:
        transport = resayil.httpx.AsyncRetryTransport(policy=QUICK, counters=counters)
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.post(
                f"{sandbox.base_url}/chat/completions",
                headers={"Authorization": f"Bearer {sandbox.api_key}"},
                json={"model": "mistral", "messages": HELLO},
            )
            return int(answer.status_code)

    assert asyncio.run(send()) == 200
    return counters


def send_requests(sandbox: Sandbox) -> resayil.Counters:
    adapter = resayil.requests.RetryAdapter(policy=QUICK)
    with requests.Session() as session:
        session.mount("http://", adapter)
        answer = session.post(
            f"{sandbox.base_url}/chat/completions",
            headers={"Authorization": f"Bearer {sandbox.api_key}"},
            json={"model": "mistral", "messages": HELLO},
        )
    assert answer.status_code == 200
    return adapter.counters


@pytest.mark.parametrize("send", [send_httpx, send_httpx_async, send_requests])
def test_transports_tell_and_count(
    send: Callable[[Sandbox], resayil.Counters],
    sandbox: Sandbox,
    records: list[logging.LogRecord],
) -> None:
    # The first connection is new: one that is kept may break at no cost.
    sandbox.script("drop", REFUSED)
    counters = send(sandbox)
    assert told(records) == [
        ("retry", "network", None, None, None, 1, "backoff"),
        ("retry", "server", 500, "E1", "req_1", 2, "backoff"),
    ]
    assert all(record.callable.startswith("POST ") for record in records)  # type: ignore[attr-defined]
    stats = counters.stats()
    assert (stats["calls"], stats["attempts"], stats["answered"]) == (1, 3, 1)
    assert stats["retries_by_kind"] == {"server": 1, "network": 1}


def test_an_applications_own_record_factory_does_no_harm(
    caplog: pytest.LogCaptureFixture,
) -> None:
    usual = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = usual(*args, **kwargs)
        record.request_id = "of the application"
        return record

    logging.setLogRecordFactory(factory)
    try:
        with caplog.at_level(logging.INFO, "resayil"), resayil.testing():
            retried(resayil.Counters())
    finally:
        logging.setLogRecordFactory(usual)
    first = caplog.records[0]
    assert first.request_id == "of the application"  # type: ignore[attr-defined]
    assert first.kind == "server"  # type: ignore[attr-defined]


def test_nothing_is_made_for_a_log_that_is_off(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.CRITICAL, "resayil"), resayil.testing():
        retried(resayil.Counters())
    assert caplog.records == []


def test_counters_count_in_many_threads() -> None:
    counters = resayil.Counters()

    def count() -> None:
        for _ in range(1000):
            counters.call_started()
            counters.attempt_started()
            counters.answered()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    seen = counters.stats()
    assert seen["answered"] <= seen["attempts"] <= seen["calls"]
    for thread in threads:
        thread.join()
    assert counters.stats()["answered"] == 4000
    assert repr(counters) == "<Counters of 4000 calls, 4000 attempts>"
    with pytest.raises(ValueError, match="wait has to be"):
        counters.waited_for_quota(-1)
    with pytest.raises(TypeError):
        counters.decided(resayil.Decision(False, None, "budget"), ValueError())


def test_every_metric_is_on_the_page_and_its_programs_run(
    sandbox: Sandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    client = sandbox.client(quota=resayil.Quota(limit=30))
    client.chat.completions.create(model="mistral", messages=HELLO)
    names = [row.name for row in resayil.METRICS]
    for row in resayil.METRICS:
        assert f"| `{row.name}` | {row.instrument} | `{row.unit}` |" in PAGE
    assert {metric.name for metric in client.metrics()} <= set(names)

    made: dict[str, Any] = {}

    class Meter:
        """As OpenTelemetry's: the callbacks are asked when values are exported."""

        def make(self, name: str, callbacks: Any, unit: str, description: str) -> None:
            made[name] = callbacks[0](None)

        create_observable_counter = create_observable_gauge = make

    scope = {
        "client": client,
        "resayil": resayil,
        "meter": Meter(),
        "Observation": lambda value, attributes: (value, attributes),
    }
    programs = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(programs) == 3
    exec(programs[0], scope)
    assert resayil.opentelemetry.is_instrumented()
    resayil.opentelemetry.uninstrument()
    exec(programs[1], scope)
    assert "resayil_client_attempts{} 1.0\n" in capsys.readouterr().out
    exec(programs[2], scope)
    assert list(made) == names
    assert made["resayil.client.quota.limit"] == [(30.0, {})]
    assert made["resayil.client.calls"] == [(1.0, {})]
