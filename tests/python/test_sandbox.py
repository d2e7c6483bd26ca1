"""The sandbox and the pytest plugin: a program under test is judged."""

from __future__ import annotations

import http.client
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any, Callable, Optional

import pytest
import resayil
from resayil.sandbox import Sandbox


def ask(sandbox: Sandbox, *, stream: bool = False, timeout: Optional[float] = None) -> int:
    """One request, as a simple program makes it; 0 is no answer."""
    body = {"model": "mistral", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    request = urllib.request.Request(
        f"{sandbox.base_url}/chat/completions",
        json.dumps(body).encode(),
        {"authorization": f"Bearer {sandbox.api_key}", "content-type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            response.read()
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, http.client.HTTPException):
        return 0


def repeat(times: int, pause: float, **options: Any) -> Callable[[Sandbox], None]:
    """A program that makes so many tries."""

    def program(sandbox: Sandbox) -> None:
        for _ in range(times):
            if ask(sandbox, **options) == 200:
                break
            time.sleep(pause)

    return program


def hang(sandbox: Sandbox) -> None:
    threading.Thread(target=ask, args=(sandbox,), daemon=True).start()
    time.sleep(0.4)


@pytest.mark.parametrize(
    ("mistake", "fault", "program"),
    [
        ("retried_too_early", {"fault": "rate_limited", "retry_after": 2}, repeat(2, 0.4)),
        ("retried_terminal", {"fault": "status", "status": 401}, repeat(2, 0.4)),
        ("storm", "server_error", repeat(4, 0.01)),
        ("cut_stream_accepted", "cut_stream", repeat(1, 0.0, stream=True)),
        ("gave_up", "unavailable", repeat(1, 0.0)),
        ("no_timeout", "hang", hang),
    ],
)
def test_each_mistake_is_found(
    resayil_sandbox: Sandbox, mistake: str, fault: Any, program: Callable[[Sandbox], None]
) -> None:
    resayil_sandbox.script(*[fault] * (4 if mistake == "storm" else 1))
    program(resayil_sandbox)
    verdict = resayil_sandbox.verdict()
    assert verdict.mistakes >= {mistake} and not verdict.is_good, verdict
    with pytest.raises(AssertionError, match=f"{mistake}: "):
        resayil_sandbox.check()
    resayil_sandbox.check(allow=verdict.mistakes)


def test_our_client_makes_none(resayil_sandbox: Sandbox) -> None:
    resayil_sandbox.script("server_error", {"fault": "rate_limited", "retry_after": 1}, "drop")
    fast = resayil.RetryPolicy(base_delay=0.05)
    with resayil.Client(resayil_sandbox.api_key, resayil_sandbox.base_url, policy=fast) as client:
        answer = client.chat.completions.create(model="mistral", messages=[_HI])
        assert answer.choices[0].message.content == "echo: hi"
        with pytest.raises(resayil.NotFoundError):
            client.chat.completions.create(model="nonsense", messages=[_HI])
    resayil_sandbox.check()
    assert [entry["status"] for entry in resayil_sandbox.log] == [500, 429, None, 200, 404]


_HI = {"role": "user", "content": "hi"}


def test_a_stream_that_broke_was_told_of(resayil_sandbox: Sandbox) -> None:
    resayil_sandbox.script("cut_stream")
    with resayil.Client(resayil_sandbox.api_key, resayil_sandbox.base_url) as client:
        stream = client.chat.completions.create(model="mistral", messages=[_HI], stream=True)
        with pytest.raises(resayil.APIError):
            list(stream)
    assert resayil_sandbox.verdict().mistakes == {"cut_stream_accepted"}
    resayil_sandbox.check(failed=True)


@pytest.mark.resayil_sandbox(limit=2, window=86400)
class TestOptions:
    """The marker's options; the nearest wins."""

    def test_of_the_class(self, resayil_sandbox: Sandbox) -> None:
        assert [ask(resayil_sandbox) for _ in range(3)] == [200, 200, 429]
        assert resayil_sandbox.state["limit"] == 2

    @pytest.mark.resayil_sandbox(limit=1)
    def test_of_the_test(self, resayil_sandbox: Sandbox) -> None:
        assert [ask(resayil_sandbox) for _ in range(2)] == [200, 429]
        resayil_sandbox.set_limit(5)
        resayil_sandbox.set_credits(0.0)
        assert ask(resayil_sandbox) == 402
        resayil_sandbox.reset()
        assert resayil_sandbox.log == [] and ask(resayil_sandbox) == 200


def test_options_are_checked() -> None:
    for options, text in [
        ({"fault_rate": 2.0}, "rate"),
        ({"behaviour": "odd"}, "guide, pages or server|choose|odd"),
        ({"script": ["nonsense"]}, 'unknown fault "nonsense"'),
        ({"window": -1.0}, "window"),
    ]:
        with pytest.raises(ValueError, match=text):
            Sandbox(**options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="list"):
        Sandbox(script="drop")
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(port=int(sandbox.base_url.split(":")[2].split("/")[0]))


def test_a_sandbox_ends(resayil_sandbox: Sandbox) -> None:
    assert resayil_sandbox.env["OPENAI_BASE_URL"] == resayil_sandbox.base_url
    assert resayil_sandbox.api_key not in repr(resayil_sandbox)
    with Sandbox(latency=30.0) as sandbox:
        waiting = threading.Thread(target=ask, args=(sandbox,))
        waiting.start()
        time.sleep(0.2)
    waiting.join(5)
    assert not waiting.is_alive() and ask(sandbox) == 0


def test_a_stranger_uses_the_plugin(tmp_path: pathlib.Path) -> None:
    (tmp_path / "test_mine.py").write_text(
        "import pytest\n"
        "def test_good(resayil_sandbox):\n"
        "    resayil_sandbox.check()\n"
        "@pytest.mark.resayil_sandbox(limit=3)\n"
        "def test_bad(resayil_sandbox):\n"
        "    import urllib.request, urllib.error\n"
        "    resayil_sandbox.script('server_error')\n"
        "    request = urllib.request.Request(\n"
        "        resayil_sandbox.base_url + '/chat/completions',\n"
        '        b\'{"model": "mistral", "messages": [{"role": "user", "content": "hi"}]}\',\n'
        "        {'Authorization': 'Bearer ' + resayil_sandbox.api_key,\n"
        "         'Content-Type': 'application/json'})\n"
        "    with pytest.raises(urllib.error.HTTPError):\n"
        "        urllib.request.urlopen(request)\n"
        "    resayil_sandbox.check()\n"
    )
    # A place that knows nothing of this project but the installed package.
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert "1 failed, 1 passed" in ran.stdout, ran.stdout + ran.stderr
    assert "AssertionError: 1 mistake in 1 requests" in ran.stdout, ran.stdout
    assert "gave_up: request 0 met a 500" in ran.stdout, ran.stdout
