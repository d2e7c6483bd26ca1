"""Calls through the clients and SDKs of others, with their own retries off."""

from __future__ import annotations

import asyncio
import os
import urllib.request
from collections.abc import Callable
from typing import Any

from conftest import require

# It would fetch a list of prices from the network.
os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

MESSAGES: Any = [{"role": "user", "content": "Hello"}]

#: By name: a function of the base URL (which ends in /v1) that calls a chat, and raises.
CALLS: dict[str, Callable[[str], Any]] = {}


def call(function: Callable[[str], Any]) -> Callable[[str], Any]:
    CALLS[function.__name__] = function
    return function


def origin(base_url: str) -> str:
    return base_url.removesuffix("/v1")


@call
def openai(base_url: str) -> Any:
    sdk = require("openai").OpenAI(api_key="x", base_url=base_url, max_retries=0)
    return sdk.chat.completions.create(model="m", messages=MESSAGES)


@call
def anthropic(base_url: str) -> Any:
    sdk = require("anthropic").Anthropic(api_key="x", base_url=origin(base_url), max_retries=0)
    return sdk.messages.create(model="m", max_tokens=3, messages=MESSAGES)


@call
def groq(base_url: str) -> Any:
    sdk = require("groq").Groq(api_key="x", base_url=origin(base_url), max_retries=0)
    return sdk.chat.completions.create(model="m", messages=MESSAGES)


@call
def mistralai(base_url: str) -> Any:
    sdk = require("mistralai.client").Mistral(api_key="x", server_url=origin(base_url))
    return sdk.chat.complete(model="m", messages=MESSAGES)


@call
def cohere(base_url: str) -> Any:
    sdk = require("cohere").ClientV2("x", base_url=origin(base_url))
    return sdk.chat(model="m", messages=MESSAGES, request_options={"max_retries": 0})


@call
def google_genai(base_url: str) -> Any:
    types = require("google.genai.types")
    options = types.HttpOptions(
        base_url=origin(base_url), retry_options=types.HttpRetryOptions(attempts=1)
    )
    sdk = require("google.genai").Client(api_key="x", http_options=options)
    return sdk.models.generate_content(model="m", contents="Hello")


@call
def google_genai_async(base_url: str) -> Any:
    types = require("google.genai.types")

    async def main() -> Any:
        options = types.HttpOptions(
            base_url=origin(base_url), retry_options=types.HttpRetryOptions(attempts=1)
        )
        sdk = require("google.genai").Client(api_key="x", http_options=options)
        try:
            return await sdk.aio.models.generate_content(model="m", contents="Hello")
        finally:
            await sdk.aio.aclose()

    return asyncio.run(main())


@call
def google_api_core(base_url: str) -> Any:
    requests = require("requests")
    answer = requests.post(base_url, json={}, timeout=10)
    raise require("google.api_core.exceptions").from_http_response(answer)


@call
def boto3(base_url: str) -> Any:
    config = require("botocore.config").Config(retries={"max_attempts": 0})
    sdk = require("boto3").client(
        "bedrock-runtime",
        region_name="us-east-1",
        endpoint_url=origin(base_url),
        aws_access_key_id="a",
        aws_secret_access_key="b",
        config=config,
    )
    return sdk.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])


@call
def pydantic_ai(base_url: str) -> Any:
    models = require("pydantic_ai.models.openai")
    providers = require("pydantic_ai.providers.openai")
    sdk = require("openai").AsyncOpenAI(api_key="x", base_url=base_url, max_retries=0)
    model = models.OpenAIChatModel("m", provider=providers.OpenAIProvider(openai_client=sdk))
    return asyncio.run(require("pydantic_ai").Agent(model).run("Hello"))


@call
def litellm(base_url: str) -> Any:
    sdk = require("litellm")
    sdk.suppress_debug_info = True
    return sdk.completion(
        model="openai/m", api_base=base_url, api_key="x", max_retries=0, messages=MESSAGES
    )


@call
def httpx(base_url: str) -> Any:
    require("httpx").post(base_url, json={}).raise_for_status()


@call
def httpx2(base_url: str) -> Any:
    require("httpx2").post(base_url, json={}).raise_for_status()


@call
def requests(base_url: str) -> Any:
    require("requests").post(base_url, json={}, timeout=10).raise_for_status()


@call
def aiohttp(base_url: str) -> Any:
    library = require("aiohttp")

    async def main() -> Any:
        async with library.ClientSession(raise_for_status=True) as session:
            async with session.post(base_url, json={}):
                pass

    return asyncio.run(main())


@call
def urllib_(base_url: str) -> Any:
    request = urllib.request.Request(base_url, b"{}")
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


@call
def urllib3(base_url: str) -> Any:
    library = require("urllib3")
    retries = library.Retry(
        0, status_forcelist=range(400, 600), allowed_methods=None, respect_retry_after_header=False
    )
    with library.PoolManager() as pool:
        return pool.request("POST", base_url, body=b"{}", retries=retries)


@call
def pycurl(base_url: str) -> Any:
    library = require("pycurl")
    curl = library.Curl()
    curl.setopt(library.URL, base_url)
    curl.setopt(library.FAILONERROR, 1)
    curl.setopt(library.TIMEOUT, 10)
    curl.setopt(library.WRITEFUNCTION, lambda _: None)
    try:
        curl.perform()
    finally:
        curl.close()
