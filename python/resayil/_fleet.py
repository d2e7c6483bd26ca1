"""How the server of a fleet is reached: by a URL, or by a client of Redis or Valkey."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

if TYPE_CHECKING:
    import asyncio

#: What `fleet=...` takes: a URL such as `redis://host:6379`, or a client of redis-py or valkey-py.
FleetOption = Union[str, Any, None]

#: A coroutine of a client that connects and answers takes no longer than this. Seconds.
_PATIENCE = 0.65

#: Errors whose code redis-py and valkey-py leave out of their text.
_CODES = {"NoScriptError": "NOSCRIPT", "NoPermissionError": "NOPERM", "ReadOnlyError": "READONLY"}


def server(fleet: FleetOption) -> Union[str, Callable[[Sequence[str]], Any], None]:
    """What the native half takes for it."""
    if fleet is None or isinstance(fleet, str):
        return fleet
    if not callable(getattr(fleet, "execute_command", None)):
        kind = type(fleet).__name__
        raise TypeError(f"fleet has to be a URL or a client of redis-py or valkey-py, not {kind}")
    # Large modules, which the import of the package does without.
    import asyncio
    import inspect

    if inspect.iscoroutinefunction(fleet.execute_command):
        try:
            return _Carrier(fleet, asyncio.get_running_loop())
        except RuntimeError:
            raise TypeError(
                "fleet is an asyncio client, which works in its own event loop: give it within that"
            ) from None
    return _Carrier(fleet)


class _Carrier:
    """Carries one command after the other, in a thread of the quota's."""

    def __init__(self, client: Any, loop: Optional[asyncio.AbstractEventLoop] = None) -> None:
        self._client = client
        self._loop = loop

    def __call__(self, words: Sequence[str]) -> Union[list[int], str]:
        try:
            if self._loop is None:
                answer = self._client.execute_command(*words)
            else:
                asked = self._client.execute_command(*words)
                import asyncio

                future = asyncio.run_coroutine_threadsafe(asked, self._loop)
                try:
                    answer = future.result(_PATIENCE)
                except BaseException:
                    future.cancel()
                    raise
        except Exception as error:
            names = {kind.__name__ for kind in type(error).__mro__}
            if "ResponseError" not in names:
                raise
            code = next((code for name, code in _CODES.items() if name in names), None)
            return f"{code} {error}" if code else str(error)
        return [int(number) for number in answer]
