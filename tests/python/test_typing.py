"""What users write, as strict type checkers see it: the snippets of the README."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT, require
from test_readme import SNIPPETS

require("mypy")
require("pyright")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """The snippets, each a module."""
    path = tmp_path_factory.mktemp("snippets")
    codes = [code for _, code in SNIPPETS if code]
    assert len(codes) >= 9
    for number, code in enumerate(codes):
        if "def test_my_program" in code:
            # What the page leaves to its reader.
            code = code.replace("(resayil_sandbox)", "(resayil_sandbox: Sandbox) -> None")
            code = (
                "from resayil.sandbox import Sandbox\n\n\n"
                "def my_program(base_url: str, api_key: str) -> str:\n    return base_url\n\n\n"
                f"{code}"
            )
        (path / f"snippet_{number}.py").write_text(code, encoding="utf-8")
    return path


def check(command: list[str], folder: pathlib.Path) -> None:
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_mypy(folder: pathlib.Path) -> None:
    cache = str(folder / "cache")
    options = ["--strict", "--no-error-summary", "--cache-dir", cache, "--config-file", ""]
    check([sys.executable, "-m", "mypy", *options, "."], folder)


def test_pyright(folder: pathlib.Path) -> None:
    settings = {
        "include": ["."],
        "typeCheckingMode": "strict",
        "extraPaths": [str(ROOT / "python")],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    python = ["--pythonpath", sys.executable]
    check([sys.executable, "-m", "pyright", *python], folder)
