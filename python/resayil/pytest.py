"""The pytest plugin: a sandbox for a test, which judges the program under test.

```python
def test_my_program(resayil_sandbox):
    resayil_sandbox.script("server_error", {"fault": "rate_limited", "retry_after": 1})
    assert my_program(resayil_sandbox.base_url, resayil_sandbox.api_key) == "answer"
    resayil_sandbox.check()
```

pytest finds it by itself where the package is installed. The options of the sandbox stand in a
marker: `@pytest.mark.resayil_sandbox(limit=5, window=2)`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .sandbox import Sandbox

_MARKER = "resayil_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Makes the marker known."""
    config.addinivalue_line(
        "markers", f"{_MARKER}(**options): options of the fixture {_MARKER}'s sandbox"
    )


@pytest.fixture
def resayil_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of the test's own; see `resayil.sandbox.Sandbox`."""
    # The marker that is nearest to the test comes first, and wins.
    options: dict[str, object] = {}
    for marker in request.node.iter_markers(_MARKER):
        if marker.args:
            raise TypeError(f"@pytest.mark.{_MARKER} takes options by keyword alone")
        options = {**marker.kwargs, **options}
    with Sandbox(**options) as sandbox:  # type: ignore[arg-type]
        yield sandbox
