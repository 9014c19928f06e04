"""From a verdict to what it means for the rollout now: passed, failed, not yet, stuck, or ask."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from rollout.core.journey import Step, suffix_digest
from rollout.core.policy_approvals import objects, starter
from rollout.core.release import Gate, GateKind
from rollout.core.scene import Scene
from rollout.core.verdict import Outcome, Verdict


class Passed(msgspec.Struct, frozen=True, gc=False):
    """On to the next stage."""

    reason: str


class Failed(msgspec.Struct, frozen=True, gc=False):
    """Roll back; `mild`: in steps, where stable could not bear everything at once."""

    reason: str
    mild: bool = False


class NotYet(msgspec.Struct, frozen=True, gc=False):
    """Time or a person must come first; `until` None where only a person can tell."""

    reason: str
    until: datetime | None


class Stuck(msgspec.Struct, frozen=True, gc=False):
    """No answer within the gate's limit: hold."""

    reason: str


class Ask(msgspec.Struct, frozen=True, gc=False):
    """The gate has not been measured in this pass; `until` is when a bake's time is over, where it is not yet."""

    until: datetime | None = None


Answer = Passed | Failed | NotYet | Stuck | Ask


def answer(scene: Scene, index: int, step: Step, gate: Gate) -> Answer:
    """What the gate at step `index` says now. Approvals are read from the record, the rest from the verdicts."""
    if gate.kind is GateKind.APPROVAL:
        return _approval(scene, index, step, gate)
    verdict = scene.verdicts.get(step.key)
    if verdict is None:
        end = scene.after(gate.seconds) if gate.kind is GateKind.BAKE else scene.now
        return Ask(end if end > scene.now else None)
    match verdict.outcome:
        case Outcome.PASS:
            return _after_time(scene, gate, verdict)
        case Outcome.FAIL:
            return Failed(verdict.reason, verdict.mild)
        case Outcome.INCONCLUSIVE | Outcome.NO_DATA | Outcome.ERROR:
            why = f"{verdict.outcome.value}: {verdict.reason}"
            return Stuck(f"{gate.name}: {why}") if verdict.stuck else _no_answer(scene, gate, why)
        case _:
            assert_never(verdict.outcome)


def _after_time(scene: Scene, gate: Gate, verdict: Verdict) -> Answer:
    """A bake passes when it is healthy *and* its time is over, or earlier if what it was to show is shown and the plan
    allows that; other gates have no time of their own."""
    until = scene.after(gate.seconds if verdict.after is None else min(verdict.after, gate.seconds))
    if scene.now >= until:
        return Passed(verdict.reason)
    return NotYet(f"{gate.name}: {verdict.reason}", until)


def _no_answer(scene: Scene, gate: Gate, why: str) -> Answer:
    limit = gate.limit if gate.timeout is None else gate.timeout
    end = scene.after(gate.seconds + limit)
    if scene.now >= end:
        return Stuck(f"{gate.name} has had no answer for {timedelta(seconds=limit)}: {why}")
    return NotYet(f"{gate.name}: {why}", end)


def _approval(scene: Scene, index: int, step: Step, gate: Gate) -> Answer:
    given = [entry for entry in scene.progress.approvals if entry.key == step.key]
    digest = suffix_digest(scene.journey, index)
    stale = "; what follows has changed since it was approved" if given else ""
    for entry in given:
        if entry.digest == digest:
            objection = objects(scene.release.policy, scene.journey, index, entry.who, starter(scene.candidate))
            if not objection:
                return Passed(f"approved by {entry.who or 'somebody'}")
            stale = f"; {objection}"
    if gate.timeout is not None and scene.now >= scene.after(gate.timeout):
        return Stuck(f"{gate.name}: nobody approved within {timedelta(seconds=gate.timeout)}{stale}")
    until = None if gate.timeout is None else scene.after(gate.timeout)
    return NotYet(f"{gate.name}: waiting for approval (rollout approve --stage {gate.name}){stale}", until)
