"""Reads metrics and logs of one emulated workspace: joins what was recorded with the pure queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from rollout.emulator.answers import JsonObject, Rejected
from rollout.emulator.monitor import kql_engine, kql_parser, metric_answer, metric_query, traffic_table
from rollout.emulator.monitor.catalogue import DEPLOYMENTS, ENDPOINTS, METRICS, Metric
from rollout.emulator.monitor.generator import Generator
from rollout.emulator.monitor.kql_tokens import refused
from rollout.emulator.monitor.metric_samples import Sample, samples
from rollout.emulator.monitor.moments import BadMoment, span, stamp
from rollout.emulator.monitor.telemetry import Telemetry
from rollout.emulator.settings import Scope, Settings


class Source(Protocol):
    """Where the records are."""

    @property
    def scope(self) -> Scope:
        """The workspace."""

    @property
    def settings(self) -> Settings:
        """How late metrics and logs arrive."""

    @property
    def telemetry(self) -> Telemetry:
        """What was recorded."""

    @property
    def generator(self) -> Generator:
        """What is still to be made up."""


def lowered(query: Mapping[str, str]) -> dict[str, str]:
    """Parameters by lower-case name without `$`."""
    return {name.lower().removeprefix("$"): value for name, value in query.items()}


def metrics(source: Source, resource: str, namespace: str, query: Mapping[str, str], now: datetime) -> JsonObject:
    """The answer to a metrics query about one resource. Raises `Rejected`."""
    source.generator.fill(now)
    asked = metric_query.parse(query, namespace, now)
    return {
        "cost": int((asked.end - asked.start).total_seconds() // 60) - 1,
        "timespan": f"{stamp(asked.start)}/{stamp(asked.end)}",
        "interval": metric_answer.interval(asked.grain),
        "value": [
            metric_answer.metric(resource, asked, which, _samples(source, resource, which, now))
            for which in asked.metrics
        ],
        "namespace": namespace,
        "resourceregion": source.scope.location,
    }


def _samples(source: Source, resource: str, which: Metric, now: datetime) -> list[Sample]:
    """What has arrived by now: a minute's samples do when it is over, and the delay too."""
    endpoint, _, rest = resource.lower().partition("/onlineendpoints/")[2].partition("/")
    deployment = rest.partition("/")[2] or None
    known = source.telemetry.metrics
    late = now - timedelta(minutes=1, seconds=source.settings.metrics_delay)
    found = samples(which, known.rows(endpoint), known.samples(endpoint), deployment)
    return [sample for sample in found if sample.minute <= late]


def arrived(source: Source, resource: str, name: str, now: datetime) -> list[Sample]:
    """The samples of a metric of an endpoint or a deployment that have arrived by now."""
    source.generator.fill(now)
    kind = DEPLOYMENTS if "/deployments/" in resource.lower() else ENDPOINTS
    which = next(one for one in METRICS[kind.lower()] if one.name.lower() == name.lower())
    return _samples(source, resource, which, now)


def logs(source: Source, query: str, timespan: str | None, now: datetime, endpoint: str = "") -> JsonObject:
    """The answer to a log query, of all endpoints or of one. Raises `Rejected`."""
    source.generator.fill(now)
    tree = kql_parser.parse(query)
    if tree.table != traffic_table.NAME:
        raise _unknown_table(tree.table)
    start, end = _span(timespan, now)
    arrived = now - timedelta(seconds=source.settings.logs_delay)
    lines = (
        line
        for line in source.telemetry.log.lines(arrived)
        if (start is None or line.at >= start) and line.at <= end and endpoint in ("", line.endpoint)
    )
    return kql_engine.answer(kql_engine.run(tree.steps, traffic_table.table(source.scope, lines), now))


def _span(text: str | None, now: datetime) -> tuple[datetime | None, datetime]:
    if not text:
        return None, now
    try:
        return span(text, now)
    except BadMoment as error:
        inner = {"code": "BadTimespan", "message": f"Failed to parse timespan '{text}'"}
        raise refused("InvalidTimespanError", "The timespan is not valid.", inner) from error


def _unknown_table(name: str) -> Rejected:
    inner = {
        "code": "SEM0100",
        "message": f"'where' operator: Failed to resolve table or column expression named '{name}'",
    }
    return refused("SemanticError", "A semantic error occurred.", inner)
