"""The next step of a run: from the place to one action, with the order that keeps traffic safe.

Candidate ready and large enough → one PUT with traffic and mirror together → promotion → deletes last. A write carries
its own record; a marker is written only where no write can carry it.
"""

from __future__ import annotations

from datetime import datetime
from math import ceil
from typing import assert_never

from msgspec.structs import replace

from rollout.core import records
from rollout.core.actions import (
    Action,
    CarryAutoscale,
    DeleteDeployment,
    DeployRevision,
    Record,
    ScaleDeployment,
    SetTraffic,
)
from rollout.core.decision import Decision, Phase, Status
from rollout.core.gating import Ask, Failed, NotYet, Passed, Stuck
from rollout.core.going_back import GOING_BACK, first_step
from rollout.core.journey import JourneyKind
from rollout.core.observed import CANCELED, FAILED, Deployment, Weights, all_to, weights
from rollout.core.place import Place, stage_views
from rollout.core.promoted_from import stamp
from rollout.core.release import Delete, Deploy, Gate, Mirror, Role, Scale, Traffic
from rollout.core.scene import Scene
from rollout.core.settings import endpoint_changes, revision_changes
from rollout.core.stamp import FLEET, born_stamp


def advance(scene: Scene, place: Place) -> Decision:
    """The decision at that place."""
    if _exposed_without_record(scene):
        what = "the candidate is mirrored and no record of the run is left"
        return _act(scene, place, _marker(scene, (), what))
    if place.index is None:
        return _act(scene, place, _promotion(scene))
    stage = place.step(scene).stage
    match stage:
        case Deploy():
            return _deploy(scene, place)
        case Gate():
            return _gate(scene, place, stage)
        case Mirror(weight=weight):
            return _split(scene, place, _mirrored(scene, weight), stage.name)
        case Traffic(weight=weight):
            return _traffic(scene, place, weight, stage.name)
        case Scale(role=role, count=count):
            return _scale(scene, place, role, count)
        case Delete():
            raise AssertionError("deletes are not part of a journey")
        case _:
            assert_never(stage)


def fail(scene: Scene, key: str, why: str, *, mild: bool = False) -> Decision:
    """FAIL: mirror off and all weight to what is promoted in one write; where there is nothing to take, a marker.
    Without a stable the weights stay, and the rollout holds. A `mild` one goes in steps where stable is too small."""
    now, promoted = scene.endpoint.weights, scene.promoted
    action: Action
    total = _all_of_it(scene, scene.stable) if mild and scene.stable is not None else 0
    if (part := first_step(scene, total)) is not None:
        return _act_back(_part_way(scene, part, total, key, why))
    if promoted is not None and now != all_to(promoted.name) and now.touches(scene.journey.slot):
        back = all_to(promoted.name)
        action = SetTraffic(
            reason=f"roll back to {promoted.name}: {why}",
            before=now,
            weights=back,
            endpoint=None,
            progress=records.failed(scene, back, key, why),
        )
    else:
        action = Record(reason=f"failed: {why}", progress=records.failed(scene, now, key, why))
    return _act_back(action)


def _all_of_it(scene: Scene, stable: Deployment) -> int:
    """How many instances all of the traffic needs, for the way back: one that was scaled down says nothing of it."""
    start = scene.run.total if scene.run else stable.count
    return _load(scene, stable) if stable.count > start else start


def _part_way(scene: Scene, part: Weights, total: int, key: str, why: str) -> Action:
    """The first step back: what stable can bear; only the record where it bears no more than it has."""
    now = scene.endpoint.weights
    progress = records.failed(scene, part, key, why, GOING_BACK)
    if progress.run is not None:
        progress = replace(progress, run=replace(progress.run, total=total))
    name, count = (scene.stable.name, scene.stable.count) if scene.stable else ("", 0)
    reason = f"roll back to {name} in steps, it has {count} of the {total} instances that it needs: {why}"
    if part == now:
        return Record(reason=reason, progress=progress)
    return SetTraffic(reason=reason, before=now, weights=part, endpoint=None, progress=progress)


def _act_back(action: Action) -> Decision:
    return Decision(status=Status.ACT, phase=Phase.ROLLED_BACK, reason=action.reason, actions=(action,))


def refused_key(deployment: str, born: str | None) -> str:
    """What the verdicts of a pass call a create that the service refused: it says nothing about the goal."""
    return f"refused {deployment} {born}"


def _exposed_without_record(scene: Scene) -> bool:
    return scene.run is None and scene.carries_goal and scene.endpoint.weights.mirrored(scene.journey.slot) > 0


def _deploy(scene: Scene, place: Place) -> Decision:
    """Reuse, update in place, replace, or create what is in the slot."""
    found, journey = scene.candidate, scene.journey
    broken = found is not None and found.state in (FAILED, CANCELED)
    if found is not None and broken and refused_key(found.name, found.born) in scene.verdicts:
        reason = f"{found.name} was refused, and never served"
        return _act(scene, place, DeleteDeployment(reason=reason, deployment=found.name))
    if found is not None and broken and found.revision == journey.goal:
        return fail(scene, place.step(scene).key, f"{found.name} could not be deployed ({found.state})")
    if found is not None and (broken or found.instance_type.lower() != journey.spec.instance_type.lower()):
        why = f"it is {found.state}" if broken else f"{found.instance_type} cannot become {journey.spec.instance_type}"
        reason = f"{found.name} must be created anew: {why}"
        return _act(scene, place, DeleteDeployment(reason=reason, deployment=found.name))
    action = DeployRevision(
        reason=f"{journey.slot} shall carry the new revision" if found else f"{journey.slot} does not exist",
        deployment=journey.slot,
        spec=journey.spec,
        count=max(found.count, journey.spec.count) if found else journey.spec.count,
        born=born_stamp(scene.now),
        mode="update" if found else "create",
        changes=revision_changes(journey.spec, found),
        provenance={} if found else scene.release.provenance,
        fleet=scene.release.provenance.get(FLEET, ""),
        promoted_from=stamp(scene.release),
    )
    return _act(scene, place, action)


def _gate(scene: Scene, place: Place, gate: Gate) -> Decision:
    """A gate stands before us: ask it, wait for it, hold at it, or fail at it. What was earned before is kept."""
    said, key = place.answer, place.step(scene).key
    match said:
        case Failed(reason=reason, mild=mild):
            return fail(scene, key, f"{gate.name}: {reason}", mild=mild)
        case _ if place.earned:
            return _act(scene, place, _marker(scene, place.earned, "passed before " + gate.name))
        case Ask(until=end):
            return _wait(scene, place, f"{gate.name} must be measured", ask=gate, until=end)
        case NotYet(reason=reason, until=until):
            return _wait(scene, place, reason, until=until)
        case Stuck(reason=reason):
            return Decision(status=Status.HOLD, phase=Phase.HELD, reason=reason, stages=stage_views(scene, place))
        case Passed() | None:
            raise AssertionError("a gate that passed is behind us")
        case _:
            assert_never(said)


def _traffic(scene: Scene, place: Place, weight: int, name: str) -> Decision:
    """Capacity first; then one PUT. The last one promotes if no gate stands behind it."""
    candidate = scene.candidate
    assert candidate is not None, "the deploy stage stands before every traffic stage"
    short = _missing_capacity(scene, candidate, weight) or _missing_autoscale(scene, candidate)
    if short is not None:
        return _act(scene, place, _marker(scene, place.earned, "passed before scaling") if place.earned else short)
    split = {scene.journey.slot: weight}
    if scene.promoted is not None:
        split[scene.promoted.name] = 100 - weight
    return _split(scene, place, weights(split), name)


def _mirrored(scene: Scene, weight: int) -> Weights:
    return weights(dict(scene.endpoint.weights.traffic), {scene.journey.slot: weight})


def _split(scene: Scene, place: Place, split: Weights, name: str) -> Decision:
    promotes = place.index == scene.journey.last_traffic and not scene.journey.gates_behind
    if promotes:
        progress = records.promoted_now(scene, split)
    else:
        progress = records.advanced(scene, split, place.earned, name)
    action = SetTraffic(
        reason=f"stage {name}",
        before=scene.endpoint.weights,
        weights=split,
        endpoint=scene.managed,
        progress=records.declaring(progress, scene.managed),
        changes=endpoint_changes(scene.managed, scene.endpoint),
    )
    return _act(scene, place, action)


def _missing_capacity(scene: Scene, candidate: Deployment, weight: int) -> ScaleDeployment | None:
    """`capacity: match`: ceil(total × weight / 100) instances before that weight is given."""
    stable = scene.stable
    if candidate.autoscaled or scene.release.capacity == "declared" or stable is None:
        return None
    total = _load(scene, stable)
    needed = ceil(total * weight / 100)
    if candidate.count >= needed:
        return None
    return ScaleDeployment(
        reason=f"{weight} % of what {total} instances carry needs {needed}",
        deployment=candidate.name,
        before=candidate.count,
        count=needed,
    )


def _missing_autoscale(scene: Scene, candidate: Deployment) -> CarryAutoscale | None:
    """`capacity: match`: what scales stable scales the candidate too, before it takes weight. What a person gave it, or
    left to others, stays; what we carried is carried again when it has changed."""
    said = scene.stable.scaling if scene.stable else None
    mine = candidate.scaling
    if scene.release.capacity == "declared" or scene.stable is None or said is None:
        return None
    theirs = candidate.autoscaled if mine is None else not mine.carried or mine.digest == said.digest
    if theirs:
        return None
    return CarryAutoscale(
        reason=f"{candidate.name} shall follow the load as {scene.stable.name} does",
        deployment=candidate.name,
        origin=scene.stable.name,
        source=said.id,
    )


def _load(scene: Scene, stable: Deployment) -> int:
    """How many instances all of the traffic needs: stable's count at the run's start. A count that has moved since
    then follows the load (an autoscaler's), so it stands for stable's share of it only."""
    share = scene.endpoint.weights.live(stable.name)
    start = scene.run.total if scene.run else stable.count
    if not share or stable.count == start:
        return start
    return max(start, ceil(stable.count * 100 / share))


def _scale(scene: Scene, place: Place, role: Role, count: int) -> Decision:
    if place.earned:
        return _act(scene, place, _marker(scene, place.earned, "passed before scaling"))
    found = scene.stable if role is Role.STABLE else scene.candidate
    assert found is not None, "a scale stage without its deployment is satisfied"
    reason = f"{found.name} shall have at least {count} instances"
    return _act(scene, place, ScaleDeployment(reason=reason, deployment=found.name, before=found.count, count=count))


def _promotion(scene: Scene) -> Record:
    """Every stage and every gate behind the last traffic stage has passed: the marker that promotes."""
    progress = records.promoted_now(scene, scene.endpoint.weights)
    return Record(reason=f"{scene.journey.slot} has earned its place: promoted", progress=progress)


def _marker(scene: Scene, earned: tuple[str, ...], what: str) -> Record:
    return Record(reason=what, progress=records.advanced(scene, scene.endpoint.weights, earned, what))


def _phase(scene: Scene) -> Phase:
    match scene.journey.kind:
        case JourneyKind.FIRST:
            return Phase.FIRST_RELEASE
        case JourneyKind.EXPEDITED:
            return Phase.REVERTING
        case JourneyKind.RUN:
            return Phase.RELEASING
        case _:
            assert_never(scene.journey.kind)


def _act(scene: Scene, place: Place, action: Action) -> Decision:
    return Decision(
        status=Status.ACT,
        phase=_phase(scene),
        reason=action.reason,
        actions=(action,),
        stages=stage_views(scene, place),
    )


def _wait(
    scene: Scene, place: Place, reason: str, *, ask: Gate | None = None, until: datetime | None = None
) -> Decision:
    return Decision(
        status=Status.WAIT,
        phase=_phase(scene),
        reason=reason,
        measure=ask,
        measure_key=place.step(scene).key if ask else "",
        next_after=until,
        stages=stage_views(scene, place),
    )
