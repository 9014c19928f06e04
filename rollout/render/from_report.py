"""From a report (values of the core) to the document that every form is made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from rollout.core.actions import (
    Action,
    CarryAutoscale,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    DropAutoscale,
    FieldChange,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.change_set import WayBack
from rollout.core.decision import Decision, StageView
from rollout.core.differences import Difference
from rollout.core.hazards import Hazard
from rollout.core.observed import Endpoint, Weights
from rollout.core.policy import Policy
from rollout.core.progress import Damaged, Progress
from rollout.core.settings import revision_changes
from rollout.core.verdict import Verdict
from rollout.render import document as form
from rollout.render import words
from rollout.render.report import Report
from rollout.render.saved import shortened

_LONGEST: Final = 10_000
_LOG_LINES: Final = 1_000
_IN_FULL: Final = frozenset({"checks", "worst"})
"""What evidence has that is worth keeping: the counts of a bake, the rows of a comparison."""
_PLAIN: Final = (str, int, float, bool, type(None))


def document(report: Report) -> form.Document:
    """The whole report."""
    changes = report.changes
    decision = changes.decision
    return form.Document(
        command=report.command,
        plan=report.release.name,
        file=report.file,
        commit=report.release.commit,
        observed_at=report.observation.now,
        exit_code=report.exit_code,
        digest=changes.digest,
        valid_until=changes.valid_until,
        complete=changes.complete,
        decision=_decision(decision),
        roles=form.Roles(**msgspec.structs.asdict(decision.roles)),
        endpoint=_endpoint(report.release.endpoint.name, report.observation.endpoint),
        actions=tuple(_step(report, action) for action in changes.actions),
        stages=stages(decision),
        hazards=tuple(map(_hazard, changes.hazards)),
        policy=_policy(report.release.policy),
        pending=tuple(map(_difference, changes.pending)),
        drift=tuple(map(_difference, changes.drift)),
        unchanged=tuple(
            form.Same(target=one.target, path=one.path, value=_shown(one.path, one.value)) for one in changes.unchanged
        ),
        way_back=_way_back(changes.way_back),
        approval=report.approval,
        notes=decision.notes,
        history=tuple(_history(report.progress)),
        progress=_progress(report.progress),
        requests=form.Requests(**msgspec.structs.asdict(report.requests)),
        result=_result(report),
    )


def stages(decision: Decision) -> tuple[form.Stage, ...]:
    """Every stage as it stands."""
    return tuple(map(_stage, decision.stages))


def change(found: FieldChange) -> form.Change:
    """One field; what its name calls a secret is not shown."""
    return form.Change(path=found.path, before=_shown(found.path, found.before), after=_shown(found.path, found.after))


def _decision(decision: Decision) -> form.Deciding:
    return form.Deciding(
        status=decision.status, phase=decision.phase, reason=decision.reason[:_LONGEST], next_after=decision.next_after
    )


def _stage(view: StageView) -> form.Stage:
    return form.Stage(
        name=view.stage.name,
        kind=words.kind_of(view.stage),
        state=view.state,
        label=words.stage_label(view.stage),
        key=view.key,
        note=view.note or words.stage_text(view.stage),
    )


def _endpoint(name: str, found: Endpoint | None) -> form.Endpoint:
    if found is None:
        return form.Endpoint(name=name, exists=False)
    return form.Endpoint(
        name=found.name,
        exists=True,
        state=found.state,
        **_weights(found.weights),
        deployments=deployments(found),
    )


def deployments(found: Endpoint) -> tuple[form.Deployment, ...]:
    """Every live deployment with its share."""
    return tuple(
        form.Deployment(
            name=each.name,
            state=each.state,
            instance_count=each.count,
            instance_type=each.instance_type,
            revision=each.revision,
            weight=found.weights.live(each.name),
            mirror=found.weights.mirrored(each.name),
        )
        for each in found.deployments
    )


def _weights(split: Weights) -> dict[str, Any]:
    return {"traffic": dict(split.traffic), "mirror": dict(split.mirror)}


def _step(report: Report, action: Action) -> form.Step:
    before, after = _sides(action)
    changes, same, beside = _fields(report, action)
    return form.Step(
        kind=str(action.__struct_config__.tag),
        target=words.target_of(action) or report.release.endpoint.name,
        text=words.action_text(action),
        sign=words.sign_of(action),
        reason=action.reason,
        before=before,
        after=after,
        changes=tuple(map(change, changes)),
        same=same,
        beside=beside,
        hazards=tuple(found.name for found in action.hazards),
    )


def _fields(report: Report, action: Action) -> tuple[Iterable[FieldChange], int, str]:
    """Field by field: an update against what it updates, a new deployment against what serves now."""
    match action:
        case CreateEndpoint(endpoint=spec):
            return [FieldChange(path, None, spec.fields[path]) for path in sorted(spec.fields)], 0, ""
        case UpdateEndpoint(changes=changes) | UpdateDeployment(changes=changes):
            return changes, 0, ""
        case DeployRevision(changes=changes, spec=spec, deployment=name, mode=mode):
            beside = f"of {name}"
            endpoint, stable = report.observation.endpoint, report.changes.decision.roles.stable
            serving = endpoint.deployment(stable) if endpoint else None
            if mode == "create" and serving is not None and stable != name:
                changes, beside = revision_changes(spec, serving), f"as in {stable}"
            return changes, max(0, len(spec.fields) - len(changes)), beside
        case _:
            return (), 0, ""


def _sides(action: Action) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """What the action changes, before and after; None where there is nothing."""
    match action:
        case SetTraffic(before=before, weights=after):
            return _weights(before), _weights(after)
        case ScaleDeployment(before=count, count=wanted):
            return {"instance_count": count}, {"instance_count": wanted}
        case DeployRevision(changes=changes, mode=mode):
            wanted_fields = {"revision": action.spec.revision, "instance_count": action.count}
            before_fields = _side(changes, "before") if mode == "update" else None
            return before_fields, {**wanted_fields, **_side(changes, "after")}
        case UpdateEndpoint(changes=changes) | UpdateDeployment(changes=changes):
            return _side(changes, "before"), _side(changes, "after")
        case CreateEndpoint(endpoint=spec):
            return None, {path: _shown(path, found) for path, found in spec.fields.items()}
        case DeleteDeployment(deployment=name) | DeleteEndpoint(endpoint=name):
            return {"name": name}, None
        case CarryAutoscale(source=source):
            return None, {"autoscale_setting": source}
        case DropAutoscale(setting=setting):
            return {"autoscale_setting": setting}, None
        case _:
            return None, None


def _side(changes: Iterable[FieldChange], which: str) -> dict[str, Any]:
    return {found.path: _shown(found.path, getattr(found, which)) for found in changes}


def _shown(path: str, found: Any) -> Any:
    """The value as plain JSON, unless its name says that it is a secret."""
    if words.is_secret(path, found):
        return words.NOT_SHOWN
    if isinstance(found, Mapping):
        return {key: _shown(str(key), inner) for key, inner in found.items()}
    return found if isinstance(found, _PLAIN) else msgspec.to_builtins(found)


def _difference(found: Difference) -> form.Change:
    return form.Change(
        target=found.target,
        path=found.path,
        before=_shown(found.path, found.before),
        after=_shown(found.path, found.after),
        since=found.since,
        by=found.by,
    )


def _hazard(found: Hazard) -> form.Hazard:
    state: Literal["shown", "allowed", "refused"] = "shown" if found.declared else "allowed"
    state = state if found.allowed else "refused"
    return form.Hazard(name=found.name, state=state, target=found.target, why=found.why, flag=found.flag)


def _policy(found: Policy | None) -> form.Governing | None:
    if found is None:
        return None
    windows = (
        form.PolicyWindow(
            name=each.name, allows=each.opens, activities=each.activities, where=each.where, says=each.says
        )
        for each in found.windows
    )
    return form.Governing(
        rules=tuple(form.PolicyRule(name=rule.name, where=rule.where) for rule in found.rules),
        broken=found.broken,
        windows=tuple(windows),
        stopped=found.stopped,
        break_glass=found.break_glass,
    )


def _way_back(found: WayBack) -> form.WayBack:
    return form.WayBack(text=found.text, traffic=dict(found.weights.traffic) if found.weights else None)


def _history(found: Progress | Damaged | None) -> Iterator[form.Moment]:
    if isinstance(found, Progress):
        yield from (form.Moment(at=entry.at, what=entry.what) for entry in found.history)


def _progress(found: Progress | Damaged | None) -> Any:
    if found is None:
        return None
    if isinstance(found, Damaged):
        return {"damaged": found.reason}
    return {**msgspec.to_builtins(found), "written": _weights(found.written) if found.written else None}


def _result(report: Report) -> form.Result | None:
    ended = report.outcome
    if ended is None:
        return None
    measurements = tuple(measurement(found.gate, found.verdict) for found in ended.measured)
    return form.Result(
        exit_code=ended.exit_code, writes=ended.writes, failure=shortened(ended.failure), measurements=measurements
    )


def measurement(gate: str, verdict: Verdict) -> form.Measurement:
    """What a gate said, with what is worth keeping of its evidence."""
    return form.Measurement(
        gate=gate,
        outcome=verdict.outcome.value,
        reason=verdict.reason[:_LONGEST],
        log=tuple(str(text)[:_LONGEST] for text in tuple(verdict.evidence.get("log", ()))[-_LOG_LINES:]),
        evidence=verdict.evidence if _IN_FULL & verdict.evidence.keys() else None,
    )
