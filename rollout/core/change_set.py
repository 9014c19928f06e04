"""The change set: all that the plan would still do, assuming that every gate passes. What people look at and approve.

It is made by asking `decide()` again and again about an imagined world, so it cannot disagree with what will be done.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import msgspec

from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    Record,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.decide import decide
from rollout.core.decision import Decision, StageState, Status
from rollout.core.imagine import imagine
from rollout.core.journey import suffix_digest
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Approval, Damaged, Progress, from_tags, to_tags
from rollout.core.release import Gate, GateKind, Release
from rollout.core.scene import scene
from rollout.core.verdict import Outcome, Verdict

ASSUMED: Final = Verdict(outcome=Outcome.PASS, reason="assumed")
LONGEST: Final = 400
"""A look ahead longer than this means that the rules go round in circles; a test holds that they never do."""


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The decision now, every action that would follow, and a digest of them without times and commits.

    `complete` is False where the way does not end converged (a hold, a refusal) even if every gate passes.
    """

    decision: Decision
    actions: tuple[Action, ...]
    digest: str
    complete: bool


def change_set(release: Release, observation: Observation, allowed: frozenset[str] = frozenset()) -> ChangeSet:
    """Look ahead from `observation` to the end."""
    now = decide(release, observation, {}, allowed)
    actions, last = _followed(release, observation, allowed)
    calm = _without_load(observation)
    approved = actions if calm is observation else _followed(release, calm, allowed)[0]
    return ChangeSet(
        decision=now,
        actions=actions,
        digest=digest(approved),
        complete=last is not None and last.status is Status.DONE,
    )


def _followed(
    release: Release, observation: Observation, allowed: frozenset[str]
) -> tuple[tuple[Action, ...], Decision | None]:
    """All that would be done, markers left out, and how it would end."""
    last, actions = None, []
    for last in _ahead(release, observation, allowed):
        if last.status is Status.ACT and not isinstance(last.actions[0], Record):
            actions.append(last.actions[0])
    return tuple(actions), last


def _without_load(observation: Observation) -> Observation:
    """The same look with one instance wherever an autoscaler counts: what is approved must not move with the load."""
    endpoint = observation.endpoint
    if endpoint is None or not any(found.autoscaled for found in endpoint.deployments):
        return observation
    calm = tuple(msgspec.structs.replace(d, count=1) if d.autoscaled else d for d in endpoint.deployments)
    return Observation(msgspec.structs.replace(endpoint, deployments=calm), observation.now)


def digest(actions: tuple[Action, ...]) -> str:
    """What is approved: kinds, targets and values, in order; no reasons, no times, no records."""
    text = "\n".join(_essence(action) for action in actions)
    return hashlib.sha256(("1\n" + text).encode()).hexdigest()[:16]


def _ahead(release: Release, observation: Observation, allowed: frozenset[str]) -> Iterator[Decision]:
    endpoint, now = observation.endpoint, observation.now
    verdicts: dict[str, Verdict] = {}
    for _ in range(LONGEST):
        seen = Observation(endpoint, now)
        decision = decide(release, seen, verdicts, allowed)
        yield decision
        if decision.status is Status.ACT:
            now += timedelta(seconds=1)
            endpoint, verdicts = imagine(endpoint, decision.actions[0], now), {}
        elif decision.status is Status.WAIT and decision.measure_key:
            verdicts = {decision.measure_key: ASSUMED}
        elif decision.status is Status.WAIT and (approved := _approved(release, seen, decision)) is not None:
            endpoint = approved
        elif decision.status is Status.WAIT and decision.next_after is not None and decision.next_after > now:
            now = decision.next_after
        else:
            return


def _approved(release: Release, seen: Observation, decision: Decision) -> Endpoint | None:
    """The same world with the approval that is waited for; None where it is not an approval that is waited for."""
    view = next((v for v in decision.stages if v.state is StageState.ACTIVE), None)
    if seen.endpoint is None or view is None or not isinstance(view.stage, Gate):
        return None
    if view.stage.kind is not GateKind.APPROVAL:
        return None
    progress = approve(release, seen, view.key, "assumed")
    tags = {**seen.endpoint.tags, **to_tags(progress)}
    return msgspec.structs.replace(seen.endpoint, tags=tags)


def approve(release: Release, seen: Observation, key: str, who: str) -> Progress:
    """The record with a yes to the approval gate `key` and to all that follows it. Raises KeyError: no such gate."""
    assert seen.endpoint is not None, "there is nothing to approve without an endpoint"
    recorded = from_tags(seen.endpoint.tags)
    progress = None if isinstance(recorded, Damaged) else recorded
    view = scene(release, seen.endpoint, progress, seen.now, {}, frozenset())
    index = next((i for i, step in enumerate(view.journey.steps) if step.key == key), None)
    if index is None:
        raise KeyError(key)
    given = Approval(key=key, digest=suffix_digest(view.journey, index), who=who)
    others = tuple(entry for entry in view.progress.approvals if entry.key != key)
    return msgspec.structs.replace(view.progress, approvals=(*others, given))


def _essence(action: Action) -> str:
    match action:
        case SetTraffic(before=before, weights=weights):
            body: object = [before, weights]
        case DeployRevision(deployment=name, spec=spec, count=count, mode=mode):
            body = [name, spec.revision, count, mode]
        case CreateEndpoint(endpoint=spec):
            body = [spec.name, spec.fields]
        case UpdateEndpoint(changes=changes):
            body = list(changes)
        case UpdateDeployment(deployment=name, changes=changes):
            body = [name, *changes]
        case ScaleDeployment(deployment=name, count=count):
            body = [name, count]
        case DeleteDeployment(deployment=name):
            body = [name]
        case DeleteEndpoint(endpoint=name):
            body = [name]
        case Record():
            body = []
    return f"{type(action).__name__} {msgspec.json.encode(body, order='sorted').decode()}"
