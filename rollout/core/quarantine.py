"""A goal that failed is not tried again: only the clean-up of `on_failure` and the endpoint's own settings."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from rollout.core import journey as journeys
from rollout.core.actions import Action, DropAutoscale, ScaleDeployment
from rollout.core.complete import endpoint_drift, removal
from rollout.core.decision import Decision, Phase, StageState, StageView, Status
from rollout.core.observed import Deployment
from rollout.core.place import Place, stage_views
from rollout.core.progress import Quarantined
from rollout.core.release import OnFailure
from rollout.core.run import fail
from rollout.core.scene import Scene

BY_HAND = "person"
"""The key of a goal that a person rolled back: it concerns every way to that goal."""


def quarantined(scene: Scene) -> Decision | None:
    """Answers when this goal failed a gate that is still in the plan."""
    entry = entry_for(scene)
    if entry is None:
        return None
    exposed = scene.endpoint.weights.touches(scene.journey.slot)
    if exposed and scene.run is not None:
        return fail(scene, entry.key, "a gate that it failed is in the plan again")
    action, due = _clean_up(scene, entry)
    if action is None and scene.release.drift == "heal":
        action = next(endpoint_drift(scene), None)
    failed = next((s.stage.name for s in scene.journey.steps if s.key == entry.key), "a person's rollback")
    reason = f"this goal failed at {failed} and is not tried again: change the candidate or the gate, or rollout retry"
    if exposed:
        reason += f"; {scene.journey.slot} keeps what a person gave it, until rollout rollback"
    return Decision(
        status=Status.ACT if action else Status.HOLD,
        phase=Phase.ROLLED_BACK,
        reason=action.reason if action else reason,
        actions=(action,) if action else (),
        next_after=due,
        stages=views(scene, entry),
    )


def entry_for(scene: Scene) -> Quarantined | None:
    """The newest entry of the ring that concerns this goal, by whichever way it would be reached."""
    mine = [entry for entry in reversed(scene.progress.quarantine) if entry.goal == scene.journey.goal]
    if not mine:
        return None
    keys = scene.journey.keys | {BY_HAND}
    if scene.journey.goal == scene.release.goal:
        slot = scene.journey.slot
        keys |= journeys.normal(scene.release, slot).keys | journeys.expedited(scene.release, slot).keys
    return next((entry for entry in mine if entry.key in keys), None)


def _clean_up(scene: Scene, entry: Quarantined) -> tuple[Action | None, datetime | None]:
    policy = _policy(scene, entry)
    found = scene.endpoint.deployment(entry.slot)
    mine = found is not None and found.revision == entry.goal and not scene.endpoint.weights.touches(found.name)
    is_stable = scene.promoted is not None and scene.promoted.name == entry.slot
    if policy.candidate == "keep" or found is None or not mine or is_stable:
        return None, None
    if policy.candidate == "scale_to_one" and (_is_small(found) or not found.ready):
        return None, None
    due = (entry.at or scene.now) + timedelta(seconds=policy.after)
    if scene.now < due:
        return None, due
    if policy.candidate == "delete":
        return removal(found, f"{found.name} failed and is not kept"), None
    reason = f"{found.name} failed and is kept with one instance"
    if found.scaling is not None:
        return DropAutoscale(reason=reason, deployment=found.name, setting=found.scaling.id), None
    return ScaleDeployment(reason=reason, deployment=found.name, before=found.count, count=1), None


def _is_small(found: Deployment) -> bool:
    """Whether it has one instance, or somebody else counts them: only what we carried is taken away."""
    theirs = found.autoscaled and not (found.scaling is not None and found.scaling.carried)
    return theirs or (found.count <= 1 and found.scaling is None)


def _policy(scene: Scene, entry: Quarantined) -> OnFailure:
    """The `on_failure` of the stage that failed, else the plan's."""
    own = (step.stage.on_failure for step in scene.journey.steps if step.key == entry.key)
    return next(own, None) or scene.release.on_failure


def views(scene: Scene, entry: Quarantined) -> tuple[StageView, ...]:
    """All stages as they stand where that gate has failed."""
    found = stage_views(scene, Place(index=0, answer=None, earned=()))
    keys = {id(step.stage): step.key for step in scene.journey.steps}

    def state(view: StageView) -> StageState:
        if keys.get(id(view.stage)) == entry.key:
            return StageState.FAILED
        return StageState.SKIPPED if view.state is StageState.SKIPPED else StageState.PENDING

    return tuple(msgspec.structs.replace(view, state=state(view)) for view in found)
