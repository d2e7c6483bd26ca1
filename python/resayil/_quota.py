"""Waiting for the quota."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any, Callable, Literal, Optional, Union

from . import _fleet, _interop, _native, _time
from ._exceptions import DeadlineExceededError
from ._native import Ticket

#: Tokens that a request takes: in all, or a pair of those of the prompt and the most of the
#: answer, of which None is unknown.
Cost = Union[int, tuple[Optional[int], Optional[int]]]

#: How urgent a request is.
Priority = Literal["high", "normal", "low"]

#: On whose behalf a request is: a name, or a pair of a name and a weight from 1 to 1000.
Tenant = Union[str, tuple[str, int]]


class Quota(_native.Quota):
    """The quota of one API key, shared by all senders in this process.

    It models so many requests in a window that is aligned to the server's clock, and admits
    senders in the order in which they came. `limit` is how many requests a window admits; None
    learns it from answers. `window` is its length in seconds; None is for services without such
    windows. `token_limit` is how many tokens of prompts and answers a window admits, or any minute
    where there is none; see the `cost` of `acquire`.

    With `fleet`, the URL of a Redis or Valkey or a client of redis-py or valkey-py, all processes
    share it, on whatever hosts, that name the same server, `group` and window. With `share` all
    processes of this host do that name the same `group` and window, by a file in `folder`; where
    that cannot be, it is this process's own, with one RuntimeWarning.

    ```python
    ticket = quota.acquire(timeout=30)
    response = httpx.post(...)
    error = resayil.classify(response.status_code, response.headers, response.content)
    ticket.settle(response.status_code, response.headers, error)

    with quota.slot():  # settled by what the block does
        answer = ask()
    ```
    """

    def __new__(
        cls,
        limit: Optional[int] = None,
        window: Optional[float] = 60.0,
        *,
        now: Optional[float] = None,
        wall: Optional[float] = None,
        fleet: _fleet.FleetOption = None,
        group: Optional[str] = None,
        share: bool = False,
        folder: Union[str, os.PathLike[str], None] = None,
        token_limit: Optional[int] = None,
    ) -> Quota:
        return super().__new__(
            cls, limit, window, now=now, wall=wall, fleet=_fleet.server(fleet), group=group,
            share=share, folder=folder, token_limit=token_limit,
        )  # fmt: skip

    def acquire(
        self,
        timeout: Optional[float] = None,
        *,
        cost: Optional[Cost] = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
    ) -> Ticket:
        """Waits for its turn, and gives the ticket to settle with the answer.

        `cost` is how many tokens the request takes, for services that limit those, too: prompt and
        answer together, or a pair of both; by default what requests cost lately. A more urgent
        `priority` passes those that came before, but no more than 256 of them; while several
        tenants wait, each is admitted by its weight.

        Raises DeadlineExceededError at once, with the wait as `retry_after`, if the wait would be
        longer than `timeout` seconds.
        """
        ticket, end = self._enter(timeout, cost, priority, tenant)
        alarm = _time.Alarm()
        try:
            while (wait := self._wait(ticket, end, alarm)) is not None:
                alarm.sleep(wait)
        except BaseException:
            ticket.cancel()
            raise
        return ticket

    async def acquire_async(
        self,
        timeout: Optional[float] = None,
        *,
        cost: Optional[Cost] = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
    ) -> Ticket:
        """The same for asyncio and trio."""
        ticket, end = self._enter(timeout, cost, priority, tenant)
        alarm = _time.AsyncAlarm()
        try:
            while (wait := self._wait(ticket, end, alarm)) is not None:
                await alarm.sleep(wait)
        except BaseException:
            ticket.cancel()
            raise
        return ticket

    def slot(
        self,
        *,
        cost: Optional[Cost] = None,
        timeout: Optional[float] = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
    ) -> Slot:
        """A place for one request, for `with` and `async with`.

        It waits for its turn, and is settled by what the block does: an answer, if it raises
        nothing; the status and headers of the error, if it raises one; else given back. Who knows
        more of the answer settles the ticket: `with quota.slot() as ticket:`. The options are those
        of `acquire`.
        """
        return Slot(self, cost, timeout, priority, tenant)

    def _enter(
        self,
        timeout: Optional[float],
        cost: Optional[Cost],
        priority: Optional[Priority],
        tenant: Optional[Tenant],
    ) -> tuple[Ticket, Optional[float]]:
        end = None if timeout is None else _time.now() + timeout
        return self.enter(cost=cost, priority=priority, tenant=tenant), end

    def _wait(
        self, ticket: Ticket, end: Optional[float], alarm: Callable[[], None]
    ) -> Optional[float]:
        """How long to sleep unless the alarm goes off; None if the ticket is admitted."""
        now = _time.now()
        wait = ticket.poll(now, alarm)
        if wait is None:
            return None
        if end is not None and now + wait > end:
            raise DeadlineExceededError(
                "the quota admits no request within the timeout",
                retry_after=wait,
                retry_after_source="quota",
            )
        at = ticket.poll_at
        wait = wait if at is None else max(at - now, 0.0)
        return wait if end is None else min(wait, end - now)


class Slot:
    """A place in a quota for one request; see `Quota.slot`."""

    __slots__ = ("_options", "_quota", "_ticket")

    def __init__(
        self,
        quota: Quota,
        cost: Optional[Cost] = None,
        timeout: Optional[float] = None,
        priority: Optional[Priority] = None,
        tenant: Optional[Tenant] = None,
    ) -> None:
        self._quota = quota
        self._options: dict[str, Any] = {
            "timeout": timeout, "cost": cost, "priority": priority, "tenant": tenant,
        }  # fmt: skip
        self._ticket: Optional[Ticket] = None

    def __enter__(self) -> Ticket:
        ticket = self._quota.acquire(**self._options)
        self._ticket = ticket
        return ticket

    async def __aenter__(self) -> Ticket:
        ticket = await self._quota.acquire_async(**self._options)
        self._ticket = ticket
        return ticket

    def __exit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        ticket, self._ticket = self._ticket, None
        if ticket is not None:
            settle(ticket, exc)

    async def __aexit__(
        self,
        exc_type: Optional[type[BaseException]],
        exc: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.__exit__(exc_type, exc, traceback)


def settle(ticket: Ticket, exception: Optional[BaseException]) -> None:
    """Settles a ticket by what was raised, unless it was settled before."""
    if ticket.is_settled:
        return
    if exception is None:
        ticket.settle(200, None)
        return
    error = _interop.read_error(exception)
    if error is None or error.status is None:
        ticket.cancel()
    else:
        ticket.settle(error.status, error.headers, error)
