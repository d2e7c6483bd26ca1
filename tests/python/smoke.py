"""Tries an installed package: `python tests/python/smoke.py`."""

import pathlib
import pickle
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

print(f"resayil {resayil.__version__} from {package}: good")
