"""What gates showed, ready to be drawn: e-values against their limits, counts, verdicts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import log
from typing import Any, Final

import msgspec

from rollout.core.evidence.judge import e_value
from rollout.core.evidence.recorded import read
from rollout.render.document import Measurement
from rollout.render.html.charts import Chart, Curve, Point, chart, number

_HUGE: Final = 1e6


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """How far evidence has come: `part` of its limit, from 0 to 100."""

    name: str
    part: float
    said: str
    reached: bool


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What one side answered in this stage."""

    side: str
    requests: str
    bad: str
    rate: str


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """One check of a bake."""

    name: str
    state: str
    meters: tuple[Meter, ...]
    counts: tuple[Counts, ...]
    chart: Chart | None
    query: str = ""
    failure: str = ""


class GateView(msgspec.Struct, frozen=True, kw_only=True):
    """One gate with what it showed."""

    name: str
    outcome: str
    reason: str
    checks: tuple[CheckView, ...] = ()
    rows: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


def gate_view(found: Measurement) -> GateView:
    """The gate; evidence that is not of a known form is left out."""
    evidence = found.evidence or {}
    try:
        checks = tuple(_checks(evidence))
    except (msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError):
        checks = ()
    worst = evidence.get("worst")
    rows = tuple(msgspec.json.encode(one).decode() for one in worst[:20]) if isinstance(worst, list | tuple) else ()
    return GateView(
        name=found.gate, outcome=found.outcome, reason=found.reason, checks=checks, rows=rows, log=found.log
    )


def _checks(evidence: Mapping[str, Any]) -> Iterator[CheckView]:
    if "checks" not in evidence:
        return
    record = read(evidence)
    for index, one in enumerate(evidence["checks"]):
        sides = ((record.sides.candidate, one["candidate"]), (record.sides.stable, one["stable"]))
        yield CheckView(
            name=one["check"],
            state=one["state"],
            meters=tuple(meters(one)),
            counts=tuple(_counts(name, counted) for name, counted in sides),
            chart=_track(one, index, record.span.start),
            query=one.get("query", ""),
            failure=one["failure"],
        )


def meters(check: Mapping[str, Any]) -> Iterator[Meter]:
    """Both questions of a check: is it worse; is it proven not to be."""
    for name, value, alpha in (
        ("worse", check["log_e_worse"], check["alpha_worse"]),
        ("not worse", check["log_e_not_worse"], check["alpha_not_worse"]),
    ):
        limit = log(1 / alpha)
        part = min(1.0, max(0.0, value / limit))
        said = f"E {e_words(value)} of {number(round(1 / alpha))}"
        yield Meter(name=name, part=round(100 * part, 1), said=said, reached=value >= limit)


def e_words(log_e: float) -> str:
    """E as people write it."""
    found = e_value(max(log_e, -20.0))
    if found >= _HUGE:
        return f"10^{log_e / log(10):.0f}"
    return number(found) if found >= 1 else f"{found:.2g}"


def _counts(side: str, counted: Mapping[str, float]) -> Counts:
    requests, bad = counted.get("requests", 0.0), counted.get("bad", 0.0)
    rate = f"{bad / requests:.2%}" if requests else "–"
    return Counts(side=side, requests=number(requests), bad=number(bad), rate=rate)


def _track(check: Mapping[str, Any], index: int, start: datetime) -> Chart | None:
    """log E of "worse" after each minute, against its limit. What is below 1 is no evidence and drawn at the bottom."""
    track = tuple(float(value) for value in check["track"])
    if not track:
        return None
    limit = log(1 / check["alpha_worse"])
    end = start + timedelta(minutes=len(track))
    points: tuple[Point, ...] = tuple(
        (start + timedelta(minutes=minute + 1), max(0.0, value)) for minute, value in enumerate(track)
    )
    curves = (
        Curve(name="limit", look="limit", points=((start, limit),), stepped=True),
        Curve(name="evidence that it is worse", look="candidate", points=points),
    )
    top = max(limit * 1.25, *track)
    title = f"{check['check']}: e-value over time"
    return chart(f"track-{index}", title, "E", curves, start, end, top=top, label=e_words)
