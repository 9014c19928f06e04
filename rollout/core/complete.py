"""The goal is promoted: left-over deletes, settings and drift; then nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from rollout.core import settings, untaken
from rollout.core.actions import (
    Action,
    DeleteDeployment,
    DropAutoscale,
    FieldChange,
    Record,
    ScaleDeployment,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.codes import codes
from rollout.core.decision import Decision, Phase, StageState, StageView, Status
from rollout.core.ignoring import managed_settings
from rollout.core.observed import Deployment
from rollout.core.records import blank, declaring, untook
from rollout.core.release import AnyStage, Delete, DeploymentSpec, Role, Scale, Traffic
from rollout.core.scene import Scene
from rollout.core.stamp import SETTINGS_TAG


def complete(scene: Scene) -> Decision | None:
    """Answers when what is promoted carries the goal."""
    promoted = scene.promoted
    if promoted is None or promoted.revision != scene.release.goal:
        return None
    form = scene.release.literal
    if form is not None and promoted.name != form.candidate:
        return None
    drift = drift_of(scene)
    marker = _untaken_marker(scene)
    if marker is not None:
        return _decision(scene, Status.ACT, marker.reason, (marker,), None, drift)
    if scene.release.drift == "heal" and drift:
        return _decision(scene, Status.ACT, drift[0].reason, (drift[0],), None, drift)
    gone, waiting = _deletes(scene)
    if gone:
        return _decision(scene, Status.ACT, gone[0].reason, (gone[0],), None, drift)
    if scene.release.drift == "hold" and drift:
        return _decision(scene, Status.HOLD, f"drift: {drift[0].reason}", (), None, drift)
    if waiting:
        name, when = waiting[0]
        return _decision(
            scene,
            Status.WAIT,
            f"{promoted.name} is promoted; {name} stays warm until {when:%Y-%m-%d %H:%M:%SZ}",
            (),
            when,
            drift,
        )
    return _decision(scene, Status.DONE, f"{promoted.name} serves what the plan asks for", (), None, drift)


def drift_of(scene: Scene) -> tuple[Action, ...]:
    """Every in-place write that would make the settings of what serves agree with the files."""
    return (*endpoint_drift(scene), *_deployment_drift(scene))


def endpoint_drift(scene: Scene) -> Iterator[Action]:
    """The write that converges declared endpoint fields, if any differs."""
    changes = _to_try(scene, "", settings.endpoint_changes(scene.managed, scene.endpoint))
    if changes:
        names = ", ".join(change.path for change in changes)
        yield UpdateEndpoint(
            reason=f"the endpoint's {names} differs from the file",
            endpoint=scene.managed,
            changes=changes,
            progress=declaring(blank(scene), scene.managed),
        )


def _deployment_drift(scene: Scene) -> Iterator[Action]:
    stable = scene.stable
    if stable is None:
        return
    for missing in _to_try(scene, "", _missing_instances(scene)):
        yield ScaleDeployment(
            reason=f"{stable.name} has {missing.before} of {missing.after} instances",
            deployment=stable.name,
            before=missing.before,
            count=missing.after,
        )
    spec = managed_settings(scene.release, scene.release.candidate, stable.name)
    changes = _to_try(scene, f"{stable.name}.", settings.deployment_changes(spec, stable))
    if changes:
        names = ", ".join(change.path for change in changes)
        yield UpdateDeployment(
            reason=f"{names} of {stable.name} differs",
            deployment=stable.name,
            changes=changes,
            tags={SETTINGS_TAG: codes(spec.settings)},
        )
    yield from _scaled_behind(scene)


def _missing_instances(scene: Scene) -> tuple[FieldChange, ...]:
    stable = scene.stable
    floor = _floor(scene, scene.release.candidate)
    if stable is None or stable.autoscaled or stable.count >= floor:
        return ()
    return (FieldChange(f"{stable.name}.instance_count", stable.count, floor),)


def _to_try(scene: Scene, prefix: str, changes: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
    """The changes without those that the service did not take when they were asked for last."""
    known = scene.progress.untaken
    return tuple(each for each in changes if untaken.code(_named(prefix, each)) not in known) if known else changes


def _named(prefix: str, change: FieldChange) -> FieldChange:
    return FieldChange(f"{prefix}{change.path}", change.before, change.after)


def _all_differences(scene: Scene) -> Iterator[FieldChange]:
    """Every setting that differs from its file, taken or not, by its full name."""
    yield from settings.endpoint_changes(scene.managed, scene.endpoint)
    yield from _missing_instances(scene)
    if scene.stable is not None:
        spec = managed_settings(scene.release, scene.release.candidate, scene.stable.name)
        for change in settings.deployment_changes(spec, scene.stable):
            yield _named(f"{scene.stable.name}.", change)


def _untaken_marker(scene: Scene) -> Record | None:
    """What the last write asked for in vain goes on record, so that it is not asked for ever."""
    if not any(name.startswith(untaken.PREFIX) for name in scene.verdicts):
        return None
    found = {untaken.code(each): each for each in _all_differences(scene)}
    known = [code for code in scene.progress.untaken if code in found]
    fresh = [code for code, each in found.items() if untaken.key(each) in scene.verdicts and code not in known]
    if not fresh:
        return None
    paths = ", ".join(found[code].path for code in fresh)
    return Record(
        reason="; ".join(untaken.said(found[code]) for code in fresh),
        progress=untook(scene, (*known, *fresh), f"not taken: {paths}"),
    )


def _notes(scene: Scene) -> tuple[str, ...]:
    known = scene.progress.untaken
    return tuple(untaken.said(each) for each in _all_differences(scene) if untaken.code(each) in known) if known else ()


def _floor(scene: Scene, spec: DeploymentSpec) -> int:
    floors = [s.count for s in scene.release.stages if isinstance(s, Scale) and s.role is Role.CANDIDATE]
    return max(spec.count, *floors) if floors else spec.count


def _scaled_behind(scene: Scene) -> Iterator[Action]:
    """A `scale` of stable behind the last traffic stage is exact for what was stable and has no weight now."""
    for stage in _behind_traffic(scene.release.stages):
        if not isinstance(stage, Scale) or stage.role is not Role.STABLE:
            continue
        for found in left_over(scene):
            if found.count != stage.count and found.ready and not found.autoscaled:
                yield ScaleDeployment(
                    reason=f"{found.name} stays warm with {stage.count}",
                    deployment=found.name,
                    before=found.count,
                    count=stage.count,
                )


def _behind_traffic(stages: tuple[AnyStage, ...]) -> tuple[AnyStage, ...]:
    """The stages behind the last traffic stage."""
    begin = len(stages)
    while not isinstance(stages[begin - 1], Traffic):
        begin -= 1
    return stages[begin:]


def left_over(scene: Scene) -> tuple[Deployment, ...]:
    """The former stable and the slots that are not promoted, as far as they live and have no weight."""
    form, former, promoted = scene.release.literal, scene.progress.former, scene.promoted
    names = [form.stable] if form else [*scene.release.slots]
    if former is not None and form is None:
        names.append(former.name)
    found = (scene.endpoint.deployment(name) for name in dict.fromkeys(names) if not promoted or name != promoted.name)
    return tuple(d for d in found if d is not None and not scene.endpoint.weights.touches(d.name))


def removal(found: Deployment, reason: str) -> DeleteDeployment | DropAutoscale:
    """The next step to be rid of a deployment: first its autoscale setting, which would be left over otherwise."""
    if found.scaling is not None:
        return DropAutoscale(reason=reason, deployment=found.name, setting=found.scaling.id)
    return DeleteDeployment(reason=reason, deployment=found.name)


def _deletes(scene: Scene) -> tuple[tuple[Action, ...], tuple[tuple[str, datetime], ...]]:
    """The deletes that are due, and those that wait with their time."""
    since = scene.progress.since or scene.endpoint.modified or scene.now
    gone: list[Action] = []
    waiting: list[tuple[str, datetime]] = []
    stages = [stage for stage in scene.release.stages if isinstance(stage, Delete)]
    for found in left_over(scene) if stages else ():
        due = since + timedelta(seconds=min(stage.after for stage in stages))
        if due <= scene.now:
            gone.append(removal(found, f"{found.name} is not needed any more"))
        else:
            waiting.append((found.name, due))
    return tuple(gone), tuple(waiting)


def _decision(
    scene: Scene,
    status: Status,
    reason: str,
    actions: tuple[Action, ...],
    until: datetime | None,
    drift: tuple[Action, ...],
) -> Decision:
    return Decision(
        status=status,
        phase=Phase.COMPLETE,
        reason=reason,
        actions=actions,
        next_after=until,
        stages=_views(scene),
        drift=tuple(change for action in drift for change in _changes(action)),
        notes=_notes(scene),
    )


def _changes(action: Action) -> tuple[FieldChange, ...]:
    if isinstance(action, UpdateEndpoint | UpdateDeployment):
        return action.changes
    if isinstance(action, ScaleDeployment):
        return (FieldChange(f"{action.deployment}.instance_count", action.before, action.count),)
    return ()


def _views(scene: Scene) -> tuple[StageView, ...]:
    """Everything is satisfied; deletes are while nothing is left over."""
    stages = scene.release.stages
    deletes = any(isinstance(stage, Delete) for stage in stages)
    delete = StageState.ACTIVE if deletes and left_over(scene) else StageState.SATISFIED
    return tuple(
        [
            StageView(stage=stage, state=delete if isinstance(stage, Delete) else StageState.SATISFIED)
            for stage in stages
        ]
    )
