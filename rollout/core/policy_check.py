"""Which rules a plan breaks, from the plan alone: no endpoint, no clock.

One function for each limit; each yields what is wrong and what was expected, with the stage or the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

import msgspec
from msgspec.structs import replace

from rollout.core import hazards
from rollout.core.policy import BETWEEN, PROMOTION, ApprovalRule, BakeRule, GateRule, Limits, Rule, Violation
from rollout.core.release import (
    AnyStage,
    Delete,
    DeploymentSpec,
    Gate,
    GateKind,
    OnFailure,
    Release,
    Role,
    Scale,
    Traffic,
)
from rollout.core.spans import span

FIRST_WEIGHT: Final = "POLICY101"
STEP: Final = "POLICY102"
BAKE: Final = "POLICY103"
GATE: Final = "POLICY104"
APPROVAL: Final = "POLICY105"
INSTANCE_TYPE: Final = "POLICY106"
INSTANCES: Final = "POLICY107"
HAZARD: Final = "POLICY108"
DELETES: Final = "POLICY109"


class Wrong(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One finding of one limit."""

    code: str
    limit: str
    message: str
    expected: str
    stage: int | None = None
    field: str = ""


def violations(rules: Sequence[Rule], release: Release) -> tuple[Violation, ...]:
    """Every rule that the plan breaks, in the order of the rules."""
    return tuple(
        Violation(rule=index, **msgspec.structs.asdict(wrong))
        for index, rule in enumerate(rules)
        for wrong in broken(rule.limits, release)
    )


def broken(limits: Limits, release: Release) -> Iterator[Wrong]:
    """What of these limits the plan breaks."""
    stages = release.stages
    yield from _first_weight(limits, stages)
    yield from _steps(limits, stages)
    for bake in limits.bakes:
        yield from _bakes(bake, stages)
    for gate in limits.gates:
        yield from _gates(gate, stages)
    for approval in limits.approvals:
        yield from _approvals(approval, stages)
    yield from _types(limits, release)
    yield from _counts(limits, release)
    yield from _hazards(limits, release)
    yield from _deletes(limits, release)


def _traffic(stages: Sequence[AnyStage]) -> list[tuple[int, Traffic]]:
    return [(index, stage) for index, stage in enumerate(stages) if isinstance(stage, Traffic)]


def _first_weight(limits: Limits, stages: Sequence[AnyStage]) -> Iterator[Wrong]:
    index, first = _traffic(stages)[0]
    most = limits.first_weight
    if most is not None and first.weight > most:
        yield Wrong(
            code=FIRST_WEIGHT,
            limit="largest_first_weight",
            stage=index,
            message=f"the first weight is {first.weight} %",
            expected=f"at most {most} %",
        )


def _steps(limits: Limits, stages: Sequence[AnyStage]) -> Iterator[Wrong]:
    before = 0
    for index, stage in _traffic(stages):
        if limits.step is not None and stage.weight - before > limits.step:
            yield Wrong(
                code=STEP,
                limit="largest_step",
                stage=index,
                message=f"the weight rises by {stage.weight - before} points, from {before} to {stage.weight} %",
                expected=f"steps of at most {limits.step} points",
            )
        before = stage.weight


def _bakes(rule: BakeRule, stages: Sequence[AnyStage]) -> Iterator[Wrong]:
    """The bakes directly in front of a traffic stage: between it and the one before it, or the plan's beginning."""
    traffic = _traffic(stages)
    for index, what in _concerned(rule.before, stages):
        after = max((earlier for earlier, _ in traffic if earlier < index), default=-1)
        baked = sum(s.seconds for s in stages[after + 1 : index] if isinstance(s, Gate))  # only bakes have any
        if baked < rule.seconds:
            yield Wrong(
                code=BAKE,
                limit="shortest_bake",
                stage=min(index, len(stages) - 1),
                message=f"{span(baked) if baked else 'no bake'} stands before {what}",
                expected=f"bakes of at least {span(rule.seconds)}",
            )


def _concerned(before: int, stages: Sequence[AnyStage]) -> Iterator[tuple[int, str]]:
    """The places that a rule about bakes looks in front of, each with its name."""
    traffic = _traffic(stages)
    if before == PROMOTION:
        deletes = (i for i, s in enumerate(stages[traffic[-1][0] :], traffic[-1][0]) if isinstance(s, Delete))
        yield next(deletes, len(stages)), "the promotion"
        return
    for number, (index, stage) in enumerate(traffic):
        if (number > 0) if before == BETWEEN else stage.weight >= before:
            yield index, f"{stage.weight} %"


def _gates(rule: GateRule, stages: Sequence[AnyStage]) -> Iterator[Wrong]:
    end, what, gates = _in_front(rule.before, stages)
    if not any(gate.kind is rule.kind for gate in gates):
        yield Wrong(
            code=GATE,
            limit="gates",
            stage=end,
            message=f"no {rule.kind} stands {what}",
            expected=f"a stage `{rule.kind}` {what}",
        )


def _approvals(rule: ApprovalRule, stages: Sequence[AnyStage]) -> Iterator[Wrong]:
    end, what, gates = _in_front(rule.before, stages)
    if not any(gate.kind is GateKind.APPROVAL for gate in gates):
        by = f" by {' or '.join(rule.by)}" if rule.by else ""
        yield Wrong(
            code=APPROVAL,
            limit="approvals",
            stage=end,
            message=f"nobody approves {what}",
            expected=f"a stage `approval`{by} {what}",
        )


def _in_front(before: int, stages: Sequence[AnyStage]) -> tuple[int, str, list[Gate]]:
    """The stage that a rule about gates looks in front of, that place in words, and the gates there."""
    traffic = _traffic(stages)
    last = traffic[-1][0]
    if before == PROMOTION:
        return last, "behind the last traffic stage", [s for s in stages[last + 1 :] if isinstance(s, Gate)]
    index, stage = next((pair for pair in traffic if pair[1].weight >= before), traffic[-1])
    return index, f"before {stage.weight} %", [s for s in stages[:index] if isinstance(s, Gate)]


def _types(limits: Limits, release: Release) -> Iterator[Wrong]:
    for role, spec in _specs(release):
        if limits.instance_types is not None and not type_allowed(limits, spec.instance_type):
            yield Wrong(
                code=INSTANCE_TYPE,
                limit="instance_types",
                field=f"{role}.instance_type",
                message=f"{spec.instance_type or 'an instance type that no file names'} is not allowed here",
                expected="one of " + ", ".join(limits.instance_types),
            )


def _specs(release: Release) -> Iterator[tuple[Role, DeploymentSpec]]:
    """The deployments that the plan may make."""
    yield Role.CANDIDATE, release.candidate
    form = release.literal
    if form is not None and form.stable_spec is not None:
        yield Role.STABLE, form.stable_spec


def type_allowed(limits: Limits, found: str) -> bool:
    """Whether that instance type may be used; the service does not distinguish case."""
    allowed = limits.instance_types
    return allowed is None or any(fnmatchcase(found.lower(), pattern.lower()) for pattern in allowed)


def _counts(limits: Limits, release: Release) -> Iterator[Wrong]:
    most = limits.instances
    if most is None:
        return
    wrong = Wrong(code=INSTANCES, limit="most_instances", message="", expected=f"at most {most}")
    for role, spec in _specs(release):
        if spec.count > most:
            yield replace(wrong, message=f"{spec.count} instances", field=f"{role}.instance_count")
    for index, stage in enumerate(release.stages):
        if isinstance(stage, Scale) and stage.count > most:
            yield replace(wrong, message=f"{stage.count} instances", stage=index)


def _hazards(limits: Limits, release: Release) -> Iterator[Wrong]:
    """The hazards that the plan itself declares; the others are found when they come up."""
    for name, index, field, why in _declared(release):
        said_no = hazard_refused(limits, name)
        if said_no:
            yield Wrong(code=HAZARD, limit=said_no, stage=index, field=field, message=why, expected=f"no {name}")


def _declared(release: Release) -> Iterator[tuple[str, int | None, str, str]]:
    before, gated = 0, False
    for index, stage in enumerate(release.stages):
        match stage:
            case Traffic(weight=weight):
                if weight - before > hazards.NOTICED_JUMP:
                    yield hazards.TRAFFIC_JUMP, index, "", f"{weight} % at once, {before} % before"
                if not gated:
                    yield hazards.UNGATED_TRAFFIC, index, "", f"{weight} % and no gate before that"
                before = weight
            case Delete():
                yield hazards.DELETES_DEPLOYMENT, index, "", "a deployment is deleted"
                yield hazards.BLOCKS_ROLLBACK, index, "", "what served before is gone afterwards"
            case Scale(role=Role.STABLE) if before == 100:
                yield hazards.SCALE_DOWN, index, "", "there may be fewer instances afterwards"
            case _:
                gated = gated or isinstance(stage, Gate)
    kinds = {"delete": hazards.DELETES_DEPLOYMENT, "scale_to_one": hazards.SCALE_DOWN}
    if (name := kinds.get(release.on_failure.candidate)) is not None:
        yield name, None, "on_failure", f"on_failure: {release.on_failure.candidate}"


def hazard_refused(limits: Limits, name: str) -> str:
    """The limit that refuses that hazard, "" where none does."""
    if name in limits.refused_hazards:
        return "refused_hazards"
    return "allowed_hazards" if limits.allowed_hazards is not None and name not in limits.allowed_hazards else ""


def _deletes(limits: Limits, release: Release) -> Iterator[Wrong]:
    for index, stage in enumerate(release.stages):
        if isinstance(stage, Delete):
            yield from _delete(limits, stage.after, index, "")
    endings: list[tuple[OnFailure | None, int | None]] = [(release.on_failure, None)]
    endings += [(stage.on_failure, index) for index, stage in enumerate(release.stages)]
    for ending, place in endings:
        if ending is not None and ending.candidate == "delete" and not limits.deletes:
            yield from _delete(limits, ending.after, place, "" if place is not None else "on_failure")


def _delete(limits: Limits, after: float, index: int | None, field: str) -> Iterator[Wrong]:
    least = limits.delete_after
    if not limits.deletes:
        message, expected = "a deployment is deleted", "no deletes"
    elif least is not None and after < least:
        message, expected = f"deleted {span(after)} after the promotion", f"not before {span(least)}"
    else:
        return
    yield Wrong(code=DELETES, limit="deletes", stage=index, field=field, message=message, expected=expected)
