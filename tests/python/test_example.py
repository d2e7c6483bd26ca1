from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

from conftest import ROOT, Sandbox

EXAMPLE = pathlib.Path(__file__).with_name("example.py")


def test_the_example_prints_what_all_languages_print(sandbox: Sandbox) -> None:
    sandbox.change(credits=1.0)
    sandbox.script({"fault": "rate_limited", "retry_after": 2})
    environment = {
        **os.environ,
        "RESAYIL_API_KEY": sandbox.api_key,
        "RESAYIL_BASE_URL": sandbox.base_url,
        "PYTHONIOENCODING": "utf-8",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    printed = re.sub(r"(\d+)\.\d+ s$", r"\1 s", done.stdout, flags=re.MULTILINE).splitlines()
    expected = (ROOT / "tests/examples/expected.txt").read_text(encoding="utf-8").splitlines()
    # This sandbox behaves as the server: its messages about fields are in Arabic.
    invalid = next(index for index, line in enumerate(expected) if line.startswith("validation: "))
    assert printed[invalid].startswith("validation: temperature: ")
    assert len(printed[invalid]) > len("validation: temperature: ")
    expected[invalid] = printed[invalid]
    assert printed == expected
    first, second, *_ = sandbox.log
    assert sandbox.statuses == [429, 200, 422, 402]
    assert 2.0 <= second["time"] - first["time"] < 2.9


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) < 60
