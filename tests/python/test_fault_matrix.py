"""Through the doors of other libraries every fault comes to what the client makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Sandbox
from fault_matrix import DOORS, PATIENT, Fault, Verdict, client, differences, meet, own_sandbox

_BELOW = "aiohttp reads the answer itself, below the middleware, and is strict"
_LENIENT = "aiohttp reads the answer itself, below the middleware, and takes this for good"
_ENDLESS = "aiohttp reads the answer itself, below the middleware, and has no limit for this"

#: What still differs, and why. What does not any more has to leave the list.
ACCEPTED: dict[str, dict[str, str]] = {
    "openai": {},
    "openai_async": {},
    "requests": {"raw_status": "requests' raise_for_status ends at 599; the mark is on the answer"},
    "aiohttp": {
        "chunk_no_final_crlf": _BELOW,
        "length_and_chunked": _BELOW,
        "length_twice": _BELOW,
        "gzip_garbage": _BELOW,
        "head_odd_byte": _BELOW,
        "head_no_colon": _BELOW,
        "head_space": _BELOW,
        "chunked_twice": _LENIENT,
        "transfer_unknown": _LENIENT,
        "chunk_endless_size": _ENDLESS,
        "chunk_endless_extension": _ENDLESS,
        "gzip_empty_blocks": _ENDLESS,
        "interim_endless": _ENDLESS,
    },
}

#: Of those, what the deadline ends.
HANGING = [name for name, reason in ACCEPTED["aiohttp"].items() if reason == _ENDLESS]


@pytest.fixture(scope="module")
def matrix() -> Iterator[tuple[Sandbox, dict[Fault, Verdict]]]:
    with own_sandbox() as sandbox:
        yield sandbox, meet(client, sandbox)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize("name", DOORS)
def test_a_door_comes_to_what_the_client_does(name: str, matrix: Any) -> None:
    sandbox, plain = matrix
    found = meet(DOORS[name], sandbox, *HANGING if name == "aiohttp" else ())
    assert all(verdict.seconds < 2 * PATIENT for verdict in found.values())
    different = differences(plain, found)
    accepted = ACCEPTED[name]
    told = [
        f"{fault}: {plain[fault]}, but {found[fault]}"[:400]
        for fault in different
        if fault.name not in accepted
    ]
    assert not told, "\n".join(told)
    assert set(accepted) <= {fault.name for fault in different}, "these differ no more"
    if name.startswith("openai"):
        assert len(different) <= len(plain) * 0.05
