"""What a bake's checks show: ask the source for the minutes since the first exposure, and judge them all again.

Nothing is stored: the instants are fixed by the record in the endpoint's tags (first exposure, last change of the
weights), so every runner asks for the same minutes and comes to the same verdict.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from rollout.core.decision import Roles
from rollout.core.evidence import grid
from rollout.core.evidence.counts import Block, faults
from rollout.core.evidence.judge import Check, Finding, State, Terms, examine
from rollout.core.evidence.recorded import Span, record
from rollout.core.evidence.split import Split
from rollout.core.evidence.split import check as check_split
from rollout.core.evidence.verdicts import Sides, verdict
from rollout.core.gate_bodies import Asked, Bake, Custom, Evidence
from rollout.core.observed import Endpoint, Observation, Weights
from rollout.core.progress import Progress, from_tags
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import RolloutError
from rollout.gates.words import cut
from rollout.ports import Counted, CountQuery, MetricSource, MetricSources


class Looked(msgspec.Struct, frozen=True):
    """One check with what was counted for it."""

    finding: Finding
    counted: Counted | None = None
    blocks: tuple[Block, ...] = ()


async def measure(sources: MetricSources, bake: Bake, seen: Observation, roles: Roles, health: Verdict) -> Verdict:
    """The verdict of a bake: that of its health, and of its checks if it has any. A candidate that is shown to be worse
    is rolled back even where its probe gives no answer."""
    wanted, endpoint = bake.evidence, seen.endpoint
    if wanted is None or endpoint is None or health.outcome is Outcome.FAIL:
        return health
    sides = Sides(roles.stable, roles.candidate)
    span = span_of(wanted, from_tags(endpoint.tags), seen.now)
    if span is None:
        reason = f"it is not on record since when {sides.candidate} gets requests"
        return Verdict(outcome=Outcome.NO_DATA, reason=reason)
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
    found = _recorded(_complete(found, bake, span, seen.now), looked, wanted, span, sides, terms)
    return found if health.outcome is Outcome.PASS or found.outcome is Outcome.FAIL else health


def span_of(wanted: Evidence, found: object, now: datetime) -> Span | None:
    """The instants, from the record; None where it does not tell the first exposure."""
    run = found.under_way if isinstance(found, Progress) else None
    since = found.since if isinstance(found, Progress) else None
    exposed = since if wanted.fresh else run.exposed if run else None
    if run is None or exposed is None or since is None:
        return None
    return Span(
        start=grid.ceiling(exposed),
        stage=grid.ceiling(since + grid.SETTLING),
        horizon=grid.horizon(now, wanted.source.lag),
        end=grid.floor(now),
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
            final = [block for block in one.blocks if span.stage <= block.start < span.horizon]
            return check_split(final, mine / (mine + stable))
    return None


def _complete(found: Verdict, bake: Bake, span: Span, now: datetime) -> Verdict:
    """A bake that passes without proof passes by all of its minutes: also the last ones must be final."""
    end = span.since + timedelta(seconds=bake.seconds)
    proven = bake.evidence is not None and bake.evidence.promote_when == "proven"
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
