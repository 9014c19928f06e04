"""What makes an action hazardous. Writes that roll back are none of it: they never ask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import Final

from rollout.core import hazards
from rollout.core.actions import (
    Action,
    DeleteDeployment,
    DeployRevision,
    FieldChange,
    ScaleDeployment,
    SetTraffic,
    UpdateEndpoint,
)
from rollout.core.hazards import Hazard
from rollout.core.identity import is_unverified
from rollout.core.journey import JourneyKind
from rollout.core.release import AnyStage, Gate, Traffic
from rollout.core.scene import Scene

LARGEST_JUMP: Final = 90
"""A larger step than this without any gate in front of it is refused."""
_AUTH: Final = frozenset({"auth_mode", "public_network_access", "identity"})
_LABEL: Final = re.compile(r"^azureml:.*(?:@[^/@]+|/labels/[^/]+)$")


def hazards_of(view: Scene, action: Action) -> tuple[Hazard, ...]:
    """Every hazard of that action, weighed against what the command line, the plan and the repository say."""
    refused = frozenset(view.release.refuse_hazards)
    return hazards.weighed(_found(view, action), view.allowed, refused)


def _found(view: Scene, action: Action) -> Iterator[Hazard]:
    match action:
        case SetTraffic(endpoint=None):
            return  # all weight back, or our own last write once more
        case SetTraffic():
            yield from _unmanaged(view, action)
            yield from _exposure(view, action)
            yield from _auth(action.changes)
        case UpdateEndpoint(changes=changes):
            yield from _auth(changes)
        case DeployRevision():
            yield from _deploys(view, action)
        case ScaleDeployment(deployment=name, before=before, count=count) if count < before:
            yield Hazard(
                name=hazards.SCALE_DOWN,
                target=name,
                why=f"{name} has {count} instances instead of {before} afterwards",
                declared=True,
            )
        case DeleteDeployment(deployment=name):
            yield from _deletes(view, name)
        case _:
            return


def _unmanaged(view: Scene, action: SetTraffic) -> Iterator[Hazard]:
    """Live weight is taken from a deployment that plays no role here."""
    ours = {view.journey.slot}
    if view.promoted is not None:
        ours.add(view.promoted.name)
    if view.progress.run is not None:
        ours.add(view.progress.run.slot)
    for name, weight in action.before.traffic:
        if name not in ours and action.weights.live(name) < weight:
            why = f"{name} has traffic and is not in the plan"
            yield Hazard(name=hazards.TAKES_UNMANAGED, target=name, why=why)


def _exposure(view: Scene, action: SetTraffic) -> Iterator[Hazard]:
    """More live weight for the candidate, while something else serves."""
    slot = view.journey.slot
    weight, before = action.weights.live(slot), action.before.live(slot)
    if weight <= before or view.promoted is None:
        return
    direct = view.journey.kind is JourneyKind.EXPEDITED  # back to what served before: `on_revert: fast` says so
    if weight - before > hazards.NOTICED_JUMP:
        guarded = direct or weight - before <= LARGEST_JUMP or _gate_between(view, weight)
        why = f"{slot} gets {weight} % at once, {before} % before" + ("" if guarded else ", and no gate stands between")
        yield Hazard(name=hazards.TRAFFIC_JUMP, target=slot, why=why, declared=guarded)
    if not direct and not _gates_before(view, weight):
        open_canary = weight <= hazards.NOTICED_JUMP
        why = f"{slot} gets {weight} % of the traffic and no gate stands before that"
        yield Hazard(name=hazards.UNGATED_TRAFFIC, target=slot, why=why, declared=open_canary)
    if before == 0 and is_unverified(view.promoted.revision):
        why = f"a rollback returns to {view.promoted.name}, which nobody has proven to be what a file declares"
        yield Hazard(name=hazards.UNVERIFIED_CONTENT, target=view.promoted.name, why=why, declared=True)
    yield from _smaller(view, weight)


def _smaller(view: Scene, weight: int) -> Iterator[Hazard]:
    """With `capacity: declared` the candidate may take all traffic with fewer instances than serve now."""
    stable, candidate = view.stable, view.candidate
    if weight < 100 or stable is None or candidate is None or stable.autoscaled or candidate.autoscaled:
        return
    if candidate.count < stable.count:
        why = f"{candidate.name} takes all traffic with {candidate.count} instances, {stable.name} has {stable.count}"
        yield Hazard(name=hazards.SCALE_DOWN, target=candidate.name, why=why, declared=True)


def _auth(changes: tuple[FieldChange, ...]) -> Iterator[Hazard]:
    for change in changes:
        if change.path.split(".")[0] in _AUTH:
            why = f"the endpoint's {change.path} changes from {change.before or 'none'} to {change.after or 'none'}"
            yield Hazard(name=hazards.AUTH_CHANGE, target=change.path, why=why)


def _deploys(view: Scene, action: DeployRevision) -> Iterator[Hazard]:
    for path, value in sorted(action.spec.fields.items()):
        if isinstance(value, str) and _LABEL.search(value):
            yield Hazard(name=hazards.UNPINNED_ASSET, target=path, why=f"{path} of {action.deployment} is {value}")
    if action.mode == "update" and _is_former(view, action.deployment):
        why = f"{action.deployment}, which served before, is updated: there is no way back to what it was"
        yield Hazard(name=hazards.BLOCKS_ROLLBACK, target=action.deployment, why=why, declared=True)


def _deletes(view: Scene, name: str) -> Iterator[Hazard]:
    """Declared where a stage, `on_failure`, or the slot's own reuse says so and a plan has made what is deleted."""
    found = view.endpoint.deployment(name)
    former = _is_former(view, name)
    mine = found is not None and found.revision is not None and not is_unverified(found.revision)
    why = f"{name} is deleted" if former or mine else f"{name} is deleted, and no plan has made it"
    yield Hazard(name=hazards.DELETES_DEPLOYMENT, target=name, why=why, declared=former or mine)
    if former:
        why = f"{name}, which served before, is gone: `rollback --to former` is over"
        yield Hazard(name=hazards.BLOCKS_ROLLBACK, target=name, why=why, declared=True)


def _is_former(view: Scene, name: str) -> bool:
    former = view.progress.former
    return former is not None and former.name == name


def _gates_before(view: Scene, weight: int) -> bool:
    """Whether any gate of this way stands before that weight is given."""
    return any(isinstance(stage, Gate) for stage in _before(view, weight))


def _gate_between(view: Scene, weight: int) -> bool:
    """Whether a gate stands between the stage that gives that weight and the traffic stage before it."""
    between = takewhile(lambda stage: not isinstance(stage, Traffic), reversed(_before(view, weight)))
    return any(isinstance(stage, Gate) for stage in between)


def _before(view: Scene, weight: int) -> list[AnyStage]:
    """The stages of this way in front of the one that gives that weight."""
    stages = [step.stage for step in view.journey.steps]
    return list(takewhile(lambda stage: not isinstance(stage, Traffic) or stage.weight < weight, stages))
