"""Idempotency keys that stay the same over the attempts of one call, across layers.

A layer that tries again (`retry`) cannot see the requests that the layers below it send. So it
leaves its keys in a context variable, from which `Client` and the transports take theirs: the same
request gets the same key in each attempt, another request another one.
"""

from __future__ import annotations

import os
from _thread import allocate_lock
from contextvars import ContextVar, Token
from typing import Any, Optional, Union

#: The keys of a call that has made none yet, which most never do: their class, what was there
#: before, and the keys once they are made. A list, since nothing is made faster.
Unmade = list[Any]

_current: ContextVar[Union[Keys, Unmade, None]] = ContextVar(
    "resayil_idempotency_keys", default=None
)

_lock = allocate_lock()


class Keys:
    """The keys of one call of a layer that tries again. Threads may share it."""

    # Nothing is made before it is asked for: most calls send nothing that has a key.
    name = ""
    outer: object = Token.MISSING
    """The keys in whose attempt the call began, perhaps unmade: what was there before `begin`."""
    _secret: Optional[str] = None
    _seen: Optional[dict[bytes, int]] = None

    def begin_attempt(self) -> Token[Union[Keys, Unmade, None]]:
        """What is sent from now on, until `end` with this token, is one attempt's."""
        with _lock:
            self._seen = None
        token = _current.set(self)
        if self.outer is Token.MISSING:
            self.outer = token.old_value
        return token

    def renew(self) -> None:
        """Makes the next attempt's keys others: this one's requests were answered."""
        secret = self._root()
        with _lock:
            self._secret = digest(secret, b"again").hex()

    def key(self, *parts: str | bytes) -> str:
        """The key of a request: of these parts, and which of several that are the same."""
        request, secret = digest(*parts), self._root()
        with _lock:
            if self._seen is None:
                self._seen = {}
            number = self._seen[request] = self._seen.get(request, 0) + 1
        return f"resayil-{digest(secret, request, str(number)).hex()}"

    def _root(self) -> str:
        if self._secret is None:
            # A call in an attempt of an outer call is the same one in the next attempt.
            outer = made(self.outer)
            root = outer.key("call", self.name) if isinstance(outer, Keys) else random_id()
            with _lock:
                self._secret = self._secret or root
        return self._secret


def keys_of(name: str) -> type[Keys]:
    """The class of the keys of calls with this name."""
    return type("Keys", (Keys,), {"name": name})


#: Begins the first attempt of a call with keys that are unmade, which `end` ends; and what was
#: there before.
begin, end, before = _current.set, _current.reset, _current.get


def made(keys: Any) -> Any:
    """The keys, made by now; anything else as it is."""
    if keys.__class__ is not list:
        return keys
    with _lock:
        found = keys[2]
        if found is None:
            found = keys[2] = keys[0]()
            found.outer = keys[1]
    return found


def key(*parts: str | bytes) -> Optional[str]:
    """The key of a request that these parts make out; None outside of a call of `retry`."""
    keys = made(_current.get())
    return keys.key(*parts) if isinstance(keys, Keys) else None


def random_id() -> str:
    """A random text that nothing else has."""
    return os.urandom(16).hex()


def digest(*parts: str | bytes) -> bytes:
    """A hash of the parts, 16 bytes."""
    # Loaded when the first request is sent.
    import hashlib

    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.digest()
