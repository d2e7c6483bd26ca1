"""The vectors that all languages share; see tests/vectors/README.md."""

from __future__ import annotations

import base64
import json
import pickle
from typing import Any

import pytest
import resayil
from conftest import ROOT

VECTORS = ROOT / "tests" / "vectors"


def cases(name: str) -> list[Any]:
    lines = (VECTORS / name).read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    assert rows, f"{name} is empty"
    return [pytest.param(row, id=row["id"]) for row in rows]


def content(row: dict[str, Any]) -> bytes:
    if row.get("body_b64") is not None:
        return base64.b64decode(row["body_b64"])
    return (row.get("body") or "").encode()


def record(error: resayil.APIError | None) -> Any:
    if error is None:
        return None
    assert pickle.loads(pickle.dumps(error)).to_json() == error.to_json()
    return json.loads(error.to_json())


@pytest.mark.parametrize("row", cases("errors.jsonl"))
def test_errors(row: dict[str, Any]) -> None:
    error = resayil.classify(
        row["status"], row["headers"], content(row), now=row["now"], provider=row["provider"]
    )
    assert record(error) == row["record"]


@pytest.mark.parametrize("row", cases("streams.jsonl"))
def test_streams(row: dict[str, Any]) -> None:
    result = resayil.classify_stream(
        row["status"], row["headers"], row["stream"], now=row["now"], provider=row["provider"]
    )
    assert record(result.error) == row["record"]
    assert (result.terminal, result.text) == (row["terminal"], row["partial_text"])
    # What is complete has been delivered.
    safe = result.error is not None and result.error.safe_to_replay
    assert safe == row["safe_to_replay"]
