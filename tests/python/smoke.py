"""Tries an installed package: `python tests/python/smoke.py`."""

import pathlib
import pickle
import subprocess
import sys

import resayil

package = pathlib.Path(resayil.__file__).resolve().parent
assert pathlib.Path(sys.prefix).resolve() in package.parents, f"another package: {package}"
assert (package / "py.typed").is_file() and (package / "_native.pyi").is_file()

body = b'{"error":{"message":"Rate limit exceeded","code":429},"retry_after":45}'
error = resayil.classify(429, {}, body)
assert isinstance(error, resayil.RateLimitError) and error.retry_after == 45.0
assert pickle.loads(pickle.dumps(error)).to_json() == error.to_json()

failures = [error]


@resayil.retry
def call() -> str:
    if failures:
        raise failures.pop()
    return "answer"


with resayil.testing() as waits:
    assert call() == "answer"
assert 45.0 <= waits.total <= 46.0

try:
    resayil.Client(
        "sk_llmr_example", "http://127.0.0.1:9/v1", policy=resayil.RetryPolicy.none()
    ).models.list()
except ConnectionError as refused:
    assert isinstance(refused, resayil.APIConnectionError)
else:
    raise AssertionError("nobody listens there")

# The command, by both of its names.
script = pathlib.Path(sys.executable).parent / "resayil"
shown = subprocess.run([script, "--version"], capture_output=True, check=True, text=True)
assert shown.stdout == f"resayil {resayil.__version__}\n", shown
module = [sys.executable, "-m", "resayil"]
explained = subprocess.run([*module, "explain", "429"], capture_output=True, text=True)
assert explained.returncode == 10 and "rate_limit" in explained.stdout, explained

# The sandbox.
from resayil.sandbox import Sandbox  # noqa: E402

with Sandbox(script=["server_error"]) as sandbox:
    fast = resayil.RetryPolicy(base_delay=0.01)
    with resayil.Client(sandbox.api_key, sandbox.base_url, policy=fast) as client:
        client.chat.completions.create(
            model="mistral", messages=[{"role": "user", "content": "hi"}]
        )
    sandbox.check()

print(f"resayil {resayil.__version__} from {package}: good")
