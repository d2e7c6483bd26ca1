"""Many calls on shared objects: memory stays flat, and so does what is open.

RESAYIL_FLAT_CALLS says how many calls; by default 50,000, for a check 1,000,000.
"""

from __future__ import annotations

import gc
import os
import pathlib
import sys
import threading
from typing import Callable

import pytest
import resayil

CALLS = int(os.environ.get("RESAYIL_FLAT_CALLS", "50000"))
THREADS = 4
#: What an allocator may keep of its own, in bytes.
SLACK = 6 * 1024 * 1024


def resident() -> int:
    """The memory of this process, in bytes."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def failing() -> Callable[[], int]:
    """Fails in every second call of a thread."""
    of_thread = threading.local()

    def ask() -> int:
        of_thread.calls = calls = getattr(of_thread, "calls", 0) + 1
        if calls % 2:
            raise ConnectionError("gone")
        return int(calls)

    return ask


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_calls_leave_nothing_behind(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("CRITICAL", "resayil")
    counters, policy = resayil.Counters(), resayil.RetryPolicy(base_delay=0.0)
    # What comes of all threads at once at the beginning is more than a budget affords.
    good = resayil.retry(policy=policy, counters=counters)(lambda: 1)
    bad = resayil.retry(policy=policy, counters=counters)(failing())
    ended: list[int] = []

    def work(calls: int) -> None:
        for number in range(calls):
            if number % 10:
                good()
            else:
                bad()
        ended.append(calls)

    def run(calls: int) -> None:
        threads = [threading.Thread(target=work, args=(calls // THREADS,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # What is made once is there.
    run(CALLS // 5)
    gc.collect()
    before, things = resident(), len(gc.get_objects())
    run(CALLS)
    gc.collect()
    grown = resident() - before
    assert len(ended) == 2 * THREADS
    stats = counters.stats()
    assert stats["answered"] == stats["calls"] == sum(ended) and stats["failed"] == 0
    assert stats["retries"] == sum(ended) // 10
    assert grown < SLACK, f"{grown} bytes more after {CALLS} calls"
    assert len(gc.get_objects()) < things + 1000


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_uses_the_same_objects() -> None:
    quota = resayil.Quota(limit=1000)
    ask = resayil.retry(quota=quota, policy=resayil.RetryPolicy(base_delay=0.0))(failing())
    assert ask() == 2
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with quota.slot():
                    pass
                code = 0 if all(ask() for _ in range(50)) else 2
            finally:
                os._exit(code)
        children.append(child)
    assert all(ask() for _ in range(50))
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
