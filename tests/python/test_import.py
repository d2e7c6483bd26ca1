"""What `import resayil` loads: no more than it needs."""

from __future__ import annotations

import subprocess
import sys

#: Large modules, of which a program that only imports the package has no use.
LARGE = {
    "asyncio", "difflib", "email", "hashlib", "http", "inspect", "logging", "socket", "ssl",
    "threading", "urllib", "uuid", "dataclasses", "importlib.metadata", "httpx", "requests",
}  # fmt: skip


def loaded(program: str) -> set[str]:
    """The modules that a program loads, beside those of the interpreter's start."""
    code = (
        "import sys; before = set(sys.modules)\n"
        f"{program}\n"
        "print(' '.join(set(sys.modules) - before))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60
    )
    return set(ran.stdout.split())


def test_large_modules_are_loaded_when_they_are_needed() -> None:
    modules = loaded("import resayil")
    assert "resayil._native" in modules
    assert not modules & LARGE, modules & LARGE


def test_the_log_needs_nobody_who_logs() -> None:
    program = (
        "import resayil\n"
        "failures = [ConnectionError('gone')]\n"
        "@resayil.retry(base_delay=0.0)\n"
        "def ask():\n"
        "    if failures: raise failures.pop()\n"
        "ask()"
    )
    assert "logging" not in loaded(program)
    # Who sets it up later hears of it.
    later = program + (
        "\nimport io, logging, sys\n"
        "heard = io.StringIO()\n"
        "logging.basicConfig(stream=heard)\n"
        "failures.append(ConnectionError('gone'))\n"
        "ask()\n"
        "assert 'WARNING:resayil:' in heard.getvalue(), heard.getvalue()"
    )
    assert "logging" in loaded(later)
    # And who loads it and sets up nothing sees nothing.
    silent = "import logging\n" + program + "\nassert logging.getLogger('resayil').handlers"
    ran = subprocess.run(
        [sys.executable, "-c", silent], capture_output=True, check=True, text=True, timeout=60
    )
    assert ran.stderr == ""
