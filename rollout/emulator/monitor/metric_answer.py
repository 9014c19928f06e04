"""The answer to a metrics query: samples put into grains, aggregated, split by the filter's dimensions. Pure.

A minute without samples has a time stamp and no value: nothing was measured, which is not zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from rollout.emulator.answers import JsonObject
from rollout.emulator.monitor.catalogue import Metric
from rollout.emulator.monitor.metric_query import Query
from rollout.emulator.monitor.metric_samples import Sample
from rollout.emulator.monitor.moments import stamp

_HOW: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "Average": lambda values: sum(values) / len(values),
    "Minimum": min,
    "Maximum": max,
    "Total": sum,
    "Count": len,
}
Buckets = dict[datetime, list[float]]


def metric(resource: str, query: Query, which: Metric, samples: Iterable[Sample]) -> JsonObject:
    """One metric of the answer."""
    return {
        "id": f"{resource}/providers/Microsoft.Insights/metrics/{which.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": which.name, "localizedValue": which.name},
        "displayDescription": which.description,
        "unit": which.unit,
        "timeseries": _series(query, which, samples),
        "errorCode": "Success",
    }


def interval(grain: timedelta) -> str:
    """`PT1M`, `PT1H`, …"""
    minutes = int(grain.total_seconds() // 60)
    return f"PT{minutes}M" if minutes < 60 else f"PT{minutes // 60}H" if minutes < 1440 else "P1D"


def _series(query: Query, which: Metric, samples: Iterable[Sample]) -> list[JsonObject]:
    split = tuple(name for name in query.filter.dimensions if name in which.dimensions)
    found: dict[tuple[str, ...], Buckets] = {} if split else {(): {}}
    for sample in samples:
        if query.start <= sample.minute < query.end and query.filter.holds(sample.dimensions):
            key = tuple(sample.dimensions[name] for name in split)
            found.setdefault(key, {}).setdefault(_grain(query, sample.minute), []).append(sample.value)
    keys = _ordered(query, found)[: query.top] if split else list(found)
    return [_one(query, dict(zip(split, key, strict=True)), found[key]) for key in keys]


def _ordered(query: Query, found: Mapping[tuple[str, ...], Buckets]) -> list[tuple[str, ...]]:
    if query.order is None:
        return sorted(found)
    how, falling = query.order
    every = {key: [value for values in buckets.values() for value in values] for key, buckets in found.items()}
    return sorted(found, key=lambda key: _HOW[how](every[key]), reverse=falling)


def _one(query: Query, dimensions: Mapping[str, str], buckets: Buckets) -> JsonObject:
    values = [
        {"name": {"value": name.lower(), "localizedValue": name.lower()}, "value": value}
        for name, value in dimensions.items()
    ]
    data, at = [], _grain(query, query.start)
    while at < query.end:
        data.append(_point(query, at, buckets.get(at, ())))
        at += query.grain
    return {"metadatavalues": values, "data": data}


def _point(query: Query, at: datetime, values: Sequence[float]) -> dict[str, Any]:
    point: dict[str, Any] = {"timeStamp": stamp(at)}
    if values:
        point |= {name.lower(): float(_HOW[name](values)) for name in query.aggregations}
    return point


def _grain(query: Query, minute: datetime) -> datetime:
    """The start of the grain that holds a minute, counted from the start of the query."""
    passed = (minute - query.start) // query.grain
    return query.start + passed * query.grain
