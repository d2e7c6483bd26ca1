"""A server that echoes the caller's key, whose form nobody knows: the doors show it nowhere."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import fault_matrix
import pytest
import resayil
from conftest import Sandbox
from fault_matrix import Fault
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
