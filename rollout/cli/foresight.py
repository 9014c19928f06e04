"""What the checks of a bake can see at the endpoint's present rate of requests: lines for `diff`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from rollout.core.evidence import grid
from rollout.core.evidence.counts import Arm, faults, total
from rollout.core.evidence.foresight import Load, until_proven, until_worse
from rollout.core.gate_bodies import Asked, Bake, Evidence
from rollout.core.observed import Endpoint
from rollout.core.release import AnyStage, Gate, Traffic
from rollout.errors import RolloutError
from rollout.ports import CountQuery, MetricSources
from rollout.render.report import Report
from rollout.render.words import span

TIMES: Final = (1.5, 2, 3, 5, 10, 20)
"""How many times what is tolerated: the least of these shares that can be seen in the bake's time is told."""
_HOUR: Final = 60.0


async def with_foresight(report: Report, sources: MetricSources) -> Report:
    """The report with a line for each check that compares with stable: one question to its source each.

    A source that gives no answer is told, not a fault: `diff` goes on.
    """
    endpoint, stable = report.observation.endpoint, report.changes.decision.roles.stable
    found = list(_bakes(report.release.stages))
    if endpoint is None or not stable or not found:
        return report
    notes = [
        await _note(sources, endpoint, stable, report, stage, weight, check)
        for stage, weight in found
        for check in stage.body.evidence.checks
        if check.at_most is None
    ]
    changes = report.changes
    decision = msgspec.structs.replace(changes.decision, notes=(*changes.decision.notes, *notes))
    return msgspec.structs.replace(report, changes=msgspec.structs.replace(changes, decision=decision))


def _bakes(stages: tuple[AnyStage, ...]) -> Iterator[tuple[Gate, int]]:
    """The bakes with checks under live weight, and that weight."""
    weight = 0
    for stage in stages:
        if isinstance(stage, Traffic):
            weight = stage.weight
        elif isinstance(stage, Gate) and isinstance(stage.body, Bake) and stage.body.evidence and 0 < weight < 100:
            yield stage, weight


async def _note(
    sources: MetricSources,
    endpoint: Endpoint,
    stable: str,
    report: Report,
    stage: Gate,
    weight: int,
    check: Asked,
) -> str:
    evidence: Evidence = stage.body.evidence
    end = grid.horizon(report.observation.now, evidence.source.lag)
    query = CountQuery(
        endpoint=endpoint,
        deployments=(stable,),
        question=check.question,
        start=end - timedelta(minutes=_HOUR),
        end=end,
    )
    try:
        counted = await sources.of(evidence.source).count(query)
    except RolloutError as error:
        return f"{stage.name}: what {check.name} can see is not known: {error}"
    if wrong := next(faults(counted.rows), ""):
        return f"{stage.name}: what {check.name} can see is not known: the source says {wrong}"
    return note(stage, weight, check, total(Arm(row.requests, row.bad) for row in counted.rows))


def note(stage: Gate, weight: int, check: Asked, hour: Arm) -> str:
    """What that check can see in the bake's time, if the endpoint's last hour is like the next."""
    evidence: Evidence = stage.body.evidence
    head = f"{stage.name}: {check.name}, at {hour.requests / _HOUR:,.0f} requests a minute"
    if not hour.requests:
        return f"{head}: nothing can be seen and nothing proven without requests"
    load = Load(per_minute=hour.requests / _HOUR, share=weight / 100, rate=(hour.bad + 1) / (hour.requests + 200))
    room = stage.seconds + stage.limit
    rates = [min(times * (load.rate + check.tolerate), 0.99) for times in TIMES]
    seen = [(rate, 60 * until_worse(load, rate, check.tolerate, evidence.share)) for rate in rates]
    least = next(((rate, seconds) for rate, seconds in seen if seconds <= room), None)
    worse = f"sees {least[0]:.1%} or more in {_about(least[1])}" if least else f"cannot see even {rates[-1]:.1%}"
    proof = 60 * until_proven(load, check.tolerate, evidence.alpha)
    equal = f"proves an equal candidate in {_about(proof)}" if proof <= room else "cannot prove an equal candidate"
    return f"{head} and {load.rate:.2%}: {worse}, {equal} (9 times in 10; it has {span(room)})"


def _about(seconds: float) -> str:
    return f"about {span(60 * max(1, round(seconds / 60)))}"
