"""An answer that a transport looks at while it passes, without input or output of its own."""

from __future__ import annotations

import json
from typing import Any, NamedTuple, Optional

from . import _native, _time
from ._coding import Coding, TooLarge

#: No more is read of the body of an answer with an error's status, unpacked.
MAX_ERROR_BYTES = 1024 * 1024

#: No more than this of a stream is kept back before anything is delivered; beyond it the stream is
#: handed on, and the request is not sent again.
_MAX_KEPT_BYTES = 1024 * 1024
_MAX_KEPT_EVENTS = 1024


class Limits(NamedTuple):
    """What an answer may cost, in bytes and seconds."""

    max_response_bytes: int = 16 * 1024 * 1024
    max_wire_bytes: int = 32 * 1024 * 1024
    attempt_timeout: Optional[float] = None
    max_head_bytes: int = 64 * 1024
    max_headers: int = 128


class Incoming:
    """One answer, from its head on.

    `form` says how it is looked at: `error` and `whole` are read before anything is handed on,
    `stream` until something is delivered; `unseen` is handed on at once.
    """

    def __init__(
        self,
        status: int,
        headers: Any,
        *,
        method: str,
        provider: Optional[str],
        limits: Limits,
    ) -> None:
        self.status = status
        self.headers = headers
        self._limits = limits
        self._provider = provider
        self._wire = 0
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        #: The stream's, if it is one.
        self.watch: Optional[_native.StreamWatch] = None
        #: What is wrong with the answer that no byte of it says.
        self.failure: Optional[_native.Error] = None
        #: Whether the rest of an error's body is not wanted.
        self.is_cut = False
        encoding, media = _header(headers, "content-encoding"), _header(headers, "content-type")
        limit = MAX_ERROR_BYTES if status >= 400 else limits.max_response_bytes
        self._coding = Coding(encoding, limit)
        media = media.partition(";")[0].strip().lower()
        #: Whether it says that it is JSON.
        self.is_json = _is_json(media)
        self.form = _form(status, method, media)
        if not self._coding.is_known and self.form != "error":
            if self.form == "unseen":
                pass
            elif "," in encoding:
                # A small body might hide a huge one twice.
                self._fail("the answer is compressed more than once")
            elif self.form == "guess":
                self.form = "unseen"
            else:
                self._fail("the answer is of a coding that nobody here can read")
        declared = _header(headers, "content-length")
        if self.form in ("whole", "guess") and not encoding and declared.isdecimal():
            # One that is declared to be larger is not begun.
            if int(declared[:20]) > limit:
                self._fail("the answer is larger than max_response_bytes")
        self._begin()

    def _begin(self) -> None:
        if self.form == "stream":
            self.watch = _native.StreamWatch(self.headers, provider=self._provider)

    @property
    def is_unseen(self) -> bool:
        """Whether nobody looks at it."""
        return self.form == "unseen"

    @property
    def is_ready(self) -> bool:
        """Whether it may be handed on although it has not ended."""
        if self.form == "unseen":
            return True
        watch = self.watch
        if watch is None or self.failure is not None:
            return False
        is_much = self._wire > _MAX_KEPT_BYTES or watch.events > _MAX_KEPT_EVENTS
        return not watch.is_finished and (watch.has_delivered or is_much)

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it is wanted before the verdict."""
        finished = self.watch is not None and self.watch.is_finished
        return finished or self.is_cut or self.failure is not None

    @property
    def body(self) -> bytes:
        """What came of an error or of an answer in one piece, unpacked."""
        return b"".join(self._kept)

    @property
    def replacement(self) -> Optional[bytes]:
        """What to hand on in place of what came, if that is not what programs can read."""
        if self.form != "whole":
            return None
        body = self.body
        if body.startswith(_BYTE_ORDER_MARK):
            return body[len(_BYTE_ORDER_MARK) :]
        return body if self._coding.is_packed else None

    def feed(self, raw: bytes) -> int:
        """Takes the next bytes; says how many of them may be handed on."""
        if self.form == "unseen":
            return len(raw)
        self._wire += len(raw)
        if self.form != "error" and self._wire > self._limits.max_wire_bytes:
            return self._fail("the answer is larger than max_wire_bytes")
        try:
            data = self._coding.feed(raw) if self._coding.is_known else raw
        except TooLarge:
            if self.form != "error":
                return self._fail("the answer is larger than max_response_bytes")
            self.is_cut = True
            return 0
        except ValueError as problem:
            if self.form == "error":
                self.is_cut = True
                return len(raw)
            return self._fail(str(problem))
        if self.form == "guess":
            data = self._guess(data)
            if self.is_unseen:
                return len(raw)
        if self.watch is None:
            self._kept.append(data)
            self._kept_bytes += len(data)
            self.is_cut = self.form == "error" and self._kept_bytes >= MAX_ERROR_BYTES
            return len(raw)
        passed = self.watch.feed(data, now=_time.wall())
        if passed == len(data):
            return len(raw)
        # Of packed bytes nobody knows where the event begins.
        return 0 if self._coding.is_packed else max(0, len(raw) - (len(data) - passed))

    def _guess(self, data: bytes) -> bytes:
        """Says by the first bytes what an answer is whose head does not say it."""
        data = b"".join(self._kept) + data
        self._kept.clear()
        begin = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        if not begin:
            return data
        if begin in b"{[<":
            self.form = "whole"
        elif begin in b"deri:":
            # `data`, `event`, `retry`, `id` and comments.
            self.form = "stream" if _is_event(data.lstrip()) else "unseen"
        else:
            self.form = "unseen"
        self._begin()
        return data

    def end(self) -> None:
        """The answer has ended."""
        if self.form == "guess":
            self.form = "whole"
        if self.watch is not None:
            self.watch.finish(now=_time.wall())
        if self.form != "whole":
            return
        body = self.body
        if not _is_utf8(body):
            self._fail("the answer is not UTF-8", retryable=True)
        elif _is_too_deep(body):
            self._fail("the answer is nested too deep to be read", retryable=True)

    def _fail(self, problem: str, *, retryable: bool = False) -> int:
        self.failure = _native.Error(
            "protocol", problem, status=self.status, headers=self.headers, retryable=retryable
        )
        return 0


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: No parser gives up on so few levels.
_DEEP = 200

#: What nobody looks into: it is no text.
_BINARY = ("audio/", "image/", "video/", "font/", "multipart/")
_STREAMS = (
    "text/event-stream", "application/x-ndjson", "application/ndjson", "application/jsonl",
    "application/stream+json", "application/json-seq",
)  # fmt: skip


def _form(status: int, method: str, media: str) -> str:
    if status >= 400:
        return "error"
    if not 200 <= status < 300 or method == "HEAD":
        return "unseen"
    if media in _STREAMS:
        return "stream"
    if _is_json(media):
        return "whole"
    # A page is a failure only where an API was asked.
    is_text = media == "" or media.startswith("text/")
    if method != "POST" or not is_text or media.startswith(_BINARY):
        return "unseen"
    return "guess"


def _is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def _is_event(data: bytes) -> bool:
    name = data.partition(b":")[0]
    return name in (b"data", b"event", b"id", b"retry", b"")


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        # Another encoding of Unicode says so by its first bytes.
        return body.startswith((b"\xff\xfe", b"\xfe\xff"))
    return True


def _is_too_deep(body: bytes) -> bool:
    """Whether it is JSON that Python's own parser gives up on."""
    if body.count(b"[") + body.count(b"{") < _DEEP:
        return False
    try:
        json.loads(body)
    except RecursionError:
        return True
    except ValueError:
        # What is wrong with it is said elsewhere.
        return False
    return False


def _header(headers: Any, name: str) -> str:
    value = headers.get(name)
    return value if isinstance(value, str) else ""
