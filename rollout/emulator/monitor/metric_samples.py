"""From counts and latencies to the samples of a metric: one value a minute for each combination of dimensions. Pure."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import msgspec

from rollout.emulator.metrics import Row
from rollout.emulator.monitor.catalogue import Metric

Latencies = tuple[datetime, str, tuple[float, ...]]
"""Minute, deployment, seconds."""


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One value of a metric."""

    minute: datetime
    dimensions: Mapping[str, str]
    value: float


def samples(
    metric: Metric, rows: Iterable[Row], latencies: Iterable[Latencies], deployment: str | None
) -> Iterator[Sample]:
    """The samples of a metric, of the endpoint or of one deployment of it."""
    if metric.unit == "Count":
        yield from _counts(metric, (row for row in rows if deployment in (None, row.deployment)))
        return
    for minute, name, seconds in latencies:
        if seconds and deployment in (None, name):
            value = 1000 * (_mean(seconds) if metric.quantile is None else _quantile(seconds, metric.quantile))
            yield Sample(minute, {"deployment": name} if deployment is None else {}, value)


def _counts(metric: Metric, rows: Iterable[Row]) -> Iterator[Sample]:
    totals: dict[tuple[datetime, tuple[str, ...]], int] = defaultdict(int)
    for row in rows:
        totals[row.minute, tuple(_dimension(row, name) for name in metric.dimensions)] += row.count
    for (minute, values), count in totals.items():
        yield Sample(minute, dict(zip(metric.dimensions, values, strict=True)), float(count))


def _dimension(row: Row, name: str) -> str:
    match name:
        case "deployment":
            return row.deployment
        case "statusCodeClass":
            return row.status_class
        case "modelStatusCode":
            return row.model_status
        case _:
            return str(row.status)


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values)


def _quantile(values: tuple[float, ...], quantile: float) -> float:
    """The smallest value that this share of all stays within."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(quantile * len(ordered) - 1e-9) - 1)]
