"""The report as plain JSON values, `format_version` 1.0: later minor versions only add keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    FieldChange,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.decision import Decision, StageView
from rollout.core.observed import Endpoint, Weights
from rollout.core.progress import Damaged, Progress
from rollout.render import words
from rollout.render.report import Report

FORMAT_VERSION: Final = "1.0"
_PLAIN: Final = (str, int, float, bool, type(None))


def document(report: Report) -> dict[str, Any]:
    """The whole report."""
    endpoint = report.observation.endpoint
    decision = report.changes.decision
    return {
        "format_version": FORMAT_VERSION,
        "plan": report.release.name,
        "file": report.file,
        "commit": report.release.commit,
        "digest": report.changes.digest,
        "complete": report.changes.complete,
        "decision": _decision(decision),
        "roles": msgspec.to_builtins(decision.roles),
        "endpoint": _endpoint(report.release.endpoint.name, endpoint),
        "actions": [_action(report, action) for action in report.changes.actions],
        "stages": [_stage(view) for view in decision.stages],
        "progress": _progress(report.progress),
        "drift": [_change(change) for change in decision.drift],
        "notes": list(decision.notes),
        "requests": msgspec.to_builtins(report.requests),
        "result": msgspec.to_builtins(report.outcome),
    }


def text(report: Report) -> str:
    """The report as indented JSON text."""
    return to_json(document(report))


def to_json(found: Any) -> str:
    """Indented JSON text with a newline at its end."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "status": decision.status.value,
        "phase": decision.phase.value,
        "reason": decision.reason,
        "next_after": decision.next_after.isoformat() if decision.next_after else None,
    }


def _stage(view: StageView) -> dict[str, Any]:
    return {
        "name": view.stage.name,
        "kind": words.kind_of(view.stage),
        "state": view.state.value,
        "key": view.key,
        "note": view.note or words.stage_text(view.stage),
    }


def _endpoint(name: str, endpoint: Endpoint | None) -> dict[str, Any]:
    if endpoint is None:
        return {"name": name, "exists": False, "state": None, **_weights(Weights()), "deployments": []}
    deployments = [
        {
            "name": found.name,
            "state": found.state,
            "instance_count": found.count,
            "revision": found.revision,
            "weight": endpoint.weights.live(found.name),
            "mirror": endpoint.weights.mirrored(found.name),
        }
        for found in endpoint.deployments
    ]
    return {
        "name": endpoint.name,
        "exists": True,
        "state": endpoint.state,
        **_weights(endpoint.weights),
        "deployments": deployments,
    }


def _weights(split: Weights) -> dict[str, Any]:
    return {"traffic": dict(split.traffic), "mirror": dict(split.mirror)}


def _action(report: Report, action: Action) -> dict[str, Any]:
    before, after = _sides(action)
    return {
        "kind": action.__struct_config__.tag,
        "target": words.target_of(action) or report.release.endpoint.name,
        "reason": action.reason,
        "before": before,
        "after": after,
        "hazards": list(action.hazards),
    }


def _sides(action: Action) -> tuple[Any, Any]:
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
        case _:
            return None, None


def _side(changes: Iterable[FieldChange], which: str) -> dict[str, Any]:
    return {change.path: _shown(change.path, getattr(change, which)) for change in changes}


def _change(change: FieldChange) -> dict[str, Any]:
    before, after = _shown(change.path, change.before), _shown(change.path, change.after)
    return {"path": change.path, "before": before, "after": after}


def _shown(path: str, found: Any) -> Any:
    """The value as plain JSON, unless its name says that it is a secret."""
    if words.is_secret(path, found):
        return "(not shown)"
    if isinstance(found, dict):
        return {key: _shown(str(key), inner) for key, inner in found.items()}
    return found if isinstance(found, _PLAIN) else msgspec.to_builtins(found)


def _progress(found: Progress | Damaged | None) -> Any:
    if found is None:
        return None
    if isinstance(found, Damaged):
        return {"damaged": found.reason}
    return {**msgspec.to_builtins(found), "written": _weights(found.written) if found.written else None}
