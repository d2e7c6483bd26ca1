"""OpenAI's own exceptions beside ours, on all vectors; docs/from-openai.md lists what differs."""

from __future__ import annotations

import re
from typing import Any

import openai
import pytest
import resayil
from conftest import ROOT, require
from test_vectors import cases, content

httpx2 = require("httpx2")
SDK = openai.OpenAI(api_key="x", base_url="http://127.0.0.1:9/v1")

PAGE = (ROOT / "docs" / "from-openai.md").read_text(encoding="utf-8")
#: By status: OpenAI's class and ours, where they differ.
BY_STATUS = {
    (int(status), theirs, ours)
    for status, theirs, ours in re.findall(
        r"^\| (\d{3}) \| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE
    )
}
#: Classes that the answer leads to, whatever its status.
BY_ANSWER = set(re.findall(r"^\| `(\w+)` \| that ", PAGE, re.MULTILINE))


def their_error(row: dict[str, Any]) -> openai.APIStatusError:
    framing = ("content-encoding", "content-length", "transfer-encoding")
    response = httpx2.Response(
        row["status"],
        headers=[
            (name.encode(), value.encode())
            for name, value in row["headers"]
            if name.lower() not in framing
        ],
        content=content(row),
        request=httpx2.Request("POST", "http://127.0.0.1:9/v1"),
    )
    return SDK._make_status_error_from_response(response)


def our_error(row: dict[str, Any]) -> resayil.APIError:
    error = resayil.classify(
        row["status"], row["headers"], content(row), now=row["now"], provider=row["provider"]
    )
    assert error is not None
    return error


FAILED = [case for case in cases("errors.jsonl") if case.values[0]["status"] >= 400]


def differs(row: dict[str, Any]) -> tuple[int, str, str] | None:
    """Status and both classes, if a handler for OpenAI's class does not catch ours."""
    theirs, ours = their_error(row), our_error(row)
    name = type(theirs).__name__
    if isinstance(ours, getattr(resayil, name)):
        return None
    return row["status"], name, type(ours).__name__


def test_by_the_status_alone_the_class_is_openais() -> None:
    found = set()
    for status in range(400, 600):
        row = {"status": status, "headers": [], "body": "", "now": 0, "provider": None}
        found.add(differs(row))
    assert found - {None} == BY_STATUS


def test_by_the_answer_it_may_be_another() -> None:
    found = set()
    for case in FAILED:
        row: Any = case.values[0]
        different = differs(row)
        if different is None or different in BY_STATUS:
            continue
        status, _theirs, ours = different
        found.add(ours)
        assert issubclass(getattr(resayil, ours), resayil.APIStatusError)
        # It is not the status that says so.
        assert type(resayil.classify(status, {}, b"")).__name__ != ours
    assert len(BY_ANSWER) == 11
    assert found <= BY_ANSWER, "docs/from-openai.md lists what differs"


@pytest.mark.parametrize("row", FAILED)
def test_what_is_read_of_an_error_is_the_same(row: dict[str, Any]) -> None:
    theirs, ours = their_error(row), our_error(row)
    assert (theirs.body or None) == (ours.body or None)
    assert ours.status_code == theirs.status_code
    assert ours.response is not None
    assert ours.response.status_code == theirs.response.status_code
    assert ours.response.content == theirs.response.content
    assert ours.response.text == content(row).decode("utf-8", "replace")
    for header in theirs.response.headers:
        if header != "content-length":
            assert header in ours.response.headers
    if theirs.request_id is not None:
        assert ours.request_id is not None


def test_every_class_of_openai_has_its_namesake() -> None:
    # Of answers that the SDK parses itself.
    parsing = {"LengthFinishReasonError", "ContentFilterFinishReasonError"}
    for name, cls in list(vars(openai).items()):
        if not (isinstance(cls, type) and issubclass(cls, openai.OpenAIError)):
            continue
        if (
            name in parsing
            or name.startswith("_")
            or "OAuth" in name
            or "Webhook" in name
            or "WebSocket" in name
        ):
            continue
        namesake = getattr(resayil, name)
        for base in cls.__mro__:
            if issubclass(base, openai.OpenAIError):
                assert issubclass(namesake, getattr(resayil, base.__name__)), (name, base)


def test_exceptions_are_made_as_openais_are() -> None:
    response = httpx2.Response(429, headers={"x-request-id": "r", "retry-after": "3"}, json={})
    error = resayil.RateLimitError(
        "slow down", response=response, body={"message": "m", "code": "c"}
    )
    assert (error.status_code, error.request_id, error.message) == (429, "r", "slow down")
    assert error.body == {"message": "m", "code": "c"}
    assert error.response is not None and error.response.headers["Retry-After"] == "3"
    request = httpx2.Request("POST", "http://127.0.0.1:9/v1")
    assert resayil.APIConnectionError("gone", request=request).response is None
    with pytest.raises(TypeError, match="no detail 'colour'"):
        resayil.APIError("x", colour=1)
