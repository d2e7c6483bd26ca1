"""The keys that a request is sent with, which servers echo."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._kinds import is_dict

#: Where services expect the key.
KEYS = ("authorization", "x-api-key", "api-key", "x-goog-api-key", "ocp-apim-subscription-key")

#: The parameters of a URL in which some take it.
_PARAMETERS = ("key", "api-key", "api_key", "access_token")


def keys_of(headers: Mapping[str, Any], url: str) -> list[str]:
    """The keys that a request is sent with, without their schemes."""
    found = [_bare(value) for name in KEYS if (value := headers.get(name))]
    if "=" in url:
        from urllib.parse import parse_qs, urlsplit

        try:
            parameters = parse_qs(urlsplit(url).query)
        except ValueError:
            parameters = {}
        found += [key for name in _PARAMETERS for key in parameters.get(name, ())]
    return [key for key in found if key]


def _bare(value: object) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.rpartition(" ")[2]


def keys_behind(exception: BaseException) -> list[str]:
    """Those of the request that an exception of another package keeps, or its response does."""
    responses = [getattr(exception, name, None) for name in ("response", "raw_response")]
    for holder in (exception, *responses):
        for name in ("request", "request_info"):
            try:
                request = getattr(holder, name, None)
                headers: Any = getattr(request, "headers", None)
                if is_dict(headers):
                    # Of a plain one case counts.
                    headers = {str(name).lower(): value for name, value in headers.items()}
                if headers is not None and (
                    keys := keys_of(headers, str(getattr(request, "url", "")))
                ):
                    return keys
            except Exception:
                # One that was never set, as httpx says.
                continue
    return []
