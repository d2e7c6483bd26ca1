"""Which quota a request waits for: that of its origin and key."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from . import _fleet, _log, _native

#: Where services expect the key.
_KEYS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")

#: No more quotas than this are kept by one transport; that which was not used longest goes.
_MOST = 1024

#: What `quota=...` takes.
QuotaOption = Union[_native.Quota, Literal["auto"], None]


class Quotas:
    """The quotas of a transport.

    By default each origin and key has one of its own, which learns from answers: for LLM Resayil
    in windows of a minute, for others from what they say.
    """

    def __init__(
        self,
        quota: QuotaOption = "auto",
        provider: Optional[str] = None,
        share: bool = False,
        folder: Union[str, os.PathLike[str], None] = None,
        fleet: _fleet.FleetOption = None,
    ) -> None:
        if not (quota is None or quota == "auto" or isinstance(quota, _native.Quota)):
            raise TypeError(f"quota has to be a Quota or None, not {type(quota).__name__}")
        if share and quota is None:
            raise TypeError("share_quota needs a quota")
        if fleet is not None and (share or quota is None):
            raise TypeError("fleet needs a quota, and none that this host shares")
        self._fleet = _fleet.server(fleet)
        self._given = quota
        self._provider = provider
        self._share = share or self._fleet is not None
        self._folder = folder
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def of(self, origin: str, host: str, headers: Mapping[str, Any]) -> Optional[_native.Quota]:
        """The quota that a request waits for; None if it does not."""
        given = self._given
        if given is None or (isinstance(given, _native.Quota) and not self._share):
            return given
        key = next((str(value) for name in _KEYS if (value := headers.get(name))), "")
        place = origin, key
        with self._lock:
            found = self._found.get(place)
            if found is None:
                found = self._found[place] = self._make(origin, host, key)
                if len(self._found) > _MOST:
                    self._found.popitem(last=False)
            else:
                self._found.move_to_end(place)
        if not self._share:
            quota: _native.Quota = found
            return quota
        self._tell(found)
        quota = found.quota
        return quota

    def _make(self, origin: str, host: str, key: str) -> Any:
        like = self._given
        if not isinstance(like, _native.Quota):
            has_windows = (self._provider or _native.provider_at(host)) == "resayil"
            like = _native.Quota(window=60.0 if has_windows else None)
        if not self._share:
            return like
        scheme, _, bare = key.partition(" ")
        key = bare if scheme.lower() == "bearer" else key
        opened: Union[_native.FleetQuota, _native.HostQuota]
        if self._fleet is not None:
            # What goes wrong later is told at the first request after it.
            opened = _native.FleetQuota(self._fleet, origin, key, like)
        else:
            opened = _native.HostQuota(origin, key, like, folder=self._folder)
        self._tell(opened)
        return opened

    def _tell(self, opened: Union[_native.FleetQuota, _native.HostQuota]) -> None:
        problem = opened.take_warning()
        if problem is not None:
            text = f"the quota is not shared: {problem}"
            _log.emit("transport", "warning", "quota_not_shared", 0, None, problem, text, "warn")


def known(provider: Optional[str]) -> Optional[str]:
    """The name of a provider. Raises ValueError for one that is none."""
    if provider is not None:
        _native.StreamDecoder(provider=provider)
    return provider
