"""Whose yes counts at which approval gate, and which gates a person cannot skip."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.core.journey import Journey, JourneyKind, Step
from rollout.core.observed import Deployment
from rollout.core.policy import BETWEEN, PROMOTION, ApprovalRule, Limits, Policy
from rollout.core.release import Gate, GateKind, Traffic
from rollout.core.stamp import ACTOR


def starter(candidate: Deployment | None) -> str:
    """Who started the run, as the candidate's write-once properties say; "" where nobody knows."""
    return candidate.provenance.get(ACTOR, "") if candidate is not None else ""


def objects(policy: Policy | None, journey: Journey, index: int, who: str, started_by: str) -> str:
    """Why the yes of `who` does not count at step `index`, as a sentence; "" where it does.

    A rule about approvals before a weight is about the last approval gate in front of it.
    """
    for rule in policy.rules if policy is not None else ():
        for wanted in rule.limits.approvals:
            if gate_of(journey, wanted) == index and (why := _against(wanted, who, started_by)):
                return f"{why} (rule `{rule.name}`)"
    return ""


def gate_of(journey: Journey, wanted: ApprovalRule) -> int:
    """The step of the approval gate that the rule is about; -1 where there is none, and on the way back to what served
    before."""
    if journey.kind is JourneyKind.EXPEDITED:
        return -1
    low, high = _range(journey, wanted.before)
    kinds = ((i, step.stage) for i, step in enumerate(journey.steps) if low <= i < high)
    return max((i for i, stage in kinds if isinstance(stage, Gate) and stage.kind is GateKind.APPROVAL), default=-1)


def demanded(policy: Policy | None, journey: Journey, step: Step) -> str:
    """The rule that asks for that gate, as a sentence; "" where none does."""
    stage = step.stage
    if policy is None or not isinstance(stage, Gate):
        return ""
    index = journey.steps.index(step)
    for rule in policy.rules:
        for kind, before in _kinds(rule.limits):
            low, high = _range(journey, before)
            if stage.kind is kind and low <= index < high:
                return f"{stage.name} is demanded (rule `{rule.name}`)"
    return ""


def _kinds(limits: Limits) -> Iterator[tuple[GateKind, int]]:
    """The kinds of gate that these limits ask for, with the weights they must stand before."""
    yield from ((gate.kind, gate.before) for gate in limits.gates)
    yield from ((GateKind.APPROVAL, approval.before) for approval in limits.approvals)
    yield from ((GateKind.BAKE, bake.before) for bake in limits.bakes)


def _range(journey: Journey, before: int) -> tuple[int, int]:
    """The steps that a rule looks at: up to the first traffic stage of that weight, or behind the last one."""
    if before == PROMOTION:
        return journey.last_traffic + 1, len(journey.steps)
    if before == BETWEEN:
        return 0, journey.last_traffic
    found = (i for i, s in enumerate(journey.steps) if isinstance(s.stage, Traffic) and s.stage.weight >= before)
    return 0, next(found, journey.last_traffic)


def _against(wanted: ApprovalRule, who: str, started_by: str) -> str:
    if wanted.by and who.casefold() not in {name.casefold() for name in wanted.by}:
        return f"the yes of {who or 'nobody known'} does not count here, that of {' or '.join(wanted.by)} does"
    if wanted.other and who and who.casefold() == started_by.casefold():
        return f"{who} started this run, somebody else must say yes"
    return ""
