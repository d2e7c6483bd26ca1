"""Spans and metrics for OpenTelemetry: `resayil.opentelemetry.instrument()`.

```python
import resayil.opentelemetry

resayil.opentelemetry.instrument()
```

Each call of `Client` and `AsyncClient`, through a transport (httpx, httpx2, requests, aiohttp), and
of a function decorated with `retry` is a span; what was decided on its attempts are the span's
events. Calls of a model feed `gen_ai.client.operation.duration` and `gen_ai.client.token.usage`.
Names are those of OpenTelemetry's conventions for generative AI; docs/observability.md lists them.
Nothing holds a key, a prompt or an answer.

Needs `pip install resayil[otel]`, and OpenTelemetry's SDK, which exports what is told.
"""

from __future__ import annotations

import time
from typing import Any, Optional

from opentelemetry import context, trace
from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, TracerProvider

from . import _interop, _native, _telemetry
from ._kinds import is_dict
from ._telemetry import Call

__all__ = ["instrument", "is_instrumented", "uninstrument"]

#: The events of a span, by the action.
_EVENTS = frozenset({"retry", "stop", "quota_wait", "warning"})

#: The boundaries that the conventions advise, in seconds and in tokens.
_SECONDS = [
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
]  # fmt: skip
_TOKENS = [4.0**power for power in range(14)]

#: Where answers say how many tokens went in, and how many came out.
_USAGES = ("usage", "usageMetadata", "usage_metadata")
_INPUT = ("prompt_tokens", "input_tokens", "promptTokenCount", "prompt_token_count")
_OUTPUT = ("completion_tokens", "output_tokens", "candidatesTokenCount", "candidates_token_count")


def instrument(
    *,
    tracer_provider: Optional[TracerProvider] = None,
    meter_provider: Optional[MeterProvider] = None,
) -> None:
    """Traces and measures all calls of this package from now on, until `uninstrument`.

    The providers are those that OpenTelemetry has as its own, unless others are given. A second
    call replaces the first.
    """
    _telemetry.active = _Telemetry(tracer_provider, meter_provider)


def uninstrument() -> None:
    """Ends what `instrument` began. Calls under way are told to their end."""
    _telemetry.active = None


def is_instrumented() -> bool:
    """Whether calls are traced."""
    return _telemetry.active is not None


class _Telemetry:
    def __init__(
        self, tracer_provider: Optional[TracerProvider], meter_provider: Optional[MeterProvider]
    ) -> None:
        version = _native.__version__
        self.tracer = trace.get_tracer("resayil", version, tracer_provider)
        meter = get_meter("resayil", version, meter_provider)
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            "s",
            "GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            "{token}",
            "Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def begin(self, call: Call) -> _CallSpan:
        return _CallSpan(self, call)


class _CallSpan:
    """One call, from its beginning to its answer or error; a stream's to its end."""

    def __init__(self, telemetry: _Telemetry, call: Call) -> None:
        self._telemetry = telemetry
        self._call = call
        self._begun = time.perf_counter()
        self._response_model: Optional[str] = None
        self._usage: dict[str, int] = {}
        self._is_over = False
        names = {
            "gen_ai.operation.name": call.operation,
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": call.model,
            "http.request.method": call.method,
            "server.address": call.host,
            "server.port": call.port,
        }
        model = f" {call.model}" if call.model else ""
        self._span: Span = telemetry.tracer.start_span(
            call.name if call.operation is None else f"{call.operation}{model}",
            kind=SpanKind.INTERNAL if call.method is None else SpanKind.CLIENT,
            attributes={name: value for name, value in names.items() if value is not None},
        )

    def enter(self) -> object:
        return context.attach(trace.set_span_in_context(self._span))

    def leave(self, token: Any) -> None:
        context.detach(token)

    def event(
        self,
        action: str,
        reason: Optional[str],
        attempt: int,
        delay: Optional[float],
        error: Optional[_native.Error],
        text: str,
        level: str,
    ) -> None:
        if action not in _EVENTS:
            return
        attributes: dict[str, Any] = {
            "resayil.action": action,
            "resayil.reason": reason or None,
            "resayil.attempt": attempt,
            "resayil.delay": delay,
        }
        if error is not None:
            attributes["error.type"] = error.kind
            attributes["resayil.error.code"] = error.code
            attributes["resayil.request_id"] = error.request_id
            attributes["http.response.status_code"] = error.status
            if attempt > 1:
                attributes["http.request.resend_count"] = attempt - 1
        known = {name: value for name, value in attributes.items() if value is not None}
        self._span.add_event(f"resayil.{action}", known)

    def answer(self, answer: Any) -> None:
        if not is_dict(answer):
            return
        for name in ("model", "modelVersion", "model_version"):
            if isinstance(answer.get(name), str):
                self._response_model = answer[name]
        for name in _USAGES:
            usage = answer.get(name)
            if is_dict(usage):
                for token_type, names in (("input", _INPUT), ("output", _OUTPUT)):
                    counts = [usage.get(it) for it in names]
                    # Of a stream the last word counts.
                    found = [it for it in counts if isinstance(it, int) and it >= 0]
                    if found:
                        self._usage[token_type] = found[0]

    def end(
        self, error: object = None, attempts: Optional[int] = None, exception: object = None
    ) -> None:
        if self._is_over:
            return
        self._is_over = True
        span, call = self._span, self._call
        kind = self._failure(error, exception)
        attributes: dict[str, Any] = {
            "gen_ai.response.model": self._response_model,
            "gen_ai.usage.input_tokens": self._usage.get("input"),
            "gen_ai.usage.output_tokens": self._usage.get("output"),
            "resayil.attempts": attempts,
            "error.type": kind,
        }
        span.set_attributes({k: value for k, value in attributes.items() if value is not None})
        if call.operation is not None:
            self._measure(kind)
        span.end()

    def _failure(self, error: object, exception: object) -> Optional[str]:
        """What went wrong, if anything: it stands on the span."""
        found = _interop.read_error(error if error is not None else exception)
        if found is None and exception is None:
            return None
        kind = found.kind if found is not None else type(exception).__name__
        if found is not None and found.status is not None:
            self._span.set_attribute("http.response.status_code", found.status)
        # Masked; of another package's exception nothing is known.
        self._span.set_status(
            Status(StatusCode.ERROR, found.message if found is not None else None)
        )
        return kind

    def _measure(self, kind: Optional[str]) -> None:
        call = self._call
        labels: dict[str, Any] = {
            "gen_ai.operation.name": call.operation,
            "gen_ai.provider.name": call.provider,
            "gen_ai.request.model": call.model,
            "gen_ai.response.model": self._response_model,
            "server.address": call.host,
            "server.port": call.port,
        }
        known = {name: value for name, value in labels.items() if value is not None}
        where = trace.set_span_in_context(self._span)
        for token_type, count in self._usage.items():
            labels = {**known, "gen_ai.token.type": token_type}
            self._telemetry.tokens.record(count, labels, context=where)
        if kind is not None:
            known["error.type"] = kind
        self._telemetry.duration.record(time.perf_counter() - self._begun, known, context=where)
