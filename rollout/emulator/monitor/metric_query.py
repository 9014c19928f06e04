"""What a metrics query asks for, from its parameters (lower-case names, no `$`). Pure; raises `Rejected` (400)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.emulator.answers import Rejected, plain
from rollout.emulator.monitor import metric_filter
from rollout.emulator.monitor.catalogue import AGGREGATIONS, METRICS, PROVIDER, Metric
from rollout.emulator.monitor.moments import BadMoment, moment, span

GRAINS: Final = tuple(timedelta(minutes=number) for number in (1, 5, 15, 30, 60, 360, 720, 1440))
DEFAULT_SPAN: Final = timedelta(hours=1)
DEFAULT_TOP: Final = 10


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One query. `start` and `end` are whole minutes; `order` is an aggregation and whether it falls."""

    metrics: tuple[Metric, ...]
    namespace: str
    start: datetime
    end: datetime
    grain: timedelta = GRAINS[0]
    aggregations: tuple[str, ...] = ("Average",)
    filter: metric_filter.Filter = metric_filter.Filter()
    top: int = DEFAULT_TOP
    order: tuple[str, bool] | None = None


def parse(parameters: Mapping[str, str], namespace: str, now: datetime) -> Query:
    """The query of a request's parameters for a kind of resource."""
    known = METRICS[namespace.lower()]
    metrics = _metrics(parameters.get("metricnames") or known[0].name, namespace, known)
    start, end = _timespan(parameters, now)
    dimensions = tuple(name for name in metrics[0].dimensions if all(name in one.dimensions for one in metrics))
    return Query(
        metrics=metrics,
        namespace=namespace,
        start=_floor(start),
        end=end,
        grain=_grain(parameters.get("interval")),
        aggregations=_aggregations(parameters.get("aggregation")),
        filter=metric_filter.parse(parameters.get("filter", ""), dimensions),
        top=_top(parameters.get("top")),
        order=_order(parameters.get("orderby")),
    )


def _metrics(names: str, namespace: str, known: tuple[Metric, ...]) -> tuple[Metric, ...]:
    by_name = {metric.name.lower(): metric for metric in known}
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name.lower() not in by_name]:
        raise _bad(
            f"Failed to find metric configuration for provider: {PROVIDER}, resource Type: "
            f"{namespace.partition('/')[2]}, metric: {unknown[0]}, Valid metrics: "
            f"{','.join(metric.name for metric in known)}"
        )
    return tuple(by_name[name.lower()] for name in wanted)


def _timespan(parameters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    try:
        if given := parameters.get("timespan"):
            start, end = span(given, now)
        else:
            end = moment(parameters["endtime"]) if parameters.get("endtime") else now
            start = moment(parameters["starttime"]) if parameters.get("starttime") else end - DEFAULT_SPAN
    except BadMoment as error:
        raise _bad(f"Invalid time span: {error}") from error
    if start >= end:
        raise _bad(f"Start time {start.isoformat()} has to be before the end time {end.isoformat()}")
    return start, end


def _grain(text: str | None) -> timedelta:
    if not text or text == "AutoAdjust":
        return GRAINS[0]
    match = re.fullmatch(r"PT(\d+)M|PT(\d+)H|P(\d+)D", text)
    minutes = (
        sum(int(part or 0) * each for part, each in zip(match.groups(), (1, 60, 1440), strict=True)) if match else 0
    )
    if timedelta(minutes=minutes) not in GRAINS:
        supported = ",".join(f"PT{int(grain.total_seconds() // 60)}M" for grain in GRAINS)
        raise _bad(f"Detected invalid time grain input: {text}, supported ones are: {supported}")
    return timedelta(minutes=minutes)


def _aggregations(text: str | None) -> tuple[str, ...]:
    by_name = {name.lower(): name for name in AGGREGATIONS}
    wanted = [part.strip().lower() for part in (text or "Average").split(",")]
    if unknown := [name for name in wanted if name not in by_name]:
        raise _bad(f"Invalid aggregation type: {unknown[0]}, supported ones are: {','.join(AGGREGATIONS)}")
    return tuple(by_name[name] for name in wanted)


def _top(text: str | None) -> int:
    if not text:
        return DEFAULT_TOP
    if not text.isdecimal() or not int(text):
        raise _bad(f"Invalid value for 'top': {text}")
    return int(text)


def _order(text: str | None) -> tuple[str, bool] | None:
    if not text:
        return None
    name, _, way = text.partition(" ")
    if name.lower() == "sum":
        name = "Total"
    return _aggregations(name)[0], way.strip().lower() != "asc"


def _floor(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


def _bad(message: str) -> Rejected:
    return plain(400, "BadRequest", message)
