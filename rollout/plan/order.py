"""Rules about the order of stages: what must come before what, and what a whole rollout must have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rollout.core.release import AnyStage, Delete, Deploy, Gate, GateKind, Mirror, Role, Scale, Traffic
from rollout.errors import Fault
from rollout.plan.layers import PlanFile
from rollout.plan.positions import Path

MOST_GATES: Final = 36
MOST_APPROVALS: Final = 4
Placed = Sequence[tuple[Path, AnyStage]]


def check_order(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    """Everything wrong with the order of the stages of the candidate's way."""
    yield from _deploys(plan, stages)
    yield from _weights(plan, stages)
    yield from _mirrors(plan, stages)
    yield from _deletes(plan, stages)
    yield from _numbers(plan, stages)


def check_bootstrap(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    """`bootstrap` deploys what will serve and ends with all traffic to it."""
    lowered = [stage for _, stage in stages]
    at: Path = stages[0][0][:1] if stages else ("bootstrap",)
    if not any(isinstance(stage, Deploy) for stage in lowered):
        yield plan.fault("PLAN208", at, "the bootstrap deploys nothing", expected="`- deploy:` of what will serve")
    if not any(isinstance(stage, Traffic) and stage.weight == 100 for stage in lowered):
        yield plan.fault("PLAN208", at, "the bootstrap gives no traffic", expected="`- traffic:` with 100")
    for path, stage in stages:
        if isinstance(stage, (Mirror, Delete)) or (isinstance(stage, Scale) and stage.role is Role.CANDIDATE):
            yield plan.fault(
                "PLAN208",
                path,
                "this stage has no place in a bootstrap",
                expected="deploy, scale, traffic and gates about what will serve",
            )


def _numbers(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    """Passes and approvals are kept in the endpoint's tags, which have room for so many."""
    gates = [(path, stage) for path, stage in stages if isinstance(stage, Gate)]
    approvals = [(path, stage) for path, stage in gates if stage.kind is GateKind.APPROVAL]
    for found, most, what in ((gates, MOST_GATES, "gates"), (approvals, MOST_APPROVALS, "approvals")):
        if len(found) > most:
            message = f"{len(found)} {what}: what they say is kept in the endpoint's tags"
            yield plan.fault("PLAN211", found[most][0], message, expected=f"at most {most} {what}")


def _deploys(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    deploys = [index for index, (_, stage) in enumerate(stages) if isinstance(stage, Deploy)]
    for index in deploys[1:]:
        yield plan.fault("PLAN204", stages[index][0], "the candidate is deployed twice", expected="one deploy stage")
    if not deploys:
        yield plan.fault(
            "PLAN204", ("stages",), "no stage deploys the candidate", expected="`- deploy: candidate` first"
        )
        return
    for path, stage in stages[: deploys[0]]:
        if not isinstance(stage, (Delete, Scale)) or (isinstance(stage, Scale) and stage.role is Role.CANDIDATE):
            yield plan.fault(
                "PLAN204",
                path,
                "this stage needs the candidate, which is deployed later",
                expected="`- deploy: candidate` before it",
            )


def _weights(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    traffic = [(path, stage.weight) for path, stage in stages if isinstance(stage, Traffic)]
    if not traffic:
        yield plan.fault(
            "PLAN202",
            ("stages",),
            "no stage gives traffic to the candidate",
            expected="traffic stages that end with 100",
            hint="add `- traffic: 100`",
        )
        return
    before = 0
    for path, weight in traffic:
        if weight == 0:
            yield plan.fault(
                "PLAN203",
                (*path, "traffic"),
                "a candidate starts with no traffic anyway",
                expected="a weight from 1 to 100",
                hint="leave this stage out",
            )
        elif weight < before:
            yield plan.fault(
                "PLAN203",
                (*path, "traffic"),
                f"the candidate's weight falls from {before} to {weight}",
                expected=f"at least {before}",
                hint="only a failed gate or a person lowers a weight",
            )
        before = max(before, weight)
    if traffic[-1][1] != 100:
        yield plan.fault(
            "PLAN202",
            (*traffic[-1][0], "traffic"),
            f"the last traffic stage gives {traffic[-1][1]} %",
            expected="100",
            hint="a rollout ends with all traffic: add `- traffic: 100`",
        )


def _mirrors(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    exposed = False
    for path, stage in stages:
        if isinstance(stage, Mirror) and exposed:
            yield plan.fault(
                "PLAN204",
                path,
                "a deployment has live traffic or mirrored traffic, never both",
                expected="mirror stages before the first traffic stage",
            )
        exposed = exposed or isinstance(stage, Traffic)


def _deletes(plan: PlanFile, stages: Placed) -> Iterator[Fault]:
    promoted = deleted = False
    for path, stage in stages:
        if isinstance(stage, Delete) and (deleted or not promoted):
            reason = "stable is deleted twice" if deleted else "stable is deleted before the candidate has all traffic"
            yield plan.fault("PLAN204", path, reason, expected="one delete, behind `traffic: 100`")
        if deleted and isinstance(stage, (Gate, Traffic, Mirror, Deploy)):
            yield plan.fault(
                "PLAN204",
                path,
                "this stage stands behind the deletion of stable, which ends the rollout",
                expected="it before the delete stage",
            )
        promoted = promoted or (isinstance(stage, Traffic) and stage.weight == 100)
        deleted = deleted or isinstance(stage, Delete)
