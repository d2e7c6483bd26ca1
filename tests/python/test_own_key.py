"""A server that echoes the caller's key, whose form nobody knows: the doors show it nowhere."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import fault_matrix
import pytest
import resayil
from conftest import Sandbox, require
from fault_matrix import Fault
from recorder import Request, recorder
from resayil._services import Quotas

KEY = "correct-horse-battery-staple"
ECHO = Fault("key_echo", stream=False, ends_by_deadline=False)


def refused(door: Any, url: str) -> Exception:
    """What a call through the door raises."""

    async def call() -> Any:
        async with door() as call:
            return await call(url, KEY, ECHO)

    with pytest.raises(Exception) as caught:
        if door in (fault_matrix.openai_async, fault_matrix.aiohttp):
            asyncio.run(call())
        else:
            with door() as call_at_once:
                call_at_once(url, KEY, ECHO)
    return caught.value


@pytest.mark.parametrize(
    "door",
    [
        fault_matrix.client,
        fault_matrix.openai,
        fault_matrix.openai_async,
        fault_matrix.requests,
        fault_matrix.aiohttp,
    ],
)
def test_no_text_holds_the_key(
    door: Any, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"{sandbox.base_url.removesuffix('/v1')}{ECHO.path}"
    with caplog.at_level(logging.DEBUG, logger="resayil"):
        exception = refused(door, url)
    error = resayil.from_exception(exception)
    assert error is not None and error.kind == "authentication"
    texts = [str(exception), str(getattr(exception, "body", "")), caplog.text]
    if door is not fault_matrix.aiohttp:
        # aiohttp shows the headers of the request itself.
        texts.append(repr(exception))
    texts += [str(error), repr(error), error.to_json(), str(error.code), str(error.request_id)]
    texts += [str(error.message), str(error.param), error.raw_body.decode("utf-8", "replace")]
    response = getattr(exception, "response", None)
    texts.append(str(getattr(response, "text", "")))
    for text in texts:
        assert "horse" not in text, text


def test_a_transport_does_not_keep_the_keys_of_its_requests() -> None:
    quotas = Quotas()
    first = quotas.of("https://a.test", "a.test", {"authorization": f"Bearer {KEY}"})
    assert quotas.of("https://a.test", "a.test", {"authorization": f"Bearer {KEY}"}) is first
    assert quotas.of("https://a.test", "a.test", {"authorization": "Bearer other"}) is not first
    assert KEY not in repr(vars(quotas))


OTHER = "quite-another-battery-of-horses"
QUESTION: Any = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def echo(request: Request) -> Any:
    """A header, and an error that echoes both keys; inside of a stream if that is asked for."""
    text = f"no such key: {KEY}, nor {OTHER}"
    headers = {"x-trace": f"key={KEY}", "x-also": OTHER}
    if not request.body.get("stream"):
        return 401, headers, json.dumps({"error": {"message": text}}).encode()
    piece = {"choices": [{"index": 0, "delta": {"content": "Hel"}}]}
    events = [piece] if "late" in request.path else []
    events.append({"error": {"message": text, "code": 401, "type": "authentication_error"}})
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return 200, {"content-type": "text/event-stream", **headers}, body.encode()


def openai_says(url: str, stream: bool) -> list[str]:
    """All that openai's SDK tells of it."""
    openai, ours = require("openai"), require("resayil.httpx2")
    http_client = openai.DefaultHttpxClient(transport=ours.RetryTransport(quota=None))
    texts = []
    with openai.OpenAI(
        api_key=KEY, base_url=url, max_retries=0, http_client=http_client,
        default_headers={"api-key": OTHER},
    ) as sdk:  # fmt: skip
        try:
            answer = sdk.chat.completions.create(**QUESTION, stream=stream)
            texts += [answer.response.headers, answer.response.text] if not stream else []
            texts += [answer.response.headers]
            texts += list(answer)
        except Exception as exception:
            response = getattr(exception, "response", None)
            texts += [exception, repr(exception), getattr(exception, "body", "")]
            texts += [getattr(response, "headers", ""), resayil.from_exception(exception)]
    return [str(getattr(text, "raw", text)) for text in texts]


@pytest.mark.parametrize(("path", "stream"), [("", False), ("/early", True), ("/late", True)])
def test_neither_events_nor_headers_hold_a_key(
    path: str, stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with recorder(echo) as server, caplog.at_level(logging.DEBUG, logger="resayil"):
        texts = openai_says(server.base_url + path, stream)
        assert server.requests[0].headers["api-key"] == OTHER
    assert any("no such key" in text for text in texts)
    for text in [*texts, caplog.text]:
        assert "horse" not in text, text


@pytest.mark.parametrize("library", ["requests", "aiohttp"])
def test_the_headers_of_an_answer_hold_no_key(library: str) -> None:
    module, ours = require(library), require(f"resayil.{library}")

    async def by_aiohttp(url: str, headers: Any) -> list[Any]:
        door = ours.RetryMiddleware(quota=None)
        async with module.ClientSession(middlewares=[door]) as session:
            async with session.post(url, json=QUESTION, headers=headers) as response:
                return [dict(response.headers), response.raw_headers, await response.text()]

    def by_requests(url: str, headers: Any) -> list[Any]:
        with module.Session() as session:
            session.mount("http://", ours.RetryAdapter(quota=None))
            response = session.post(url, json=QUESTION, headers=headers)
            return [response.headers, response.raw.headers, response.text]

    headers = {"Authorization": f"Bearer {KEY}", "X-Api-Key": OTHER}
    with recorder(echo) as server:
        if library == "aiohttp":
            texts = asyncio.run(by_aiohttp(server.base_url + "/chat", headers))
        else:
            texts = by_requests(server.base_url + "/chat", headers)
    for text in map(str, texts):
        assert "redacted" in text and "horse" not in text, text


def test_what_retry_tells_of_others_exceptions_holds_no_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    openai, httpx2 = require("openai"), require("httpx2")
    url = f"https://api.test/v1?key={OTHER}"
    request = httpx2.Request("POST", url, headers={"Authorization": f"Bearer {KEY}"})
    text = f"{KEY} and {OTHER} are busy"
    events: list[resayil.RetryEvent] = []

    @resayil.retry(max_attempts=2, on_event=events.append)
    def ask() -> None:
        body = {"error": {"message": text}}
        response = httpx2.Response(503, json=body, headers={"x-key": KEY}, request=request)
        raise openai.InternalServerError(text, response=response, body=body)

    with resayil.testing(), caplog.at_level(logging.DEBUG, logger="resayil"):
        with pytest.raises(openai.InternalServerError) as caught:
            ask()
    error = resayil.from_exception(caught.value)
    assert error is not None and "are busy" in str(error)
    notes = getattr(caught.value, "__notes__", [])
    texts = [str(error), repr(error), error.to_json(), repr(error.raw_body), str(error.headers)]
    for told in [*texts, *notes, *map(str, events), caplog.text]:
        assert "horse" not in told, told


def test_a_plain_answer_is_not_touched() -> None:
    requests, ours = require("requests"), require("resayil.requests")
    with recorder() as server, requests.Session() as session:
        session.mount("http://", ours.RetryAdapter(quota=None))
        response = session.post(server.base_url, json=QUESTION, headers={"Authorization": KEY})
        assert response.json()["choices"] and "redacted" not in str(response.headers)
