"""One quota for several processes, in several languages."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import resayil
from conftest import Sandbox, find_command, missing

if sys.platform != "linux":
    pytest.skip("shared quotas exist on Linux only", allow_module_level=True)

PROGRAM = """
import sys, threading
import resayil

base_url, api_key, limit, name = sys.argv[1:]
quota = resayil.Quota(limit=int(limit), window=86400.0)
client = resayil.Client(api_key, base_url, quota=quota, share_quota=True)
def ask(index):
    messages = [{"role": "user", "content": f"{name} {index}"}]
    client.chat.completions.create(model="mistral", messages=messages)
threads = [threading.Thread(target=ask, args=(index,)) for index in range(5)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_two_clients_share_what_is_left(sandbox: Sandbox, tmp_path: Path) -> None:
    quota = resayil.Quota(limit=10, window=86400.0)
    one, other = (
        sandbox.client(quota=quota, share_quota=True, quota_folder=tmp_path) for _ in range(2)
    )
    one.chat.completions.create(model="mistral", messages=[{"role": "user", "content": "Hello"}])
    for client in (one, other):
        state = client.quota_state()
        assert state is not None and (state.limit, state.remaining) == (10, 9)


def test_python_and_rust_count_together(sandbox: Sandbox, tmp_path: Path) -> None:
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    prompts = tmp_path / "in.jsonl"
    lines = [
        {
            "custom_id": f"{index}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": "mistral", "messages": [{"role": "user", "content": f"c {index}"}]},
        }
        for index in range(5)
    ]
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environment = {
        **os.environ,
        "XDG_RUNTIME_DIR": str(runtime),
        "RESAYIL_API_KEY": sandbox.api_key,
    }
    # Fifteen requests of a day that admits a thousand, of which all three programs know.
    sandbox.change(limit=1000)
    python = [sys.executable, "-c", PROGRAM, sandbox.base_url, sandbox.api_key, "1000"]
    batch = [command, "batch", str(prompts), "-o", str(tmp_path / "out.jsonl"), "--share-quota"]
    batch += ["--base-url", sandbox.base_url, "--limit", "1000", "--window", "86400"]
    programs = [[*python, "a"], [*python, "b"], batch]
    running = [
        subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True)
        for program in programs
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "not shared" not in errors
    assert len(sandbox.log) == 15
    (file,) = (runtime / "resayil").iterdir()
    assert file.name.startswith("quota-v2-")
    # What all of them sent is counted in one place.
    client = sandbox.client(
        quota=resayil.Quota(limit=1000, window=86400.0),
        share_quota=True,
        quota_folder=runtime / "resayil",
    )
    state = client.quota_state()
    assert state is not None and (state.limit, state.remaining) == (1000, 985)


def test_a_folder_that_cannot_be_used_is_a_warning(
    sandbox: Sandbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.touch()
    with caplog.at_level(logging.WARNING, "resayil"):
        client = sandbox.client(share_quota=True, quota_folder=file)
        for _ in range(2):
            client.chat.completions.create(
                model="mistral", messages=[{"role": "user", "content": "Hello"}]
            )
    (record,) = [record for record in caplog.records if "quota_not_shared" in record.message]
    assert "is not a folder" in record.message
