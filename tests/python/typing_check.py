"""What a user writes, checked by `mypy --strict`; it is never run."""

from __future__ import annotations

from typing import Optional

import aiohttp
import httpx
import requests
import resayil
import resayil.aiohttp
import resayil.httpx
import resayil.requests
from typing_extensions import assert_type


def classify() -> None:
    error = resayil.classify(429, {"Retry-After": "3"}, b"", now=0.0, provider="resayil")
    assert_type(error, Optional[resayil.APIError])
    if error is None:
        return
    assert_type(error.status, Optional[int])
    assert_type(error.retry_after, Optional[float])
    assert_type(error.field_errors, dict[str, list[str]])
    assert_type(error.advice, list[str])
    assert_type(error.raw_body, bytes)
    assert_type(error.headers.get("a"), Optional[str])
    if error.rate_limit is not None:
        assert_type(error.rate_limit.limit, Optional[int])
    resayil.classify(500, [(b"a", b"b")], None)
    resayil.classify(500, httpx.Headers(), bytearray())
    resayil.classify("500", {}, b"")  # type: ignore[arg-type]


def policy() -> None:
    policy = resayil.RetryPolicy(max_attempts=3, deadline=90, jitter="full")
    decision = policy.start(now=0.0, seed=1).on_error(resayil.RateLimitError("x"), now=1.0)
    assert_type(decision, resayil.Decision)
    assert_type(decision.delay, Optional[float])
    resayil.RetryPolicy(jitter="some")  # type: ignore[arg-type]


@resayil.retry
def plain(a: int, *, b: str = "") -> float:
    return 1.0


@resayil.retry(policy=resayil.RetryPolicy(), on=(OSError, KeyError), budget=resayil.Budget())
def with_options(a: int) -> str:
    return ""


@resayil.retry
async def asynchronous(a: int) -> bytes:
    return b""


@resayil.retry(max_attempts=3, deadline=60, quota=resayil.Quota())
def with_short_options(a: int) -> str:
    return ""


async def shapes() -> None:
    assert_type(with_short_options(1), str)
    assert_type(resayil.retry.call(with_short_options, 1), str)
    assert_type(resayil.retry(max_attempts=3).call(with_short_options, a=1), str)
    for attempt in resayil.attempts(max_attempts=3, on=OSError):
        with attempt:
            assert_type(attempt.number, int)
    async for attempt in resayil.attempts():
        async with attempt:
            pass
    with resayil.Quota().slot(cost=3) as ticket:
        assert_type(ticket, resayil.Ticket)
    error = resayil.from_exception(ValueError())
    assert_type(error, Optional[resayil.APIError])
    assert_type(resayil.from_response(httpx.Response(200)), Optional[resayil.APIError])


async def retry() -> None:
    assert_type(plain(1, b="x"), float)
    assert_type(with_options(1), str)
    assert_type(await asynchronous(1), bytes)
    plain("1")  # type: ignore[arg-type]
    with_options(b=1)  # type: ignore[call-arg]
    with resayil.testing() as waits:
        assert_type(waits, resayil.Waits)


def client() -> None:
    client = resayil.Client(policy=resayil.RetryPolicy(), quota=resayil.Quota(limit=30))
    create = client.chat.completions.create
    answer = create(model="m", messages=[{"role": "user", "content": "x"}], temperature=0.2)
    assert_type(answer, resayil.ChatCompletion)
    assert_type(answer.choices[0].message.content, Optional[str])
    with create(model="m", messages=[answer.choices[0].message], stream=True) as stream:
        for chunk in stream:
            assert_type(chunk, resayil.ChatCompletionChunk)
            assert_type(chunk.choices[0].delta.content, Optional[str])
    assert_type([model.id for model in client.models.list()], list[str])
    assert_type(client.balance().credits, Optional[float])
    create(messages=[])  # type: ignore[call-overload]


async def async_client() -> None:
    async with resayil.AsyncClient(timeout=60, max_retries=2) as client:
        create = client.chat.completions.create
        answer = await create(model="m", messages=[{"role": "user", "content": "x"}], top_p=0.5)
        assert_type(answer, resayil.ChatCompletion)
        for call in answer.choices[0].message.tool_calls or []:
            assert_type(call.function.arguments, str)
        async for chunk in await create(model="m", messages=[], stream=True):
            assert_type(chunk.choices[0].delta.content, Optional[str])
        assert_type(await client.post("x", {}), resayil.Response)
        vectors = await client.embeddings.create(model="m", input=["x"])
        assert_type(vectors.data[0].embedding, list[float])
        assert_type(client.with_options(timeout=3), resayil.AsyncClient)
        await create(model="m", messages=[], tempurature=1)  # type: ignore[call-overload]


def streams() -> None:
    decoder = resayil.StreamDecoder(provider="openai")
    assert_type(decoder.feed(b""), list[str])
    terminal, error = decoder.finish()
    assert_type(error, Optional[resayil.APIError])
    if terminal == "complete":
        pass
    assert_type(resayil.classify_stream(200, {}, b"").text, str)


def transports() -> None:
    httpx.Client(transport=resayil.httpx.RetryTransport(policy=resayil.RetryPolicy()))
    httpx.AsyncClient(transport=resayil.httpx.AsyncRetryTransport(httpx.AsyncHTTPTransport()))
    requests.Session().mount("https://", resayil.requests.RetryAdapter(pool_maxsize=4))
    resayil.httpx.RetryTransport(quota=resayil.Quota(20), attempt_timeout=60, provider="openai")
    resayil.httpx.AsyncRetryTransport(quota=None, max_response_bytes=2**20)
    resayil.requests.RetryAdapter(share_quota=True, quota_folder="/tmp")
    aiohttp.ClientSession(middlewares=[resayil.aiohttp.RetryMiddleware(quota="auto")])
    resayil.httpx.RetryTransport(quota=20)  # type: ignore[arg-type]


def counters() -> None:
    counters = resayil.Counters()

    @resayil.retry(counters=counters)
    def ask(question: str) -> str:
        return question

    assert_type(ask("x"), str)
    assert_type(resayil.httpx.RetryTransport(counters=counters).counters, resayil.Counters)
    assert_type(resayil.requests.RetryAdapter().counters, resayil.Counters)
    for metric in counters.metrics() + resayil.Client().metrics():
        assert_type(metric, resayil.Metric)
        assert_type(metric.attributes, dict[str, str])
        assert_type(metric.value, float)
    assert_type(resayil.METRICS, tuple[resayil.MetricRow, ...])
