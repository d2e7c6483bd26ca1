"""From the exceptions and answers of HTTP clients and SDKs to errors, without importing any."""

from __future__ import annotations

from typing import Any, Optional

from . import _foreign, _keys, _native, _no_answer
from ._api_error import APIError
from ._kinds import is_dict

#: Where a foreign exception carries what a retrying layer knows of it.
ATTRIBUTE = "resayil_error"

#: No more exceptions than this are looked at, each wrapped in the one before.
_DEEPEST = 8


def from_exception(exception: BaseException) -> Optional[APIError]:
    """The exception of this package that another package's stands for; None if it is for none.

    It reads httpx, requests, aiohttp, urllib, urllib3, pycurl, gRPC, and the SDKs of OpenAI,
    Anthropic, Mistral, Cohere, Groq, Google (google-genai, google-api-core), Amazon (botocore),
    pydantic-ai and litellm, and others that carry a response or have the same names: by status,
    headers and body, or as a time-out or a lost connection. The other exception is its `__cause__`.

    ```python
    except Exception as exc:
        error = resayil.from_exception(exc)
        if error is None:
            raise
        print(error.user_message)
    ```
    """
    if isinstance(exception, APIError):
        return exception
    error = read_error(exception)
    if error is None:
        return None
    found = _native.to_exception(error)
    found.__cause__ = exception
    return found


def from_response(response: object, *, body: object = None) -> Optional[APIError]:
    """Says what went wrong with an answer of another package; None for a success.

    It reads the answers of httpx, requests, aiohttp, urllib and urllib3, the calls of gRPC, and the
    dicts of botocore. What the client has not read of the body is not read here, but for urllib's,
    which stays readable: give it as `body`, as bytes, text or parsed JSON.

    ```python
    async with session.post(url, json=question) as response:
        error = resayil.from_response(response, body=await response.read())
    ```

    Raises TypeError for an object that is no answer.
    """
    answer = _foreign.of_response(response, body)
    if answer is None:
        raise TypeError(f"response has to be an answer of HTTP, not {type(response).__name__}")
    return _native.classify(answer.status, answer.headers, answer.body)


def read_error(exception: object) -> Optional[_native.Error]:
    """The error that an exception stands for; None if it is not about a call of an API."""
    if isinstance(exception, _native.Error):
        return exception
    if isinstance(exception, APIError):
        return exception._error
    if not isinstance(exception, BaseException):
        return None
    if type(exception).__module__ == "builtins" and not exception.__dict__:
        # It has neither an answer nor a mark.
        return _native.read_builtin(exception)
    found: Optional[_native.Error] = None
    inner: Optional[BaseException] = exception
    for _ in range(_DEEPEST):
        if inner is None:
            break
        known = _known(inner)
        if known is not None:
            return known
        error = _read_one(inner)
        if error is not None:
            found = error
        inner = _no_answer.wrapped(inner)
    return found


def _known(exception: BaseException) -> Optional[_native.Error]:
    """The error that is on an exception, or that it is."""
    if isinstance(exception, APIError):
        return exception._error
    return _marked(getattr(exception, "response", None)) or _marked(exception)


def _read_one(exception: BaseException) -> Optional[_native.Error]:
    error = _read_foreign(exception)
    keys = [] if error is None else _keys.keys_behind(exception)
    return error.without_keys(keys) if error is not None and keys else error


def _read_foreign(exception: BaseException) -> Optional[_native.Error]:
    answer = _foreign.of_exception(exception)
    if answer is None:
        return _no_answer.read(exception)
    try:
        error = _native.read_error(answer.status, answer.headers, answer.body)
    except (TypeError, ValueError):
        return None
    if error is not None:
        return error
    # The client raised for a status that is none of an error, such as a redirect.
    return _native.Error("unknown", None, status=answer.status)


def mark(exception: BaseException, error: _native.Error) -> None:
    """Leaves on an exception what a retrying layer knows at its end."""
    if isinstance(exception, APIError):
        exception._mark(error)
        return
    marks = {ATTRIBUTE: error, "attempts": error.attempts, "exhausted": error.exhausted}
    for name, value in marks.items():
        try:
            setattr(exception, name, value)
        except Exception:
            # Some classes allow no further attributes: then nobody is told.
            return


def _marked(place: Any) -> Optional[_native.Error]:
    """The error that a retrying layer has left on an exception or a response."""
    extensions = getattr(place, "extensions", None)
    left = extensions.get(ATTRIBUTE) if is_dict(extensions) else None
    left = left or getattr(place, ATTRIBUTE, None)
    return left if isinstance(left, _native.Error) else None
