"""What is counted, under the names by which it is exported."""

from __future__ import annotations

from typing import NamedTuple

from . import _native


class Metric(NamedTuple):
    """One value, for the metrics of OpenTelemetry, Prometheus and their like."""

    name: str
    """The name of what is measured, such as `resayil.client.retries`."""
    attributes: dict[str, str]
    """What tells it from other values of the same name, such as `error.type`."""
    unit: str
    """By UCUM: `s` is seconds, what is in braces is counted, `1` is a ratio."""
    value: float
    """Counts are exact up to 2**53."""
    instrument: str
    """`counter` for a sum that only grows, `gauge` for a value as it is now."""


class MetricRow(NamedTuple):
    """One row of the table of metrics."""

    name: str
    instrument: str
    unit: str
    attributes: tuple[str, ...]
    """The names of the attributes that tell its values apart."""
    description: str


#: All metrics that this version knows.
METRICS = tuple(
    MetricRow(name, instrument, unit, tuple(attributes), description)
    for name, instrument, unit, attributes, description in _native.metrics()
)
