"""Errors inside of results: an answer of 200 whose body is an error, as gateways send it."""

from __future__ import annotations

import json
from typing import Any, Optional

from . import _native
from ._api_error import APIError

#: Larger answers are not looked at, in bytes: what is wrong is said in few words.
MAX_BYTES = 1024 * 1024

#: By the name of the class: whose it may be, and where the status and the body that was read are.
_ANSWERS = {
    "Response": (("httpx", "httpx2", "requests"), "status_code", "_content"),
    "ClientResponse": (("aiohttp",), "status", "_body"),
}


#: What is no answer of an API, and is told by a glance.
PLAIN = frozenset((type(None), bool, int, float, str, bytes, list, tuple))


def error_in(result: object) -> Optional[APIError]:
    """The error in a success that a function returned; None where there is none.

    It looks at answers of httpx, httpx2, requests and aiohttp with a status of 2xx, whose body is
    JSON and was read, and at dicts with a member `error`, which is what such a body is when it is
    parsed.
    """
    kind = type(result)
    if kind is dict:
        return _in_dict(result) if "error" in result else None  # type: ignore[operator]
    found = _ANSWERS.get(kind.__name__)
    return None if found is None else _in_response(result, *found)


def _in_dict(result: Any) -> Optional[APIError]:
    if not result["error"]:
        return None
    try:
        body = json.dumps(result)
    except (TypeError, ValueError):
        return None  # This came from no API.
    return _native.classify(200, {"Content-Type": "application/json"}, body)


def _in_response(
    response: Any, packages: tuple[str, ...], status_name: str, body_name: str
) -> Optional[APIError]:
    if type(response).__module__.partition(".")[0] not in packages:
        return None
    status, headers = getattr(response, status_name), response.headers
    if not 200 <= status < 300 or "json" not in headers.get("Content-Type", ""):
        return None
    # What was not read is a stream, which is the caller's.
    body = response.__dict__.get(body_name)
    if not isinstance(body, bytes) or not body or len(body) > MAX_BYTES:
        return None
    return _native.classify(status, dict(headers), body)
