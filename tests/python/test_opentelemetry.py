"""Spans and metrics, by OpenTelemetry's own exporters in memory."""

# ruff: noqa: E402

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

import pytest
import resayil
from conftest import require
from resayil.sandbox import Sandbox

for package in ("aiohttp", "httpx", "httpx2", "requests", "openai", "opentelemetry.sdk"):
    require(package)

import aiohttp
import httpx
import httpx2
import openai
import requests
import resayil.aiohttp
import resayil.httpx
import resayil.httpx2
import resayil.opentelemetry
import resayil.requests
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes as names
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics
from opentelemetry.trace import SpanKind, StatusCode

HI = [{"role": "user", "content": "the prompt"}]
FAST = resayil.RetryPolicy(base_delay=0.01)


class Told(NamedTuple):
    """What was exported."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader
    provider: TracerProvider

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    @property
    def span(self) -> ReadableSpan:
        (span,) = self.spans
        return span

    def points(self, metric: str) -> list[Any]:
        data = self.reader.get_metrics_data()
        found = []
        for resource in data.resource_metrics if data is not None else []:
            for scope in resource.scope_metrics:
                assert scope.scope.name == "resayil"
                for it in scope.metrics:
                    if it.name == metric:
                        found.extend(it.data.data_points)
        return found


@pytest.fixture
def told() -> Iterator[Told]:
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    resayil.opentelemetry.instrument(
        tracer_provider=tracers, meter_provider=MeterProvider([reader])
    )
    yield Told(exporter, reader, tracers)
    resayil.opentelemetry.uninstrument()


def by_client(sandbox: Sandbox) -> None:
    with resayil.Client(sandbox.api_key, sandbox.base_url, policy=FAST) as client:
        client.chat.completions.create(model="mistral", messages=HI)


def by_async_client(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with resayil.AsyncClient(sandbox.api_key, sandbox.base_url, policy=FAST) as client:
            await client.chat.completions.create(model="mistral", messages=HI)

    asyncio.run(main())


def _post(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "url": f"{sandbox.base_url}/chat/completions",
        "json": {"model": "mistral", "messages": HI},
        "headers": {"Authorization": f"Bearer {sandbox.api_key}"},
    }


def by_httpx(sandbox: Sandbox) -> None:
    with httpx.Client(transport=resayil.httpx.RetryTransport(policy=FAST)) as client:
        client.post(**_post(sandbox))


def by_httpx2(sandbox: Sandbox) -> None:
    async def main() -> None:
        transport = resayil.httpx2.AsyncRetryTransport(policy=FAST)
        async with httpx2.AsyncClient(transport=transport) as client:
            await client.post(**_post(sandbox))

    asyncio.run(main())


def by_requests(sandbox: Sandbox) -> None:
    with requests.Session() as session:
        session.mount("http://", resayil.requests.RetryAdapter(policy=FAST))
        session.post(**_post(sandbox))


def by_aiohttp(sandbox: Sandbox) -> None:
    async def main() -> None:
        retries = resayil.aiohttp.RetryMiddleware(policy=FAST)
        async with aiohttp.ClientSession(middlewares=[retries]) as session:
            async with session.post(**_post(sandbox)) as response:
                await response.read()

    asyncio.run(main())


def by_openai(sandbox: Sandbox) -> None:
    transport = resayil.httpx2.RetryTransport(policy=FAST)
    with openai.OpenAI(
        api_key=sandbox.api_key,
        base_url=sandbox.base_url,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(transport=transport),
    ) as client:
        client.chat.completions.create(model="mistral", messages=HI)  # type: ignore[arg-type]


WAYS = [by_client, by_async_client, by_httpx, by_httpx2, by_requests, by_aiohttp, by_openai]


@pytest.mark.parametrize("call", WAYS)
def test_a_call_is_a_span_with_its_attempts(
    call: Callable[[Sandbox], None], told: Told, resayil_sandbox: Sandbox
) -> None:
    resayil_sandbox.script("server_error", "unavailable")
    call(resayil_sandbox)
    span = told.span
    assert (span.name, span.kind) == ("chat mistral", SpanKind.CLIENT)
    attributes = dict(span.attributes or {})
    port = int(resayil_sandbox.base_url.split(":")[2].split("/")[0])
    assert attributes == {
        names.GEN_AI_OPERATION_NAME: "chat",
        names.GEN_AI_REQUEST_MODEL: "mistral",
        names.GEN_AI_RESPONSE_MODEL: "mistral:latest",
        names.GEN_AI_USAGE_INPUT_TOKENS: attributes[names.GEN_AI_USAGE_INPUT_TOKENS],
        names.GEN_AI_USAGE_OUTPUT_TOKENS: attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS],
        "http.request.method": "POST",
        "server.address": "127.0.0.1",
        "server.port": port,
        "resayil.attempts": 3,
    }
    assert attributes[names.GEN_AI_USAGE_INPUT_TOKENS] > 0
    events = [(it.name, dict(it.attributes or {})) for it in span.events]
    assert [name for name, _ in events] == ["resayil.retry"] * 2
    kinds = [it["error.type"] for _, it in events]
    assert kinds == ["server", "overloaded"] and events[0][1]["http.response.status_code"] == 500
    assert [it["resayil.attempt"] for _, it in events] == [1, 2]
    assert "the prompt" not in span.to_json() and resayil_sandbox.api_key not in span.to_json()

    (point,) = told.points(gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION)
    assert point.count == 1 and 0 < point.sum < 30 and 0.01 in point.explicit_bounds
    assert point.attributes[names.GEN_AI_REQUEST_MODEL] == "mistral"
    assert "error.type" not in point.attributes
    usage = told.points(gen_ai_metrics.GEN_AI_CLIENT_TOKEN_USAGE)
    by_type = {it.attributes[names.GEN_AI_TOKEN_TYPE]: it.sum for it in usage}
    assert by_type == {
        "input": attributes[names.GEN_AI_USAGE_INPUT_TOKENS],
        "output": attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS],
    }


@pytest.mark.parametrize("call", WAYS)
def test_a_failure_is_on_the_span(
    call: Callable[[Sandbox], None], told: Told, resayil_sandbox: Sandbox
) -> None:
    resayil_sandbox.script({"fault": "status", "status": 401})
    try:
        call(resayil_sandbox)
    except Exception as raised:
        assert "401" in str(raised)
    span = told.span
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "authentication"
    assert attributes["http.response.status_code"] == 401
    assert [it.name for it in span.events] == ["resayil.stop"]
    (point,) = told.points(gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION)
    assert point.attributes["error.type"] == "authentication"


def test_the_span_of_a_stream_ends_with_it(told: Told, resayil_sandbox: Sandbox) -> None:
    with resayil.Client(resayil_sandbox.api_key, resayil_sandbox.base_url) as client:
        stream = client.chat.completions.create(model="mistral", messages=HI, stream=True)
        assert told.spans == []
        list(stream)
        attributes = dict(told.span.attributes or {})
        assert attributes[names.GEN_AI_RESPONSE_MODEL] == "mistral:latest"
        assert attributes[names.GEN_AI_USAGE_OUTPUT_TOKENS] > 0
        # One that is left, and one that breaks.
        client.chat.completions.create(model="mistral", messages=HI, stream=True).close()
        resayil_sandbox.script("cut_stream")
        with pytest.raises(resayil.APIError):
            list(client.chat.completions.create(model="mistral", messages=HI, stream=True))
    last = told.spans[2]
    assert last.status.status_code is StatusCode.ERROR
    assert (last.attributes or {})["error.type"] == "network"

    async def main() -> None:
        async with resayil.AsyncClient(resayil_sandbox.api_key, resayil_sandbox.base_url) as client:
            answer = await client.chat.completions.create(model="mistral", messages=HI, stream=True)
            async for _ in answer:
                pass

    asyncio.run(main())
    assert len(told.spans) == 4 and told.spans[3].status.status_code is StatusCode.UNSET


def test_spans_are_nested(told: Told, resayil_sandbox: Sandbox) -> None:
    resayil_sandbox.script("server_error")
    client = resayil.Client(
        resayil_sandbox.api_key, resayil_sandbox.base_url, policy=resayil.RetryPolicy.none()
    )
    seen = []

    @resayil.retry(policy=FAST)
    def ask() -> str:
        seen.append(trace.get_current_span().get_span_context().span_id)
        answer = client.chat.completions.create(model="mistral", messages=HI)
        return str(answer.choices[0].message.content)

    with told.provider.get_tracer("mine").start_as_current_span("mine"):
        assert ask() == "echo: the prompt"
    first, second, around, mine = told.spans
    assert [first.name, second.name] == ["chat mistral"] * 2
    assert around.name.endswith("ask") and around.kind is SpanKind.INTERNAL
    for inner, outer in [(first, around), (second, around), (around, mine)]:
        assert inner.parent is not None and outer.context is not None
        assert inner.parent.span_id == outer.context.span_id
    assert around.context is not None and seen == [around.context.span_id] * 2
    assert [it.name for it in around.events] == ["resayil.retry"]
    assert (around.attributes or {})["resayil.attempts"] == 2


def test_functions_and_loops_are_spans(told: Told) -> None:
    @resayil.retry
    def good() -> int:
        return 1

    @resayil.retry(policy=FAST)
    async def bad() -> None:
        raise ZeroDivisionError

    assert good() == 1
    with pytest.raises(ZeroDivisionError):
        asyncio.run(bad())
    for attempt in resayil.attempts(policy=FAST):
        with attempt:
            if attempt.number == 1:
                raise ConnectionError("gone")
    one, two, three = told.spans
    assert one.status.status_code is StatusCode.UNSET and not one.events
    assert (two.attributes or {})["error.type"] == "ZeroDivisionError"
    assert [it.name for it in three.events] == ["resayil.retry"]
    assert told.points(gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION) == []


def test_other_calls_are_spans_without_a_model(told: Told, resayil_sandbox: Sandbox) -> None:
    with resayil.Client(resayil_sandbox.api_key, resayil_sandbox.base_url) as client:
        client.models.list()
    assert (told.span.name, told.span.kind) == ("GET", SpanKind.CLIENT)
    assert told.points(gen_ai_metrics.GEN_AI_CLIENT_OPERATION_DURATION) == []


def test_uninstrument_ends_it(told: Told, resayil_sandbox: Sandbox) -> None:
    assert resayil.opentelemetry.is_instrumented()
    resayil.opentelemetry.uninstrument()
    resayil.opentelemetry.uninstrument()
    assert not resayil.opentelemetry.is_instrumented()
    by_client(resayil_sandbox)
    by_httpx(resayil_sandbox)
    assert told.spans == []
