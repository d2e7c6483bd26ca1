"""The README of the package: each snippet of Python is carried out, against the sandbox."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest
import resayil.sandbox
from conftest import ROOT, Sandbox, require

for package in ("httpx", "httpx2", "openai"):
    require(package)

TEXT = (ROOT / "python" / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"(?:^## ([^\n]+)$)|^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def snippets() -> list[Any]:
    found, section = [], "begin"
    for heading, code in SNIPPETS:
        if heading:
            section = heading
        else:
            found.append(pytest.param(code, id=f"{section}-{len(found)}"))
    return found


def test_there_are_some() -> None:
    assert len(snippets()) == TEXT.count("```python\n") == 9


@pytest.mark.parametrize("code", snippets())
def test_a_snippet_works(
    code: str, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("RESAYIL", "OPENAI"):
        monkeypatch.setenv(f"{name}_API_KEY", sandbox.api_key)
        monkeypatch.setenv(f"{name}_BASE_URL", sandbox.base_url)
    # So that what it imports below the package is found as if it were the first to do so.
    module: dict[str, Any] = {"__name__": "readme"}
    exec(compile(code, "python/README.md", "exec"), module)
    output = capsys.readouterr().out
    assert "print(" not in code or output.strip()
    if "Hello" in code:
        assert "echo: Hello" in output
    assert "resayil" in sys.modules
    if "def test_my_program" in code:
        check_test(module)


def check_test(module: dict[str, Any]) -> None:
    """Carries out the test that the page shows, with a program for it."""

    def my_program(base_url: str, api_key: str) -> str:
        with resayil.Client(api_key, base_url) as client:
            messages = [{"role": "user", "content": "hi"}]
            answer = client.chat.completions.create(model="mistral", messages=messages)
            return str(answer.choices[0].message.content)

    module["my_program"] = my_program
    with resayil.sandbox.Sandbox() as own:
        module["test_my_program"](own)
        assert [entry["status"] for entry in own.log] == [500, 429, 200]
