"""A local imitation of the API for tests, which misbehaves on purpose and judges who calls it.

```python
from resayil.sandbox import Sandbox

with Sandbox(script=["server_error"]) as sandbox:
    client = resayil.Client(sandbox.api_key, sandbox.base_url)
    client.chat.completions.create(model="mistral", messages=[{"role": "user", "content": "hi"}])
    sandbox.check()
```

With pytest it is the fixture `resayil_sandbox`, see `resayil.pytest`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Optional, Union

from . import _native

__all__ = ["Fault", "Finding", "Sandbox", "Verdict"]

#: What befalls a request: a name, such as "drop", or a mapping, such as
#: `{"fault": "rate_limited", "retry_after": 2}`. `resayil sandbox --help` lists them.
Fault = Union[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Finding:
    """One mistake of the program under test."""

    mistake: str
    """`retried_too_early`: before the wait was over that the server had asked for, or in the window
    of the quota that had refused it; `retried_terminal`: what will be answered the same, such as a
    401; `storm`: one request four times within a second; `cut_stream_accepted`: a broken stream was
    not asked for again; `gave_up`: after fewer than three tries; `no_timeout`: it still waits for
    an answer that does not come."""
    request: int
    """The `index` in `Sandbox.log` of the request by which it shows."""
    text: str
    """A sentence for people."""

    def __str__(self) -> str:
        return f"{self.mistake}: {self.text}"


@dataclass(frozen=True)
class Verdict:
    """What is to be said of the program under test."""

    requests: int
    """How many requests it sent."""
    findings: tuple[Finding, ...]
    """Its mistakes; none is good."""

    @property
    def is_good(self) -> bool:
        """Whether no mistake was found."""
        return not self.findings

    @property
    def mistakes(self) -> frozenset[str]:
        """The names of the mistakes."""
        return frozenset(finding.mistake for finding in self.findings)

    def __str__(self) -> str:
        count = len(self.findings)
        head = f"{count} mistake{'s' * (count != 1)} in {self.requests} requests"
        return "\n  ".join([head, *map(str, self.findings)])


class Sandbox:
    """A server on 127.0.0.1, in threads of this process.

    `limit` requests are admitted in a `window` of seconds. `script` are the faults of the first
    requests, in order; of the others a share `fault_rate` (0 to 1) meets one of `faults`, as `seed`
    draws. `credits` is what the account has, one for an answer; None is no limit. `latency` and
    `event_latency` are seconds before an answer and before each event of a stream, `clock_offset`
    how far its clock is ahead. `behaviour` is whose errors it imitates, `server`, `guide` or
    `pages`; `rate_limit_headers` is `always`, `on_refusal` or `never`. `port` 0 is any free one.

    Raises ValueError for an option that is out of its range, OSError if the port is taken.
    """

    def __init__(
        self,
        *,
        script: Iterable[Fault] = (),
        limit: int = 20,
        window: float = 60.0,
        fault_rate: float = 0.0,
        faults: Optional[Iterable[Fault]] = None,
        seed: int = 0,
        credits: Optional[float] = None,
        latency: float = 0.0,
        event_latency: float = 0.0,
        clock_offset: float = 0.0,
        behaviour: str = "server",
        rate_limit_headers: str = "on_refusal",
        models: Optional[Iterable[str]] = None,
        port: int = 0,
    ) -> None:
        self._native = _native.Sandbox(
            port=port,
            behaviour=behaviour,
            limit=limit,
            window=window,
            fault_rate=fault_rate,
            faults=None if faults is None else _texts(faults),
            seed=seed,
            credits=credits,
            latency=latency,
            event_latency=event_latency,
            clock_offset=clock_offset,
            rate_limit_headers=rate_limit_headers,
            models=None if models is None else list(models),
            script=_texts(script),
        )

    @property
    def base_url(self) -> str:
        """The address for clients, such as `http://127.0.0.1:40123/v1`."""
        return self._native.base_url

    @property
    def api_key(self) -> str:
        """The key that it accepts."""
        return self._native.api_key

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that lead resayil and openai's SDK to it."""
        pairs = [("BASE_URL", self.base_url), ("API_KEY", self.api_key)]
        return {f"{who}_{name}": value for who in ("RESAYIL", "OPENAI") for name, value in pairs}

    def script(self, *faults: Fault) -> None:
        """Says what befalls the next requests, in order. ValueError for what is no fault."""
        self._native.script(_texts(faults))

    @property
    def log(self) -> list[dict[str, Any]]:
        """The requests so far, in the order of their arrival."""
        log: list[dict[str, Any]] = json.loads(self._native.log())
        return log

    @property
    def state(self) -> dict[str, Any]:
        """Quota, credits and connections."""
        state: dict[str, Any] = json.loads(self._native.state())
        return state

    def set_limit(self, limit: int) -> None:
        """Changes how many requests a window admits, from now on."""
        self._native.set_limit(limit)

    def set_credits(self, credits: Optional[float]) -> None:
        """Changes what the account has; None is no limit."""
        self._native.set_credits(credits)

    def advance_clock(self, seconds: float) -> None:
        """Moves its clock, by which its windows go, forward or back."""
        self._native.advance_clock(seconds)

    def verdict(self, *, failed: bool = False) -> Verdict:
        """Judges the program under test by the requests so far.

        `failed` says that the program itself told of a failure: then it has not taken a broken
        stream for whole.
        """
        told = json.loads(self._native.verdict(failed))
        return Verdict(told["requests"], tuple(Finding(**finding) for finding in told["findings"]))

    def check(self, *, failed: bool = False, allow: Iterable[str] = ()) -> None:
        """Raises AssertionError if there is a mistake in the verdict but those of `allow`."""
        verdict = self.verdict(failed=failed)
        allowed = frozenset(allow)
        findings = tuple(it for it in verdict.findings if it.mistake not in allowed)
        if findings:
            raise AssertionError(str(Verdict(verdict.requests, findings)))

    def reset(self) -> None:
        """Forgets the requests, the script, the quota used, and changes of limit and credits."""
        self._native.reset()

    def stop(self) -> None:
        """Ends the server. Requests under way end without an answer."""
        self._native.stop()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Sandbox at {self.base_url}>"


def _texts(faults: Iterable[Fault]) -> list[str]:
    if isinstance(faults, (str, Mapping)):
        raise TypeError("faults are given as a list")
    return [fault if isinstance(fault, str) else json.dumps(dict(fault)) for fault in faults]
