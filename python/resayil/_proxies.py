"""The proxies that the environment names, for transports that are made here.

httpx looks for them only where it makes the transport itself, so that a client with a transport of
its own would send key and prompt past a proxy.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Optional
from urllib.request import getproxies, proxy_bypass


def proxy_for(scheme: str, host: str) -> Optional[str]:
    """The proxy of a host, from `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy`."""
    proxies = getproxies()
    proxy = proxies.get(scheme) or proxies.get("all")
    if not proxy or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


class _ByProxy:
    def __init__(self, make: Callable[[Optional[str]], Any]) -> None:
        self._make = make
        self._made: dict[Optional[str], Any] = {}
        self._lock = threading.Lock()

    def _of(self, request: Any) -> Any:
        proxy = proxy_for(request.url.scheme, request.url.host)
        with self._lock:
            if proxy not in self._made:
                self._made[proxy] = self._make(proxy)
            return self._made[proxy]


class SyncByProxy(_ByProxy):
    """Sends each request by the transport of its proxy; `make` makes that of one, or of none."""

    def handle_request(self, request: Any) -> Any:
        return self._of(request).handle_request(request)

    def close(self) -> None:
        for transport in self._made.values():
            transport.close()


class AsyncByProxy(_ByProxy):
    """The same for asyncio and trio."""

    async def handle_async_request(self, request: Any) -> Any:
        return await self._of(request).handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._made.values():
            await transport.aclose()
