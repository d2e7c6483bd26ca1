"""What the blocking and the asynchronous client share: options, copies, counters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Optional, TypeVar, Union

from . import _client_spans, _fleet, _idempotency, _log, _native, _telemetry
from ._headers import Headers
from ._metrics import Metric
from ._native import Budget, Fallback, FallbackTarget, QuotaState, RetryPolicy
from ._objects import Balance, ChatCompletion, ModelList
from ._policy import DEFAULT_POLICY
from ._quota import Quota
from ._request import dumps
from ._response import Response

#: Says of an answer whether to treat it as a failure all the same.
Predicate = Callable[[ChatCompletion], object]

#: Seconds, or an object with the attribute `read`, such as `httpx.Timeout`.
Timeout = Union[float, Any, None]

_Self = TypeVar("_Self", bound="BaseClient")


def _observe(
    action: str,
    reason: str,
    attempt: int,
    delay: Optional[float],
    error: Optional[_native.Error],
    text: str,
    level: str,
) -> None:
    """Logs a decision of the native client."""
    _log.emit("Client", action, reason, attempt, delay, error, text, level)


class Defaults:
    """What holds for each call of a client that says nothing else."""

    __slots__ = ("headers", "policy", "query", "retry_if_result", "timeout")

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.query: dict[str, str] = {}
        self.policy: Optional[RetryPolicy] = None
        self.timeout: Optional[float] = None
        self.retry_if_result: Optional[Predicate] = None

    def options(
        self,
        deadline: Optional[float] = None,
        idempotency_key: Optional[str] = None,
        policy: Optional[RetryPolicy] = None,
        timeout: Timeout = None,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, object]] = None,
    ) -> dict[str, Any]:
        """The options of one call, for the native client."""
        options: dict[str, Any] = {}
        if deadline is not None:
            options["deadline"] = deadline
        if idempotency_key is not None:
            options["idempotency_key"] = idempotency_key
        chosen = policy or self.policy
        if chosen is not None:
            options["policy"] = chosen
        seconds = self.timeout if timeout is None else _seconds(timeout)
        if seconds is not None:
            options["attempt_timeout"] = seconds
        if self.headers or extra_headers is not None:
            headers = {**self.headers, **_texts("extra_headers", extra_headers)}
            options["headers"] = list(headers.items())
        if self.query or extra_query is not None:
            query = {**self.query, **_texts("extra_query", extra_query)}
            options["query"] = list(query.items())
        return options


class BaseClient:
    """The common half of `Client` and `AsyncClient`; see there."""

    def __init__(
        self,
        api_key: Optional[str] = None,
        base_url: Optional[str] = None,
        *,
        timeout: Timeout = None,
        max_retries: Optional[int] = None,
        default_headers: Optional[Mapping[str, str]] = None,
        default_query: Optional[Mapping[str, object]] = None,
        policy: RetryPolicy = DEFAULT_POLICY,
        quota: Union[Quota, Literal["auto"], None] = "auto",
        share_quota: bool = False,
        quota_folder: Union[str, os.PathLike[str], None] = None,
        quota_group: Optional[str] = None,
        tokens_per_minute: Optional[int] = None,
        fleet: _fleet.FleetOption = None,
        budget: Optional[Budget] = None,
        provider: Optional[str] = None,
        connect_timeout: Optional[float] = None,
        attempt_timeout: Optional[float] = None,
        idle_timeout: Optional[float] = None,
        first_byte_timeout: Optional[float] = None,
        max_response_bytes: Optional[int] = None,
        max_wire_bytes: Optional[int] = None,
        max_head_bytes: Optional[int] = None,
        max_headers: Optional[int] = None,
        expect_continue_above: Optional[int] = None,
        proxy: Union[str, Literal[False], None] = None,
        ca_file: Union[str, os.PathLike[str], None] = None,
        ca_pem: Union[str, bytes, None] = None,
        client_cert: Optional[
            tuple[Union[str, os.PathLike[str]], Union[str, os.PathLike[str]]]
        ] = None,
        allow_http: bool = False,
        user_agent: Optional[str] = None,
        retry_if_result: Optional[Predicate] = None,
        fallback: Union[Fallback, Sequence[Union[str, FallbackTarget]], None] = None,
        max_concurrency: Optional[int] = None,
        adaptive_concurrency: bool = False,
    ) -> None:
        if adaptive_concurrency and max_concurrency is None:
            raise TypeError("adaptive_concurrency needs a max_concurrency")
        if fallback is not None and not isinstance(fallback, Fallback):
            fallback = Fallback(fallback)
        if timeout is not None and attempt_timeout is None:
            attempt_timeout = _seconds(timeout)
        self._defaults = Defaults()
        self._defaults.retry_if_result = retry_if_result
        options: dict[str, Any] = {
            "api_key": api_key,
            "base_url": None if base_url is None else str(base_url),
            "policy": _with_retries(policy, max_retries),
            "fallback": fallback,
            "max_concurrency": max_concurrency,
            "adaptive_concurrency": adaptive_concurrency,
            # Where the quota is shared, so is the budget.
            "budget": Budget() if budget is None and not share_quota else budget,
            "share_quota": share_quota,
            "quota_folder": quota_folder,
            "quota_group": quota_group,
            "tokens_per_minute": tokens_per_minute,
            "fleet": _fleet.server(fleet),
            "provider": provider,
            "connect_timeout": connect_timeout,
            "attempt_timeout": attempt_timeout,
            "idle_timeout": idle_timeout,
            "first_byte_timeout": first_byte_timeout,
            "max_response_bytes": max_response_bytes,
            "max_wire_bytes": max_wire_bytes,
            "max_head_bytes": max_head_bytes,
            "max_headers": max_headers,
            "expect_continue_above": expect_continue_above,
            "proxy": proxy,
            "ca_file": ca_file,
            "ca_pem": ca_pem,
            "client_cert": client_cert,
            "allow_http": allow_http,
            "default_headers": list(_texts("default_headers", default_headers).items()),
            "default_query": list(_texts("default_query", default_query).items()),
            "user_agent": user_agent or f"resayil-python/{_native.__version__}",
        }
        if quota != "auto":
            options["quota"] = quota
        self._take(_native.Client(options, _observe))

    def _take(self, native: _native.Client) -> None:
        """Begins with a native client."""
        self._native: Optional[_native.Client] = native
        self._lazy: Optional[dict[str, Any]] = None
        self._pid = os.getpid()
        self._make_parts()

    def _make_parts(self) -> None:
        raise NotImplementedError

    def _connected(self) -> _native.Client:
        if self._native is None:
            if self._lazy is None:
                raise RuntimeError("the client is closed")
            # It came by pickle, without its key.
            self._native = _native.Client(self._lazy, _observe)
            self._pid = os.getpid()
        elif self._pid != os.getpid():
            # A forked child may not use its parent's connections.
            self._native = self._native.renew()
            self._pid = os.getpid()
        return self._native

    def _begin(self, name: str, arguments: tuple[Any, ...]) -> Optional[_telemetry.CallSpan]:
        """Tells of a call of the native client, if anybody wants to know."""
        telemetry = _telemetry.active
        if telemetry is None:
            return None
        native = self._connected()
        path, body = _client_spans.PATHS.get(name, ""), arguments[0] if arguments else None
        if name in ("get", "post"):
            path, body = arguments[0], arguments[-1]
        method = "POST" if name in ("chat", "chat_stream", "post") else "GET"
        url = f"{native.base_url.rstrip('/')}/{path.lstrip('/')}"
        return telemetry.begin(_telemetry.of_request(method, url, native.provider, body))

    def with_options(
        self: _Self,
        *,
        timeout: Timeout = None,
        max_retries: Optional[int] = None,
        policy: Optional[RetryPolicy] = None,
        default_headers: Optional[Mapping[str, str]] = None,
        default_query: Optional[Mapping[str, object]] = None,
        retry_if_result: Optional[Predicate] = None,
        **changes: Any,
    ) -> _Self:
        """A client that differs from this one in these options, named as those of the constructor.

        Headers and parameters come to those that are there. Quota, budget and counters are shared,
        and so are connections, unless an option is changed that a connection depends on. With
        another `api_key` or `base_url` the quota and the budget are others, too.

        ```python
        client.with_options(timeout=60, max_retries=0).chat.completions.create(...)
        ```
        """
        native = self._connected()
        if changes:
            native = native.replace(**_native_changes(changes, native))
        copied = type(self).__new__(type(self))
        old, new = self._defaults, Defaults()
        new.headers = {**old.headers, **_texts("default_headers", default_headers)}
        new.query = {**old.query, **_texts("default_query", default_query)}
        chosen = policy or old.policy
        if max_retries is not None:
            chosen = _with_retries(chosen or native.policy, max_retries)
        new.policy = chosen
        new.timeout = old.timeout if timeout is None else _seconds(timeout)
        new.retry_if_result = retry_if_result or old.retry_if_result
        copied._defaults = new
        copied._take(native)
        return copied

    copy = with_options

    @property
    def base_url(self) -> str:
        """The address that paths are added to, without its query."""
        return self._connected().base_url

    def quota_state(self) -> Optional[QuotaState]:
        """What the quota knows at this moment; None for a client without one."""
        return self._connected().quota_state()

    def stats(self) -> dict[str, Any]:
        """Counters since the client was made, and what quota and budget have left.

        `calls`, `attempts`, `answered`, `failed` (also `failed_by_kind` and `stops_by_reason`),
        `refused`, `retries` (also `retries_by_reason` and `retries_by_kind`), `stale_connections`,
        `quota_waits` and their seconds `quota_wait`, `backoff_waits` and `backoff_wait`; `quota`:
        None or a dict with `limit`, `remaining`, `reset_after`, `waiting`, `admitted` and
        `refused`; `concurrency`: None or a dict with `limit`, `in_flight` and `waiting`;
        `budget_remaining` and `budget_health`. Any thread may ask, at any time.
        """
        return self._connected().stats()

    def metrics(self) -> list[Metric]:
        """The same as a list of values with names as OpenTelemetry writes them, for an exporter."""
        return self._connected().metrics()

    def __repr__(self) -> str:
        if self._native is None:
            return f"<{type(self).__name__} {'closed' if self._lazy is None else 'not connected'}>"
        return f"<{type(self).__name__} {self._native.base_url}>"

    def __copy__(self: _Self) -> _Self:
        return self.with_options()

    def __deepcopy__(self: _Self, memo: object) -> _Self:
        return self.with_options()

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: all but the key, and what is counted.

        The copy takes its key from the environment variable RESAYIL_API_KEY when it is first used.
        """
        options = self._connected().options() if self._lazy is None else dict(self._lazy)
        options.pop("budget", None)
        options["default_headers"] = _without_keys(options["default_headers"])
        fallback: Optional[Fallback] = options.get("fallback")
        if fallback is not None:
            if any(target.api_key is not None for target in fallback.targets):
                raise TypeError("a client whose fallback has keys of its own cannot be pickled")
            options["fallback"] = (
                [(target.model, target.base_url) for target in fallback.targets],
                list(fallback.on), fallback.overloaded_attempts, fallback.max_wait,
            )  # fmt: skip
        quota: Optional[Quota] = options.get("quota")
        if quota is not None:
            options["quota"] = (quota.limit, quota.window)
        defaults = {name: getattr(self._defaults, name) for name in Defaults.__slots__}
        defaults["headers"] = dict(_without_keys(list(defaults["headers"].items())))
        return {"options": options, "defaults": defaults}

    def __setstate__(self, state: dict[str, Any]) -> None:
        options = state["options"]
        if options.get("fallback") is not None:
            targets, on, attempts, wait = options["fallback"]
            options["fallback"] = Fallback(
                [FallbackTarget(model, url) for model, url in targets],
                on=on, overloaded_attempts=attempts, max_wait=wait,
            )  # fmt: skip
        if options.get("quota") is not None:
            options["quota"] = Quota(*options["quota"])
        options["budget"] = None if options.get("share_quota") else Budget()
        self._defaults = Defaults()
        for name, value in state["defaults"].items():
            setattr(self._defaults, name, value)
        self._native, self._lazy, self._pid = None, options, os.getpid()
        self._make_parts()


#: Headers in which services take keys; see `__getstate__`.
_KEYS = frozenset({"authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie"})


def _without_keys(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _KEYS]


def idempotency_key(given: Optional[str], *parts: str | bytes) -> Optional[str]:
    """The given key, or that of the call of `retry` which this is an attempt of."""
    return given if given is not None else _idempotency.key(*parts)


def predicate(asked: Predicate) -> Callable[..., bool]:
    """The predicate in the form that the native client asks."""

    def rejects(text: str, *details: Any) -> bool:
        return bool(asked(ChatCompletion(json.loads(text), *details)))

    return rejects


def model_path(model: str) -> str:
    """Where a model is."""
    from urllib.parse import quote

    return f"models/{quote(model, safe='')}"


def body_bytes(body: object) -> bytes:
    """What `post` sends: bytes and text as they are, all else as JSON."""
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if type(body) is memoryview:
        return body.tobytes()
    return (body if isinstance(body, str) else dumps({} if body is None else body)).encode()


def completion(row: tuple[Any, ...]) -> ChatCompletion:
    """The answer to a chat, of what the native client gives."""
    text, attempts, request_id, fallback = row
    return ChatCompletion(json.loads(text), attempts, request_id, fallback)


def response(row: tuple[Any, ...]) -> Response:
    """The answer to `post` and `get`, of what the native client gives."""
    status, headers, content, attempts, request_id, fallback = row
    return Response(
        status, Headers(headers), content,
        attempts=attempts, request_id=request_id, fallback=fallback,
    )  # fmt: skip


def model_list(rows: list[tuple[Any, ...]]) -> ModelList:
    """The list of models, of what the native client gives."""
    names = ("id", "object", "created", "owned_by")
    return ModelList({"object": "list", "data": [dict(zip(names, row)) for row in rows]})


def balance(row: tuple[Any, ...]) -> Balance:
    """The balance, of what the native client gives."""
    return Balance(dict(zip(("tier", "status", "expires_at", "credits"), row)))


def _seconds(timeout: Timeout) -> Optional[float]:
    if timeout is None or isinstance(timeout, (int, float)):
        return timeout
    if hasattr(timeout, "read"):
        read: Optional[float] = timeout.read
        return read
    raise TypeError(f"timeout has to be a number of seconds, not {type(timeout).__name__}")


def _with_retries(policy: RetryPolicy, max_retries: Optional[int]) -> RetryPolicy:
    if max_retries is None:
        return policy
    return policy.replace(max_attempts=max_retries + 1)


def _texts(name: str, given: Optional[Mapping[str, object]]) -> dict[str, str]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{name} has to be a mapping of names to values, not {type(given).__name__}"
        )
    texts: dict[str, str] = {}
    for key, value in given.items():
        if isinstance(value, bool):
            value = "true" if value else "false"
        if not isinstance(key, str) or not isinstance(value, (str, int, float)):
            raise TypeError(f"{name} has to have texts, and {key!r} has a {type(value).__name__}")
        texts[key] = str(value)
    return texts


def _native_changes(changes: dict[str, Any], native: _native.Client) -> dict[str, Any]:
    fallback = changes.get("fallback")
    if fallback is not None and not isinstance(fallback, Fallback):
        changes["fallback"] = Fallback(fallback)
    if ("api_key" in changes or "base_url" in changes) and "budget" not in changes:
        shares = changes.get("share_quota", native.options().get("share_quota"))
        changes["budget"] = None if shares else Budget()
    if changes.get("quota") == "auto":
        raise TypeError("with_options() takes a Quota or None as quota")
    return changes
