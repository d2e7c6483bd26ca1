"""The command that the package carries: the same one as Rust's."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from typing import Any

import pytest
import resayil
from resayil.sandbox import Sandbox

SCRIPT = pathlib.Path(sys.executable).parent / "resayil"


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "resayil", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        **{"input": "", **options},
    )


def test_both_names_lead_to_it() -> None:
    for command in ([str(SCRIPT)], [sys.executable, "-m", "resayil"]):
        shown = subprocess.run([*command, "--version"], capture_output=True, check=True, text=True)
        assert shown.stdout == f"resayil {resayil.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "out", "err"),
    [
        (["explain", "429"], 10, "rate_limit: ", ""),
        (["explain", "401"], 11, "authentication: ", ""),
        (["--help"], 0, "Usage: resayil", ""),
        ([], 2, "", "Usage: resayil"),
        (["explian"], 2, "", "did you mean `explain`?"),
        (["explain", "/nonsense/file"], 3, "", "/nonsense/file"),
        (["chat", "hi"], 4, "", "RESAYIL_API_KEY"),
    ],
)
def test_exit_codes_are_the_same(arguments: list[str], code: int, out: str, err: str) -> None:
    clean = {name: value for name, value in os.environ.items() if "RESAYIL" not in name}
    ran = run(*arguments, env=clean)
    assert (ran.returncode, out in ran.stdout, err in ran.stderr) == (code, True, True), ran


def test_standard_input_and_output_are_whole() -> None:
    line = '{"id": 1, "status": 429, "headers": {}, "body": "x"}\n'
    ran = run("explain", "--jsonl", input=line * 1000)
    assert ran.returncode == 0 and ran.stdout.count('"kind": "rate_limit"') == 1000


def test_a_call_goes_through(resayil_sandbox: Sandbox) -> None:
    ran = run("chat", "--model", "mistral", "Hello", env={**os.environ, **resayil_sandbox.env})
    assert (ran.returncode, ran.stdout) == (0, "echo: Hello\n"), ran


@pytest.mark.skipif(sys.platform == "win32", reason="signals are Unix's")
def test_ctrl_c_ends_it(resayil_sandbox: Sandbox) -> None:
    resayil_sandbox.script({"fault": "rate_limited", "retry_after": 60})
    for arguments, code in [
        # It waits for input, and has nothing to clean up.
        (["explain"], -signal.SIGINT),
        # It has, and says so.
        (["sandbox"], 0),
        (["chat", "--model", "mistral", "hi"], 130),
    ]:
        process = subprocess.Popen(
            [str(SCRIPT), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **resayil_sandbox.env},
        )
        time.sleep(1.0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        try:
            process.communicate(timeout=10)
        finally:
            process.kill()
        assert time.monotonic() - begun < 5
        assert process.returncode == code, arguments


def test_a_program_is_judged() -> None:
    program = (
        "import resayil; c = resayil.Client()\n"
        "c.chat.completions.create(model='mistral', messages=[{'role': 'user', 'content': 'hi'}])\n"
    )
    judge = ["sandbox", "--judge", "--fault-rate", "1", "--fault"]
    forbidden = '{"fault": "status", "status": 403}'
    ran = run(*judge, forbidden, "--", sys.executable, "-c", program)
    assert (ran.returncode, ran.stdout) == (0, "verdict: 0 mistakes in 1 requests\n"), ran
    assert "PermissionDeniedError" in ran.stderr
