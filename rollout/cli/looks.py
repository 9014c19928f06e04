"""`rollout diff` over many plans: the same look as for one, without any write."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec

from rollout.cli import ending, exits, many, passes
from rollout.cli.authors import with_authors
from rollout.cli.foresight import with_foresight
from rollout.cli.options import Output
from rollout.cli.passes import Visit
from rollout.cli.planned import Planned
from rollout.cli.printing import failures_told
from rollout.cli.room import with_capacity
from rollout.cli.running import run
from rollout.cli.session import CREATES, Doors, Session, doors, report_on
from rollout.cli.sourcing import with_sources
from rollout.core.decide import decide
from rollout.core.decision import Status
from rollout.core.observed import Observation
from rollout.core.shards import Shard
from rollout.plan.load import LoadedPlan
from rollout.render.document import Pass, Reconciliation
from rollout.render.from_report import document
from rollout.render.report import Report


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of every look. `lifetime`: seconds for which what is seen may be approved. Without `whole`, of a
    plan that is in sync only that is told."""

    target: str | None
    hazards: frozenset[str]
    detailed: bool
    lifetime: float
    whole: bool = True


def diff_many(
    paths: Sequence[Path], look: Look, *, outputs: tuple[Output, ...], parallel: int, shard: Shard | None
) -> int:
    """Look at all of them; the worst exit code is that of the whole."""
    with failures_told("diff", ", ".join(map(str, paths)), many.forms(outputs)):
        plans = many.chosen(paths, look.target, shard)
        visits = run(looked_at(plans.mine, look, parallel, outputs or (Output("text"),)))
        results = tuple(visit.told for visit in visits)
        code = many.worst(result.exit_code for result in results)
        soonest = min((result.next_after for result in results if result.next_after), default=None)
        told = Reconciliation(command="diff", exit_code=code, plans=results, next_after=soonest)
        many.tell(told, outputs)
    return code


async def looked_at(plans: Sequence[Planned], look: Look, parallel: int, outputs: tuple[Output, ...]) -> list[Visit]:
    """Look at all of them, in any order; their results are in theirs."""
    lean = msgspec.structs.replace(look, whole=any(output.form != "text" for output in outputs))
    async with doors(bulk=True) as shared:
        work = partial(visit, look=lean, doors=shared)
        return await many.over(plans, work, shared, title="diff", parallel=parallel, outputs=outputs)


async def visit(planned: Planned, look: Look, doors: Doors) -> Visit:
    """One look; what goes wrong is told, and stops no other plan."""
    return await passes.told(planned, look.target, doors, partial(_looked, look=look, doors=doors))


async def _looked(planned: Planned, look: Look, doors: Doors) -> Visit:
    loaded, place = planned.loaded, planned.place
    assert loaded is not None, "it has no fault"
    assert place is not None, "it has no fault"
    session = await (doors.session(place) if look.whole else doors.common(place))
    seen = await session.plane.observe(loaded.release.endpoint.name)
    loaded = await with_sources(session, loaded, seen)
    if not look.whole and (told := _in_sync(planned.path, loaded, seen)) is not None:
        return Visit(told=told, plan=loaded.release.name)
    report = await told_in_full(session, loaded, seen, look.hazards, look.lifetime)
    decision = report.changes.decision
    whole = msgspec.structs.replace(report, exit_code=ending.of_look(report.changes, detailed=True))
    ended = Pass(
        file=str(planned.path),
        exit_code=ending.of_look(report.changes, detailed=look.detailed),
        status=decision.status.value,
        reason=passes.reason(decision),
        next_after=decision.next_after,
        change_set=document(whole) if look.whole else None,
    )
    return Visit(told=ended, plan=loaded.release.name)


def _in_sync(path: Path, loaded: LoadedPlan, seen: Observation) -> Pass | None:
    """That a plan is in sync, if it is: what a decision alone can tell, without a change set."""
    decision = decide(loaded.release, seen, {}, frozenset())
    if decision.status is not Status.DONE or decision.drift or decision.actions:
        return None
    reason = passes.reason(decision)
    return Pass(file=str(path), exit_code=exits.OK, status=decision.status.value, reason=reason)


async def report_of(session: Session, loaded: LoadedPlan, hazards: frozenset[str], lifetime: float) -> Report:
    """A look, and what it says in full."""
    seen = await session.plane.observe(loaded.release.endpoint.name)
    loaded = await with_sources(session, loaded, seen)
    return await told_in_full(session, loaded, seen, hazards, lifetime)


async def told_in_full(
    session: Session, loaded: LoadedPlan, seen: Observation, hazards: frozenset[str], lifetime: float
) -> Report:
    """What a plan would still do; who made the drift, what its checks can see, and whether there is room."""
    allowed = hazards | {CREATES}
    report = await with_authors(report_on(session, loaded, seen, allowed, lifetime), session.activity)
    if report.changes.decision.status is Status.DONE:
        return report
    return await with_capacity(await with_foresight(report, session.sources), session.quota, allowed)
