"""What the checks of a gate show: ask the source for the minutes since the first exposure, and judge them all again.

Nothing is stored: the instants are fixed by the record in the endpoint's tags (first exposure, last change of the
weights), so every runner asks for the same minutes and comes to the same verdict.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from rollout.core.decision import Roles
from rollout.core.evidence import grid
from rollout.core.evidence.alerts import worst
from rollout.core.evidence.counts import Block, faults
from rollout.core.evidence.judge import Check, Finding, State, Terms, examine
from rollout.core.evidence.recorded import Span, record
from rollout.core.evidence.split import Split
from rollout.core.evidence.split import check as check_split
from rollout.core.evidence.verdicts import Sides, verdict
from rollout.core.gate_bodies import Asked, Bake, Custom, Evidence, Metric
from rollout.core.observed import Endpoint, Observation, Weights
from rollout.core.progress import Progress, from_tags
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import RolloutError
from rollout.gates import alerts
from rollout.gates.words import cut
from rollout.ports import Counted, CountQuery, MetricSource, MetricSources

Judged = Bake | Metric
"""The gates that have checks."""


class Looked(msgspec.Struct, frozen=True):
    """One check with what was counted for it."""

    finding: Finding
    counted: Counted | None = None
    blocks: tuple[Block, ...] = ()


async def measure(sources: MetricSources, gate: Judged, seen: Observation, roles: Roles, health: Verdict) -> Verdict:
    """The verdict of a gate: that of its health, and of its checks and alerts if it has any. A candidate that is shown
    to be worse is rolled back even where its probe gives no answer."""
    wanted, endpoint = gate.evidence, seen.endpoint
    if wanted is None or endpoint is None or health.outcome is Outcome.FAIL:
        return health
    record = from_tags(endpoint.tags)
    span = span_of(wanted, record, seen.now, seconds_back(gate))
    run = record.under_way if isinstance(record, Progress) else None
    if span is None or run is None:
        reason = f"it is not on record since when {roles.candidate} gets requests"
        return Verdict(outcome=Outcome.NO_DATA, reason=reason)
    stage = alerts.stage_of(run.exposed or span.since, span.since, _seconds(gate), seconds_back(gate))
    parts = [await alerts.measure(sources.alerts, one, stage, seen.now) for one in wanted.alerts]
    if wanted.checks:
        parts.insert(0, await _counted(sources, gate, wanted, seen, Sides(roles.stable, roles.candidate), span))
    found = worst(parts)
    return found if health.outcome is Outcome.PASS or found.outcome is Outcome.FAIL else health


async def _counted(
    sources: MetricSources, gate: Judged, wanted: Evidence, seen: Observation, sides: Sides, span: Span
) -> Verdict:
    """The verdict of all checks that count."""
    endpoint = seen.endpoint
    assert endpoint is not None, "there is nothing to measure without an endpoint"
    return _complete(await judged(sources, wanted, endpoint, sides, span), gate, span, seen.now)


async def judged(sources: MetricSources, wanted: Evidence, endpoint: Endpoint, sides: Sides, span: Span) -> Verdict:
    """What the checks show by the minutes of that span, with all that it was made of. Nothing else is asked."""
    terms = Terms(alpha=wanted.alpha, share=wanted.share, least=wanted.least_requests)
    source = sources.of(wanted.source)
    looked = [await _look(source, check, terms, endpoint, sides, span) for check in wanted.checks]
    found = verdict(
        [one.finding for one in looked],
        _split(looked, wanted.checks, endpoint.weights, sides, span),
        sides,
        terms,
        needs_proof=wanted.promote_when == "proven",
        early=wanted.at_least,
    )
    return _recorded(found, looked, wanted, span, sides, terms)


def _seconds(gate: Judged) -> float:
    return gate.seconds if isinstance(gate, Bake) else 0.0


def seconds_back(gate: Judged) -> float:
    """How many seconds before it was reached the gate looks at."""
    return gate.over if isinstance(gate, Metric) else 0.0


def span_of(wanted: Evidence, found: object, now: datetime, back: float = 0.0) -> Span | None:
    """The instants, from the record; None where it does not tell the first exposure. A gate that looks `back` counts
    so many seconds before it was reached, at most from the beginning of the evidence on."""
    run = found.under_way if isinstance(found, Progress) else None
    since = found.since if isinstance(found, Progress) else None
    exposed = since if wanted.fresh else run.exposed if run else None
    if run is None or exposed is None or since is None:
        return None
    return span_between(wanted, exposed, since, now, back)


def span_between(wanted: Evidence, exposed: datetime, since: datetime, end: datetime, back: float = 0.0) -> Span:
    """The instants of a gate that was reached at `since` and is looked at at `end`, in a run whose evidence begins at
    `exposed`."""
    start = grid.ceiling(exposed)
    stage = grid.ceiling(since + grid.SETTLING)
    return Span(
        start=start,
        stage=max(start, min(stage, grid.ceiling(since - timedelta(seconds=back)))) if back else stage,
        horizon=grid.horizon(end, wanted.source.lag),
        end=grid.floor(end),
        since=since,
    )


async def _look(
    source: MetricSource, asked: Asked, terms: Terms, endpoint: Endpoint, sides: Sides, span: Span
) -> Looked:
    """One check: its counts, judged; a source that fails is a finding of its own."""
    check = Check(name=asked.name, tolerate=asked.tolerate, at_most=asked.at_most)
    before = span.start - grid.BASELINE
    query = CountQuery(
        endpoint=endpoint,
        deployments=(sides.stable, sides.candidate),
        question=asked.question,
        start=before,
        end=max(span.end, span.start),
    )
    try:
        counted = await source.count(query)
        if wrong := next(faults(counted.rows), ""):
            raise RolloutError(f"the source says {wrong}")
    except RolloutError as error:
        return Looked(Finding(check=check, state=State.SOURCE_FAILED, failure=cut(str(error))))
    blocks = grid.blocks(counted.rows, sides.stable, sides.candidate, before, query.end)
    return Looked(examine(check, terms, span.history(blocks)), counted, blocks)


def _split(looked: list[Looked], checks: tuple[Asked, ...], weights: Weights, sides: Sides, span: Span) -> Split | None:
    """The sample-ratio check, by the first check that counts requests."""
    stable, mirrored = weights.live(sides.stable), weights.mirrored(sides.candidate)
    mine = weights.live(sides.candidate) or mirrored * stable / 100
    for one, asked in zip(looked, checks, strict=True):
        if one.counted is not None and mine + stable and not isinstance(asked.question, Custom):
            settled = grid.ceiling(span.since + grid.SETTLING)
            final = [block for block in one.blocks if settled <= block.start < span.horizon]
            return check_split(final, mine / (mine + stable))
    return None


def _complete(found: Verdict, gate: Judged, span: Span, now: datetime) -> Verdict:
    """A gate that passes without proof passes by all of its minutes: also the last ones must be final."""
    end = span.since + timedelta(seconds=_seconds(gate))
    proven = gate.evidence is not None and gate.evidence.promote_when == "proven"
    if found.outcome is not Outcome.PASS or proven or now < end or span.horizon >= grid.floor(end):
        return found
    reason = f"the counts of its last minutes are not final yet; {found.reason}"
    return msgspec.structs.replace(found, outcome=Outcome.INCONCLUSIVE, reason=reason)


def _recorded(
    found: Verdict, looked: list[Looked], wanted: Evidence, span: Span, sides: Sides, terms: Terms
) -> Verdict:
    """The verdict with all that it was made of: what was asked, and the raw counts of every minute."""
    checks = [
        {**told, "query": one.counted.query if one.counted else "", "minutes": record(one.blocks)}
        for told, one in zip(found.evidence["checks"], looked, strict=True)
    ]
    evidence = {
        **found.evidence,
        "checks": checks,
        "source": {"kind": wanted.source.kind, "lag": wanted.source.lag},
        "span": msgspec.to_builtins(span),
        "sides": msgspec.to_builtins(sides),
        "terms": msgspec.to_builtins(terms),
    }
    return msgspec.structs.replace(found, evidence=evidence)
