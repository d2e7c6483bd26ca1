"""Answers as the objects of HTTP clients and SDKs hold them, read without importing any of them."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, Optional, cast

from ._kinds import is_mapping

#: No more than this is read of a body that is still on its way.
_MAX_READ = 1024 * 1024


class Answer(NamedTuple):
    """What is known of an answer."""

    status: int
    headers: Any
    body: bytes


def of_response(response: object, body: object = None) -> Optional[Answer]:
    """The answer that an object holds; None if it is none. `body` takes the place of its own."""
    if is_mapping(response):
        answer = _of_botocore(response)
    else:
        answer = _of_grpc(response) or _of_object(response)
    if answer is not None and body is not None:
        answer = answer._replace(body=_bytes(body))
    return answer


def of_exception(exception: BaseException) -> Optional[Answer]:
    """The answer that an exception carries; None if it carries none."""
    response: Any = getattr(exception, "response", None)
    if response is None:
        # Mistral's.
        response = getattr(exception, "raw_response", None)
    answer = _of_botocore(response) if is_mapping(response) else None
    answer = answer or _of_grpc(exception) or _of_object(response, exception)
    answer = answer or _of_object(exception) or _of_google(exception)
    if answer is None or answer.body:
        return answer
    # A body that is gone, or that was never kept as bytes.
    return answer._replace(body=_parsed_body(exception))


def _of_object(holder: Any, exception: Optional[BaseException] = None) -> Optional[Answer]:
    """Of an object with a status and headers: httpx, requests, aiohttp, urllib and their like."""
    if holder is None:
        return None
    headers = getattr(holder, "headers", None)
    status = _status(holder)
    if status is None or headers is None or callable(headers):
        return None
    return Answer(status, headers, _content(holder))


def _status(holder: Any) -> Optional[int]:
    for name in ("status_code", "status", "code"):
        status = getattr(holder, name, None)
        if isinstance(status, int) and not isinstance(status, bool):
            return int(status)
    return None


def _content(holder: Any) -> bytes:
    read = _urllib_body(holder)
    if read is not None:
        return read
    # httpx and requests; urllib3; aiohttp, once it was read; exceptions that keep the text.
    for name in ("content", "data", "_body", "body"):
        try:
            content = getattr(holder, name, None)
        except Exception:
            # A stream that nobody has read, or that is closed.
            return b""
        if isinstance(content, (bytes, bytearray, str)):
            return _bytes(content)
    return b""


def _urllib_body(holder: Any) -> Optional[bytes]:
    """The body of urllib's answers and errors, which can be read once: it is put back."""
    fp = getattr(holder, "fp", None)
    if fp is None or not type(holder).__module__.startswith(("urllib.", "http.")):
        return None
    source = fp if type(holder).__module__ == "urllib.error" else holder
    try:
        data: bytes = source.read(_MAX_READ)
        rest = source if len(data) == _MAX_READ else None
    except Exception:
        return b""
    if source is fp:
        again = _Again(data, rest)
        holder.fp = holder.file = again
        # What tempfile's wrapper has kept of the one before.
        for name in ("read", "readline", "readlines", "readinto"):
            holder.__dict__.pop(name, None)
    else:
        holder.read = _Again(data, rest).read
    return data


class _Again(io.BytesIO):
    """Bytes that were read, and what follows them."""

    def __init__(self, data: bytes, rest: Any) -> None:
        super().__init__(data)
        self._rest = rest

    def read(self, size: Optional[int] = -1, /) -> bytes:
        data = super().read(size)
        if self._rest is None or (size is not None and 0 <= size <= len(data)):
            return data
        left = -1 if size is None or size < 0 else size - len(data)
        more: bytes = self._rest.read() if left < 0 else self._rest.read(left)
        return data + more


def _parsed_body(exception: BaseException) -> bytes:
    """The body of exceptions that keep it parsed: `body` in most SDKs, `details` in Google's."""
    for name in ("body", "details"):
        parsed: object = getattr(exception, name, None)
        if isinstance(parsed, (bytes, str)):
            return _bytes(parsed)
        if (is_mapping(parsed) or type(parsed) is list) and parsed:
            return _bytes(cast("object", parsed))
    return b""


def _of_botocore(response: Mapping[Any, Any]) -> Optional[Answer]:
    """Of the dict in botocore's ClientError, which keeps code and message of the body."""
    metadata, error = response.get("ResponseMetadata"), response.get("Error")
    if not is_mapping(metadata):
        return None
    status = metadata.get("HTTPStatusCode")
    if not isinstance(status, int):
        return None
    body = b""
    if is_mapping(error):
        body = _bytes({"__type": error.get("Code"), "message": error.get("Message")})
    return Answer(status, metadata.get("HTTPHeaders"), body)


#: What the codes of gRPC stand for in HTTP: google/rpc/code.proto says so.
_GRPC: dict[str, int] = {
    "CANCELLED": 499, "UNKNOWN": 500, "INVALID_ARGUMENT": 400, "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404, "ALREADY_EXISTS": 409, "PERMISSION_DENIED": 403, "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429, "FAILED_PRECONDITION": 400, "ABORTED": 409, "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501, "INTERNAL": 500, "UNAVAILABLE": 503, "DATA_LOSS": 500,
}  # fmt: skip


def _of_grpc(call: object) -> Optional[Answer]:
    """Of a call of gRPC, or of the exception that is one."""
    if "grpc" not in sys.modules:
        return None
    code = _called(call, "code")
    name = getattr(code, "name", None)
    status = _GRPC.get(name) if isinstance(name, str) else None
    if status is None:
        return None
    metadata = [
        (str(key), value)
        for key, value in (_called(call, "trailing_metadata") or ())
        if isinstance(value, (str, bytes))
    ]
    error: dict[str, Any] = {"code": status, "message": _called(call, "details"), "status": name}
    for key, value in metadata:
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            error["details"] = _retry_info(value)
    headers = [(key, value) for key, value in metadata if not key.endswith("-bin")]
    return Answer(status, headers, _bytes({"error": error}))


def _called(holder: object, name: str) -> Any:
    method: Optional[Callable[[], Any]] = getattr(holder, name, None)
    if not callable(method):
        return None
    try:
        return method()
    except Exception:
        return None


def _retry_info(status: bytes) -> list[dict[str, str]]:
    """The `google.rpc.RetryInfo` in a serialized `google.rpc.Status`, as JSON has it."""
    found: list[dict[str, str]] = []
    for number, detail in _fields(status):
        if number != 3 or not isinstance(detail, bytes):
            continue
        any_ = dict(_fields(detail))
        kind, value = any_.get(1), any_.get(2)
        if not isinstance(kind, bytes) or not kind.endswith(b"google.rpc.RetryInfo"):
            continue
        delay = dict(_fields(value)).get(1) if isinstance(value, bytes) else None
        parts = dict(_fields(delay)) if isinstance(delay, bytes) else {}
        seconds, nanos = parts.get(1, 0), parts.get(2, 0)
        if isinstance(seconds, int) and isinstance(nanos, int):
            found.append(
                {"@type": kind.decode("ascii", "replace"), "retryDelay": f"{seconds}.{nanos:09}s"}
            )
    return found


def _fields(message: bytes) -> list[tuple[int, Any]]:
    """The fields of a protobuf message by number: ints and bytes; what is garbled ends the list."""
    fields: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while shift < 70:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
        raise IndexError

    try:
        while at < len(message):
            key = varint()
            if key & 7 == 0:
                fields.append((key >> 3, varint()))
            elif key & 7 == 2:
                length = varint()
                fields.append((key >> 3, message[at : at + length]))
                at += length
            else:
                at += {1: 8, 5: 4}[key & 7]
    except (IndexError, KeyError):
        pass
    return fields


def _of_google(exception: BaseException) -> Optional[Answer]:
    """Of google-api-core's exceptions, which may stand for a call of gRPC."""
    errors: Any = getattr(exception, "errors", None)
    calls: Iterable[Any] = errors
    if not isinstance(errors, (list, tuple)):
        calls = ()
    for call in calls:
        answer = _of_grpc(call)
        if answer is not None:
            return answer
    status = _status(exception)
    if status is None or not type(exception).__module__.startswith("google."):
        return None
    parsed = _parsed_body(exception)
    if parsed:
        return Answer(status, None, parsed)
    error = {"code": status, "message": getattr(exception, "message", None) or str(exception)}
    return Answer(status, None, _bytes({"error": error}))


def _bytes(body: object) -> bytes:
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if type(body) is memoryview:
        return body.tobytes()
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    try:
        return json.dumps(body, default=str).encode()
    except (TypeError, ValueError, RecursionError):
        return b""
