"""Waiting for the quota."""

from __future__ import annotations

from typing import Callable, Optional

from . import _native, _time
from ._exceptions import DeadlineExceededError
from ._native import Ticket


class Quota(_native.Quota):
    """The quota of one API key, shared by all senders in this process.

    It models so many requests in a window that is aligned to the server's clock, and admits
    senders in the order in which they came. `limit` is how many requests a window admits; None
    learns it from answers. `window` is its length in seconds; None is for services without such
    windows.

    ```python
    ticket = quota.acquire(timeout=30)
    response = httpx.post(...)
    error = resayil.classify(response.status_code, response.headers, response.content)
    ticket.settle(response.status_code, response.headers, error)
    ```
    """

    def acquire(self, timeout: Optional[float] = None) -> Ticket:
        """Waits for its turn, and gives the ticket to settle with the answer.

        Raises DeadlineExceededError at once, with the wait as `retry_after`, if the wait would be
        longer than `timeout` seconds.
        """
        ticket, end = self._enter(timeout)
        alarm = _time.Alarm()
        try:
            while (wait := self._wait(ticket, end, alarm)) is not None:
                alarm.sleep(wait)
        except BaseException:
            ticket.cancel()
            raise
        return ticket

    async def acquire_async(self, timeout: Optional[float] = None) -> Ticket:
        """The same for asyncio and trio."""
        ticket, end = self._enter(timeout)
        alarm = _time.AsyncAlarm()
        try:
            while (wait := self._wait(ticket, end, alarm)) is not None:
                await alarm.sleep(wait)
        except BaseException:
            ticket.cancel()
            raise
        return ticket

    def _enter(self, timeout: Optional[float]) -> tuple[Ticket, Optional[float]]:
        end = None if timeout is None else _time.now() + timeout
        return self.enter(), end

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
