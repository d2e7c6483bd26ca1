"""Each SDK of others, plugged in: a failure of a moment is mended, any other is understood."""

# ruff: noqa: E402

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import resayil
from conftest import require
from recorder import Request, recorder
from sdks import MESSAGES, origin

httpx, httpx2 = require("httpx"), require("httpx2")

import resayil.httpx
import resayil.httpx2

# What SDKs warn of when they are imported is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

FAST = resayil.RetryPolicy(base_delay=0.01)


#: What a test has opened.
OPEN: list[Any] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def keep(client: Any) -> Any:
    OPEN.append(client)
    return client


def one() -> Any:
    return keep(httpx.Client(transport=resayil.httpx.RetryTransport(policy=FAST)))


def two() -> Any:
    return keep(httpx2.Client(transport=resayil.httpx2.RetryTransport(policy=FAST)))


def openai(base_url: str) -> str:
    sdk = require("openai").OpenAI(api_key="x", base_url=base_url, max_retries=0, http_client=two())
    answer = sdk.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


def anthropic(base_url: str) -> str:
    sdk = require("anthropic").Anthropic(
        api_key="x", base_url=origin(base_url), max_retries=0, http_client=two()
    )
    answer = sdk.messages.create(model="m", max_tokens=3, messages=MESSAGES)
    return str(answer.content[0].text)


def groq(base_url: str) -> str:
    sdk = require("groq").Groq(
        api_key="x", base_url=origin(base_url), max_retries=0, http_client=one()
    )
    answer = sdk.chat.completions.create(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


def mistralai(base_url: str) -> str:
    sdk = require("mistralai.client").Mistral(
        api_key="x", server_url=origin(base_url), client=two()
    )
    answer = sdk.chat.complete(model="m", messages=MESSAGES)
    return str(answer.choices[0].message.content)


def cohere(base_url: str) -> str:
    sdk = require("cohere").ClientV2("x", base_url=origin(base_url), httpx_client=one())
    answer = sdk.chat(model="m", messages=MESSAGES, request_options={"max_retries": 0})
    return str(answer.message.content[0].text)


def google_genai(base_url: str) -> str:
    types = require("google.genai.types")
    options = types.HttpOptions(
        base_url=origin(base_url),
        retry_options=types.HttpRetryOptions(attempts=1),
        httpx_client=two(),
    )
    sdk = require("google.genai").Client(api_key="x", http_options=options)
    return str(sdk.models.generate_content(model="m", contents="Hello").text)


def boto3(base_url: str) -> str:
    """It has no place for a transport: around the call."""
    sdk = require("boto3").client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=origin(base_url),
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=require("botocore.config").Config(retries={"max_attempts": 0}),
    )
    keep(sdk)
    asked = [{"role": "user", "content": [{"text": "Hello"}]}]
    answer = resayil.retry(policy=FAST).call(sdk.converse, modelId="m", messages=asked)
    return str(answer["output"]["message"]["content"][0]["text"])


def answer(request: Request) -> Any:
    """The answer of the API that is asked."""
    path = request.path
    if path.endswith(":generateContent"):
        content = {"role": "model", "parts": [{"text": "hi"}]}
        return {"candidates": [{"content": content, "finishReason": "STOP"}]}
    if path.endswith("/converse"):
        message = {"role": "assistant", "content": [{"text": "hi"}]}
        usage = {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2}
        return {
            "output": {"message": message}, "stopReason": "end_turn", "usage": usage,
            "metrics": {"latencyMs": 1},
        }  # fmt: skip
    text = [{"type": "text", "text": "hi"}]
    if path.endswith("/v2/chat"):
        message = {"role": "assistant", "content": text}
        return {"id": "1", "finish_reason": "COMPLETE", "message": message}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    if path.endswith("/messages"):
        return {
            "id": "1", "type": "message", "role": "assistant", "model": "m", "content": text,
            "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
        }  # fmt: skip
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "hi"},
    }
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
        "usage": usage,
    }  # fmt: skip


SDKS = [openai, anthropic, groq, mistralai, cohere, google_genai, boto3]


@pytest.mark.parametrize("sdk", SDKS)
def test_what_fails_for_a_moment_is_answered(sdk: Callable[[str], str]) -> None:
    failures = [(503, {}, b"{}"), (429, {"retry-after": "0"}, b'{"message": "slow down"}')]

    def serve(request: Request) -> Any:
        return failures.pop() if failures else answer(request)

    with recorder(serve) as server:
        assert sdk(server.base_url) == "hi"
    assert len(server.requests) == 3


@pytest.mark.parametrize("sdk", SDKS)
def test_what_cannot_be_mended_is_asked_once(sdk: Callable[[str], str]) -> None:
    error = b'{"message": "no such key", "error": {"message": "no such key", "code": 401}}'
    with recorder(lambda _: (401, {}, error)) as server, pytest.raises(Exception) as caught:
        sdk(server.base_url)
    assert len(server.requests) == 1
    understood = resayil.from_exception(caught.value)
    assert isinstance(understood, resayil.AuthenticationError), caught.value
