"""Which quota a request waits for: that of its origin and key."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Literal, Optional, Union

from . import _fleet, _idempotency, _log, _native
from ._keys import KEYS
from ._quota import Priority, Tenant

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
        group: Optional[str] = None,
        budget: Optional[_native.Budget] = None,
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
        if group is not None and not group:
            raise ValueError("quota_group is empty")
        self._group = group
        self._lock = threading.Lock()
        self._is_own_budget = budget is None
        self._budget = _native.Budget() if budget is None else budget
        #: Those of quotas that this host shares, by the quota's identity.
        self._budgets: dict[int, _native.Budget] = {}
        self._found: OrderedDict[tuple[str, bytes], Any] = OrderedDict()

    def of(self, origin: str, host: str, headers: Mapping[str, Any]) -> Optional[_native.Quota]:
        """The quota that a request waits for; None if it does not."""
        given = self._given
        if given is None or (isinstance(given, _native.Quota) and not self._share):
            return given
        key = next((str(value) for name in KEYS if (value := headers.get(name))), "")
        # A group has one quota, whatever the origins and the keys.
        owner = (origin, key) if self._group is None else ("group", self._group)
        # The key itself is not kept.
        place = (owner[0], _idempotency.digest(owner[1]))
        with self._lock:
            found = self._found.get(place)
            if found is None:
                found = self._found[place] = self._make(owner, host)
                if len(self._found) > _MOST:
                    _, last = self._found.popitem(last=False)
                    if self._share:
                        self._budgets.pop(id(last.quota), None)
            else:
                self._found.move_to_end(place)
        if not self._share:
            quota: _native.Quota = found
            return quota
        self._tell(found)
        quota = found.quota
        return quota

    def budget(self, quota: Optional[_native.Quota]) -> _native.Budget:
        """The budget of requests that wait for this quota; who shares it shares that, too."""
        return self._budgets.get(id(quota), self._budget)

    def _make(self, owner: tuple[str, str], host: str) -> Any:
        origin, key = owner
        like = self._given
        if not isinstance(like, _native.Quota):
            has_windows = (self._provider or _native.provider_at(host)) == "resayil"
            like = _native.Quota(window=60.0 if has_windows else None)
        if not self._share:
            return like
        scheme, _, bare = key.partition(" ")
        key = bare if scheme.lower() == "bearer" and self._group is None else key
        opened: Union[_native.FleetQuota, _native.HostQuota]
        if self._fleet is not None:
            # What goes wrong later is told at the first request after it.
            opened = _native.FleetQuota(self._fleet, origin, key, like)
        else:
            opened = _native.HostQuota(origin, key, like, folder=self._folder)
            if self._is_own_budget:
                self._budgets[id(opened.quota)] = _native.Budget.shared(opened.quota)
        self._tell(opened)
        return opened

    def _tell(self, opened: Union[_native.FleetQuota, _native.HostQuota]) -> None:
        problem = opened.take_warning()
        if problem is not None:
            text = f"the quota is not shared: {problem}"
            _log.emit("transport", "warning", "quota_not_shared", 0, None, problem, text, "warn")


def enter(priority: Optional[Priority], tenant: Optional[Tenant]) -> dict[str, Any]:
    """How requests stand in the quota's line. Raises ValueError or TypeError for what is none."""
    options: dict[str, Any] = {"priority": priority, "tenant": tenant}
    _native.Quota().enter(**options).cancel()
    return options


def known(provider: Optional[str]) -> Optional[str]:
    """The name of a provider. Raises ValueError for one that is none."""
    if provider is not None:
        _native.StreamDecoder(provider=provider)
    return provider
