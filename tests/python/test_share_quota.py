"""One quota for several processes, in several languages."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import resayil
from conftest import ROOT, Sandbox, find_command, missing, start_sandbox, target_file

if sys.platform != "linux":
    pytest.skip("shared quotas exist on Linux only", allow_module_level=True)

PROGRAM = """
import sys, threading
import resayil

base_url, api_key, limit, window, name, count = sys.argv[1:]
quota = resayil.Quota(limit=int(limit), window=float(window))
client = resayil.Client(api_key, base_url, quota=quota, share_quota=True)
def ask(index):
    messages = [{"role": "user", "content": f"{name} {index}"}]
    client.chat.completions.create(model="mistral", messages=messages)
threads = [threading.Thread(target=ask, args=(index,)) for index in range(int(count))]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def write_prompts(folder: Path, count: int) -> Path:
    """A file of questions for `resayil batch`."""
    lines = [
        {
            "custom_id": f"{index}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "mistral",
                "messages": [{"role": "user", "content": f"rust {index}"}],
            },
        }
        for index in range(count)
    ]
    prompts = folder / "in.jsonl"
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return prompts


def environment_of(sandbox: Sandbox, runtime: Path) -> dict[str, str]:
    """What the programs find the sandbox and their shared files by."""
    return {
        **os.environ,
        "XDG_RUNTIME_DIR": str(runtime),
        "RESAYIL_API_KEY": sandbox.api_key,
        "RESAYIL_BASE_URL": sandbox.base_url,
    }


def test_two_clients_share_what_is_left(sandbox: Sandbox, tmp_path: Path) -> None:
    quota = resayil.Quota(limit=10, window=86400.0)
    one, other = (
        sandbox.client(quota=quota, share_quota=True, quota_folder=tmp_path) for _ in range(2)
    )
    one.chat.completions.create(model="mistral", messages=[{"role": "user", "content": "Hello"}])
    for client in (one, other):
        state = client.quota_state()
        assert state is not None and (state.limit, state.remaining) == (10, 9)


ASYNCIO = """
import asyncio, sys
import resayil

base_url, api_key, folder, name, count = sys.argv[1:]

async def main():
    quota = resayil.Quota(limit=1000, window=86400.0)
    async with resayil.AsyncClient(
        api_key, base_url, quota=quota, share_quota=True, quota_folder=folder
    ) as client:
        async def ask(index):
            messages = [{"role": "user", "content": f"{name} {index}"}]
            await client.chat.completions.create(model="mistral", messages=messages)
        await asyncio.gather(*(ask(index) for index in range(int(count))))

asyncio.run(main())
"""


def test_tasks_of_asyncio_in_two_processes_count_together(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.change(limit=1000)
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    program = [sys.executable, "-c", ASYNCIO, sandbox.base_url, sandbox.api_key, str(folder)]
    running = [
        subprocess.Popen([*program, name, "6"], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        assert "not_shared" not in errors
    quota = resayil.Quota(limit=1000, window=86400.0)
    client = sandbox.client(quota=quota, share_quota=True, quota_folder=folder)
    state = client.quota_state()
    assert state is not None and (state.limit, state.remaining) == (1000, 988)


def test_python_and_rust_count_together(sandbox: Sandbox, tmp_path: Path) -> None:
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    prompts = write_prompts(tmp_path, 5)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    environment = environment_of(sandbox, runtime)
    # Fifteen requests of a day that admits a thousand, of which all three programs know.
    sandbox.change(limit=1000)
    python = [sys.executable, "-c", PROGRAM, sandbox.base_url, sandbox.api_key, "1000", "86400"]
    batch = [command, "batch", str(prompts), "-o", str(tmp_path / "out.jsonl"), "--share-quota"]
    batch += ["--base-url", sandbox.base_url, "--limit", "1000", "--window", "86400"]
    programs = [[*python, "a", "5"], [*python, "b", "5"], batch]
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
    assert file.name.startswith("quota-v")
    # What all of them sent is counted in one place.
    client = sandbox.client(
        quota=resayil.Quota(limit=1000, window=86400.0),
        share_quota=True,
        quota_folder=runtime / "resayil",
    )
    state = client.quota_state()
    assert state is not None and (state.limit, state.remaining) == (1000, 985)


LIMIT = 10
WINDOW = 2.0


@pytest.fixture
def small_sandbox() -> Iterator[Sandbox]:
    """A sandbox whose window is small and short."""
    command = find_command()
    if command is None:
        missing("the resayil command (cargo build -p resayil-cli)")
    with start_sandbox(command, "--limit", str(LIMIT), "--window", str(WINDOW)) as sandbox:
        yield sandbox


@pytest.fixture
def c_program(tmp_path: Path) -> Path:
    """The program in C, linked with the library."""
    library = target_file("libresayil.a")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if library is None or compiler is None:
        missing("a C compiler and libresayil.a (cargo build -p resayil-capi)")
    program = tmp_path / "share_quota"
    source = ROOT / "tests/c/share_quota.c"
    build = [compiler, "-std=c99", "-I", str(ROOT / "include"), str(source), str(library)]
    subprocess.run([*build, "-pthread", "-ldl", "-lm", "-o", str(program)], check=True)
    return program


def test_rust_c_and_python_share_a_window_though_one_is_killed(
    small_sandbox: Sandbox, c_program: Path, tmp_path: Path
) -> None:
    command = find_command()
    assert command is not None
    runtime = tmp_path / "runtime"
    folder = runtime / "resayil"
    folder.mkdir(mode=0o700, parents=True)
    limit, window, count = str(LIMIT), str(WINDOW), "12"
    batch = [command, "batch", str(write_prompts(tmp_path, 12)), "-o", str(tmp_path / "out.jsonl")]
    batch += ["--share-quota", "--limit", limit, "--window", window, "--concurrency", "4"]
    python = [sys.executable, "-c", PROGRAM, small_sandbox.base_url, small_sandbox.api_key]
    programs = {
        "rust": batch,
        "c": [str(c_program), str(folder), limit, window, "c", count],
        "python": [*python, limit, window, "python", count],
        "killed": [*python, limit, window, "killed", "40"],
    }
    environment = environment_of(small_sandbox, runtime)
    running = {
        name: subprocess.Popen(program, env=environment, stderr=subprocess.PIPE, text=True)
        for name, program in programs.items()
    }

    def answered(name: str) -> list[str]:
        log = small_sandbox.log
        prompts = [entry["prompt"] for entry in log if entry["answered"]]
        return [prompt for prompt in prompts if prompt.split()[0] == name]

    # In the middle: it was answered, and waits with most of what it has to ask.
    give_up = time.monotonic() + 60
    while not answered("killed"):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    victim = running.pop("killed")
    victim.kill()
    victim.communicate()

    for name, process in running.items():
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, (name, errors)
        assert "not_shared" not in errors, (name, errors)
        # None is lost, and none is asked twice.
        assert sorted(answered(name)) == sorted(f"{name} {index}" for index in range(12))
    assert len(answered("killed")) < 40
    # None is refused; but a request that a busy machine holds up may come into a full window.
    refused = [entry for entry in small_sandbox.log if entry["refused"]]
    assert len(refused) <= 2, refused


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


def test_tasks_and_threads_share_a_group(tmp_path: Path) -> None:
    def of_a_process() -> resayil.Quota:
        return resayil.Quota(limit=5, share=True, group="account", folder=tmp_path)

    one, other = of_a_process(), of_a_process()

    async def use() -> None:
        async with other.slot():
            pass

    with one.slot(priority="low", tenant="acme"):
        asyncio.run(use())
    assert of_a_process().state().remaining == 3
    alone = resayil.Quota(limit=5, share=True, group="another", folder=tmp_path)
    assert alone.state().remaining == 5
    with pytest.raises(TypeError, match="group"):
        resayil.Quota(limit=5, share=True)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.warns(RuntimeWarning, match="not shared"):
        resayil.Quota(share=True, group="account", folder=blocked)


def test_clients_of_two_keys_share_a_group(tmp_path: Path, sandbox: Sandbox) -> None:
    def client_of(key: str, base_url: str, group: str) -> resayil.Client:
        return resayil.Client(
            key, base_url, quota=resayil.Quota(limit=50), share_quota=True,
            quota_folder=tmp_path, quota_group=group,
        )  # fmt: skip

    with client_of(sandbox.api_key, sandbox.base_url, "account") as client:
        client.chat.completions.create(
            model="mistral", messages=[{"role": "user", "content": "Hi"}]
        )
    for key, url, group, left in (
        ("sk_llmr_of_another_key_1", "https://api.example.com/v1", "account", 49),
        (sandbox.api_key, sandbox.base_url, "another", 50),
    ):
        with client_of(key, url, group) as client:
            state = client.quota_state()
        assert state is not None
        assert state.remaining == left
    quota = resayil.Quota(limit=50, share=True, group="account", folder=tmp_path)
    assert quota.state().remaining == 49
    with pytest.raises(resayil.ConfigurationError, match="quota_group"):
        client_of(sandbox.api_key, sandbox.base_url, "")


def test_processes_share_the_health_of_the_service(tmp_path: Path) -> None:
    def of_a_process() -> resayil.Budget:
        return resayil.Budget.shared(resayil.Quota(share=True, group="g", folder=tmp_path))

    failed = resayil.InternalServerError("out of order", status=500)
    sent = []
    for _ in range(10):
        call = resayil.RetryPolicy().start(budget=of_a_process())
        count = 1
        while call.on_error(failed).retry:
            count += 1
        sent.append(count)
    # Two of them find out for all.
    assert sent == [5, 5] + [1] * 8
