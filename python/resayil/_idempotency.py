"""Idempotency keys that stay the same over the attempts of one call, across layers.

A layer that tries again (`retry`) cannot see the requests that the layers below it send. So it
leaves its keys in a context variable, from which `Client` and the transports take theirs: the same
request gets the same key in each attempt, another request another one.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Optional

_current: ContextVar[Optional[Keys]] = ContextVar("resayil_idempotency_keys", default=None)


class Keys:
    """The keys of one call of a layer that tries again. Threads may share it."""

    def __init__(self, name: str) -> None:
        outer = _current.get()
        # A call in an attempt of an outer call is the same one in the next attempt.
        self._secret = uuid.uuid4().hex if outer is None else outer.key("call", name)
        self._lock = threading.Lock()
        self._seen: Counter[bytes] = Counter()

    @contextlib.contextmanager
    def attempt(self) -> Iterator[None]:
        """A context in which requests are those of one attempt."""
        with self._lock:
            self._seen.clear()
        token = _current.set(self)
        try:
            yield
        finally:
            _current.reset(token)

    def renew(self) -> None:
        """Makes the next attempt's keys others: this one's requests were answered."""
        self._secret = digest(self._secret, b"again").hex()

    def key(self, *parts: str | bytes) -> str:
        """The key of a request: of these parts, and which of several that are the same."""
        request = digest(*parts)
        with self._lock:
            self._seen[request] += 1
            number = self._seen[request]
        return f"resayil-{digest(self._secret, request, str(number)).hex()}"


def key(*parts: str | bytes) -> Optional[str]:
    """The key of a request that these parts make out; None outside of a call of `retry`."""
    keys = _current.get()
    return None if keys is None else keys.key(*parts)


def digest(*parts: str | bytes) -> bytes:
    """A hash of the parts, 16 bytes."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.digest()
