"""What the tests share: a sandbox that imitates the API."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any, NoReturn, Optional

import pytest
import resayil

ROOT = pathlib.Path(__file__).resolve().parents[2]


def missing(what: str) -> NoReturn:
    """Skips a test for what is missing on this machine; where all has to be there, fails it."""
    if os.environ.get("RESAYIL_CI") == "1":
        pytest.fail(f"{what} is missing, and RESAYIL_CI=1 asks for all tests", pytrace=False)
    pytest.skip(f"{what} is missing", allow_module_level=True)


def require(module: str) -> Any:
    """A module that a test file needs."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing(f"the Python package {module}")


def find_command() -> Optional[str]:
    """The `resayil` command: named by RESAYIL_COMMAND, built in the target folder, or installed."""
    named = os.environ.get("RESAYIL_COMMAND")
    if named:
        return named
    name = "resayil.exe" if sys.platform == "win32" else "resayil"
    built = target_file(name)
    return str(built) if built else shutil.which(name)


def target_file(name: str) -> Optional[pathlib.Path]:
    """What cargo built under this name."""
    target = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
    built = (target / profile / name for profile in ("debug", "release"))
    return next((file for file in built if file.is_file()), None)


class Sandbox:
    """A running sandbox."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self._control = base_url.removesuffix("/v1") + "/_sandbox/"

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._control + path, data)
        with urllib.request.urlopen(request, timeout=10) as response:
            text = response.read()
        return json.loads(text) if text else None

    def script(self, *faults: Any) -> None:
        """What befalls the next requests, in order."""
        self._ask("faults", list(faults))

    def change(self, **state: Any) -> None:
        """Changes the limit or the credits."""
        self._ask("state", state)

    def reset(self) -> None:
        """Forgets everything."""
        self._ask("reset", {})

    @property
    def log(self) -> list[dict[str, Any]]:
        """The requests so far."""
        log: list[dict[str, Any]] = self._ask("log")
        return log

    @property
    def statuses(self) -> list[Optional[int]]:
        """The statuses of the answers so far."""
        return [entry["status"] for entry in self.log]

    def client(self, **options: Any) -> resayil.Client:
        """A client of this sandbox."""
        return resayil.Client(self.api_key, self.base_url, **options)


@contextlib.contextmanager
def start_sandbox(command: str, *options: str) -> Iterator[Sandbox]:
    """Runs a sandbox of one's own."""
    arguments = [command, "sandbox", "--json", "--until-stdin-closes", *options]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                pytest.fail(f"`{' '.join(arguments)}` did not start", pytrace=False)
            started = json.loads(line)
            yield Sandbox(started["base_url"], started["api_key"])
        finally:
            process.stdin.close()
            ended = process.wait(timeout=10)
    assert ended == 0


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    with start_sandbox(command) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.reset()
    running_sandbox.change(limit=1000)
    return running_sandbox


RATE_LIMITED = b'{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}'


@pytest.fixture
def rate_limit_error() -> resayil.APIError:
    error = resayil.classify(429, {"X-RateLimit-Limit": "20"}, RATE_LIMITED, now=1741305555)
    assert error is not None
    return error
