"""A request that a transport sends, again if that may help, and the answer that it hands on."""

from __future__ import annotations

from typing import Any, Callable, Optional
from urllib.parse import SplitResult, urljoin, urlsplit

from . import _interop, _native, _no_answer, _telemetry, _time
from ._api_error import APIError
from ._as_events import as_events, asks_for_stream
from ._incoming import Incoming, Limits
from ._keys import keys_of
from ._native import Budget, Counters, RetryPolicy
from ._operation import Operation

#: Where a request says nothing else, an attempt may take so long, in seconds.
ATTEMPT_TIMEOUT = 120.0

#: The status that an error in a success stands for, by kind; the first that the table of kinds has.
_STATUSES = {
    row[1]: int(digits)
    for row in _native.kinds()
    if (digits := row[2].split(" ")[0].split("/")[0].strip(",")).isdigit()
}

_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}


class Exchange(Operation):
    """One call through a transport. It has no input and no output: its driver has."""

    def __init__(
        self,
        name: str,
        policy: RetryPolicy,
        budget: Budget,
        counters: Counters,
        *,
        method: str,
        host: str,
        provider: Optional[str],
        quota: Optional[_native.Quota],
        replayable: bool,
        enter: dict[str, Any],
        limits: Limits,
        url: str,
        headers: Any,
        body: Any,
    ) -> None:
        self._provider = provider or _native.provider_at(host)
        super().__init__(
            name,
            policy,
            budget,
            counters,
            quota,
            provider=self._provider,
            # What is no POST is not counted.
            metered=method == "POST",
            body=body if isinstance(body, bytes) else None,
            # Servers echo it.
            keys=keys_of(headers, url),
            **enter,
            about=lambda: _telemetry.of_request(method, url, self._provider, body),
        )
        self._method = method
        self._url = url
        self._request = body.encode() if isinstance(body, str) else body
        #: Whether the request cannot be sent again.
        self.is_final = not replayable
        self._limits = limits
        self.incoming: Optional[Incoming] = None
        self._silent = 0.0
        self._events = 0
        #: Whether the driver has given the answer to its caller.
        self.is_handed_on = False

    def begin(self) -> None:
        """An attempt begins."""
        self.incoming, self._silent, self._events = None, 0.0, 0

    def left(self) -> Optional[float]:
        """How many seconds the next read may take; None if nothing limits it."""
        left = self._limits.attempt_timeout
        if left is not None:
            left -= self._silent
        if self.incoming is not None and self.incoming.form == "unseen":
            left = None
        deadline = self._native.deadline
        if deadline is not None:
            rest = deadline - _time.now()
            left = rest if left is None else min(left, rest)
        return left if left is None else max(left, 0.001)

    @property
    def is_late(self) -> bool:
        """Whether the attempt has taken all its time."""
        left = self.left()
        return left is not None and left <= 0.001

    def took(self, seconds: float) -> None:
        """So long a read took."""
        watch = self.incoming.watch if self.incoming is not None else None
        events = watch.events if watch is not None else 0
        # What brings nothing new is silence.
        self._silent = self._silent + seconds if events == self._events else 0.0
        self._events = events

    def head(self, status: int, headers: Any) -> Incoming:
        """The head of the answer came."""
        self._native.on_headers(status, headers, now=self._tell(), wall=_time.wall())
        self._mask(headers)
        self.incoming = Incoming(
            status, headers, method=self._method, provider=self._provider, limits=self._limits
        )
        if self._method == "POST" and status in _REDIRECTS and self._leads_away(headers):
            # Who follows it carries the key or the prompt there.
            self.incoming.failure = _native.read_error(status, headers, None, now=_time.wall())
        return self.incoming

    def _mask(self, headers: Any) -> None:
        """Takes the request's keys out of what an SDK may show."""
        whole = "\n".join(headers.values())
        if self._native.without_keys(whole.encode("utf-8", "surrogateescape")) is None:
            return
        for name, value in list(headers.items()):
            masked = self._native.without_keys(value.encode("utf-8", "surrogateescape"))
            if masked is not None:
                headers[name] = masked.decode("utf-8", "replace")

    def _leads_away(self, headers: Any) -> bool:
        location = headers.get("location")
        if not isinstance(location, str):
            return False
        try:
            there = urlsplit(urljoin(self._url, location))
            here = urlsplit(self._url)
            return (there.scheme, _address(there)) != (here.scheme, _address(here))
        except ValueError:
            return True

    def in_place(self) -> Optional[tuple[bytes, Optional[str]]]:
        """What to hand on in place of a good answer that came, and of what type if that changed;

        None if it is handed on as it is.
        """
        incoming = self.incoming
        assert incoming is not None
        if incoming.form == "whole" and incoming.is_json and asks_for_stream(self._request):
            events = as_events(incoming.replacement or incoming.body)
            if events is not None:
                return events, "text/event-stream"
        body = incoming.replacement
        return None if body is None else (body, None)

    def without_keys(self) -> Optional[tuple[bytes, None]]:
        """What to hand on in place of an error that echoes a key; None if it echoes none."""
        incoming = self.incoming
        if incoming is None or incoming.form not in ("error", "whole"):
            return None
        body = self._native.without_keys(incoming.body)
        return None if body is None else (body, None)

    def judge(self) -> bool:
        """The answer is read as far as is wanted. Says whether to hand it on as it is.

        Else the call goes on, or fails: `is_over`.
        """
        incoming = self.incoming
        assert incoming is not None
        if incoming.watch is not None and incoming.watch.is_finished:
            error = incoming.watch.error
            if error is not None and incoming.watch.has_delivered:
                # What came before it is the caller's, and then the exception.
                self._stop(error)
                return True
        elif incoming.form in ("error", "whole"):
            status, headers = incoming.status, incoming.headers
            if not self.answered(status, headers, incoming.body, self.is_final):
                return False
            if self.span is not None:
                self.span.answer(_telemetry.parsed(incoming.body))
            error = None
        else:
            # It goes on in the caller's hands.
            return True
        if error is None:
            self.succeeded()
            return True
        self.failed_with(error, self.is_final)
        return False

    def hand_on(self) -> None:
        """The driver gives the answer to its caller."""
        self.is_handed_on = True
        incoming = self.incoming
        if incoming is not None and incoming.form == "unseen":
            self.succeeded()

    def broke(self, exception: Exception) -> None:
        """The attempt raised this before its answer was handed on."""
        error = _interop.read_error(exception)
        if self.is_late and not isinstance(exception, APIError):
            error = self._native.timeout_error(ambiguous=True, now=self._tell())
        watch = self.incoming.watch if self.incoming is not None else None
        if error is not None and watch is not None:
            error = watch.describe(error)
        self.raised(exception, error, self.is_final, _no_answer.is_stale(exception))

    def status_of(self, error: _native.Error) -> int:
        """The status of an answer that holds this error."""
        status = error.status or 0
        return status if status >= 400 else _STATUSES.get(error.kind, 502)

    # What follows is for an answer that is in its caller's hands.

    def passed(self, raw: bytes) -> int:
        """Looks at the next bytes of it; says how many of them to hand on."""
        incoming = self.incoming
        assert incoming is not None
        if self.is_over:
            return len(raw)
        count = incoming.feed(raw)
        if incoming.watch is not None and incoming.watch.is_finished:
            if incoming.watch.error is None:
                self.succeeded()
            else:
                self._stop(incoming.watch.error)
        elif incoming.failure is not None:
            self._stop(incoming.failure)
        return count

    def ended(self) -> None:
        """It has ended."""
        incoming = self.incoming
        if self.is_over or incoming is None:
            return
        incoming.end()
        error = incoming.watch.error if incoming.watch is not None else None
        if error is None:
            self.succeeded()
        else:
            self._stop(error)

    def cut(self, exception: Exception, is_late: bool) -> None:
        """It broke off: the exception is marked with what is known."""
        if self.is_over:
            return
        error = _interop.read_error(exception)
        if is_late:
            error = self._native.timeout_error(ambiguous=True, now=self._tell())
        elif error is None:
            self._native.give_up(None, now=self._tell())
            return
        watch = self.incoming.watch if self.incoming is not None else None
        self._stop(error if watch is None else watch.describe(error))
        if self.error is not None:
            _interop.mark(exception, self.error)

    def left_alone(self) -> None:
        """Its caller wants no more of it."""
        if not self.is_over:
            self.succeeded()

    def _stop(self, error: _native.Error) -> None:
        """It failed, after parts of it were handed on: nothing can be sent again."""
        self._native.give_up(error, now=self._tell())
        step = self._native.poll(self._now, None)
        self.error = step if isinstance(step, _native.Error) else error
        self._end_span()


def _address(url: SplitResult) -> tuple[Optional[str], Optional[int]]:
    return url.hostname, url.port or _PORTS.get(url.scheme)


def exception_as(
    error: _native.Error, base: type[Exception], equip: Callable[[Exception], None]
) -> Exception:
    """The exception of ours that an error stands for, of a class that is also the other one."""
    plain = _native.to_exception(error)
    cls: Any = _CLASSES.get((type(plain), base))
    if cls is None:

        def reduce(self: Any) -> Any:
            return _native.to_exception, (self._error,)

        plain_class = type(plain)
        cls = type(plain_class.__name__, (plain_class, base), {
            "__module__": base.__module__, "__reduce__": reduce, "__doc__": plain_class.__doc__,
        })  # fmt: skip
        _CLASSES[plain_class, base] = cls
    exception: Any = cls.__new__(cls, error)
    exception.args = (error,)
    equip(exception)
    made: Exception = exception
    return made


_CLASSES: dict[tuple[type, type], type] = {}
