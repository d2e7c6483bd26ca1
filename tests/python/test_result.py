"""Errors inside of what a function returned."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Callable

import pytest
import resayil
from conftest import require
from recorder import recorder

require("httpx")
requests: Any = require("requests")

ERROR = {"error": {"message": "upstream is overloaded", "code": 503}}
ANSWER = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}], "error": None}
POLICY = resayil.RetryPolicy(max_attempts=3, base_delay=0.0)


def of_httpx(body: Any) -> Any:
    httpx: Any = importlib.import_module("httpx")
    return httpx.Response(200, json=body)


def of_requests(body: Any) -> Any:
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "application/json"
    response._content = of_httpx(body).content
    return response


def of_aiohttp(body: Any) -> Any:
    aiohttp: Any = require("aiohttp")

    async def fetch() -> Any:
        async with aiohttp.ClientSession() as session, session.get(running.base_url) as response:
            await response.read()
            return response

    with recorder(lambda _: body) as running:
        return asyncio.run(fetch())


FORMS: list[Callable[[Any], Any]] = [of_httpx, of_requests, of_aiohttp, lambda body: body]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("is_async", [False, True])
def test_an_error_in_a_success_is_retried(form: Any, is_async: bool) -> None:
    answers = [form(ERROR), form(ERROR), form(ANSWER)]

    def plain() -> Any:
        return answers.pop(0)

    async def later() -> Any:
        return plain()

    if is_async:
        result = asyncio.run(resayil.retry(policy=POLICY)(later)())
    else:
        result = resayil.retry(policy=POLICY)(plain)()
    assert not answers
    assert result is not None


@pytest.mark.parametrize("form", FORMS)
def test_it_is_raised_at_the_end(form: Any) -> None:
    calls = []

    @resayil.retry(policy=POLICY, quota=resayil.Quota(window=None))
    def ask() -> Any:
        calls.append(1)
        return form(ERROR)

    with pytest.raises(resayil.APIError, match="upstream is overloaded") as caught:
        ask()
    assert len(calls) == 3
    assert caught.value.attempts == 3


@pytest.mark.parametrize(
    "result",
    [{"error": None}, {"error": ""}, {"error": object()}, {"answer": 1}, [], None, 7, "error"],
)
def test_other_results_are_results(result: Any) -> None:
    assert resayil.retry(lambda: result)() is result


def test_streams_and_other_answers_are_left_alone() -> None:
    httpx: Any = importlib.import_module("httpx")
    stream = httpx.Response(
        200, headers={"Content-Type": "application/json"}, stream=httpx.ByteStream(b"{}")
    )
    text = httpx.Response(200, text="error")
    for response in (stream, text):
        assert resayil.retry(lambda response=response: response)() is response
