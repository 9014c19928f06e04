"""The world after one of our actions, if the service does what it was asked: for looking ahead, never for deciding."""

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_never

from msgspec.structs import replace

from rollout.core.actions import (
    Action,
    CarryAutoscale,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    DropAutoscale,
    FieldChange,
    Record,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.codes import codes
from rollout.core.observed import Deployment, Endpoint
from rollout.core.our_tags import foreign
from rollout.core.progress import Progress, to_tags
from rollout.core.release import EndpointSpec
from rollout.core.stamp import deployment_tags


def imagine(endpoint: Endpoint | None, action: Action, now: datetime) -> Endpoint | None:
    """`endpoint` after `action` has succeeded at `now`."""
    if isinstance(action, CreateEndpoint):
        fields = dict(action.endpoint.fields)
        created = Endpoint(name=action.endpoint.name, fields=fields, scoring_uri="imagined", modified=now)
        return _recorded(created, action.progress)
    if endpoint is None or isinstance(action, DeleteEndpoint):
        return None
    match action:
        case SetTraffic():
            moved = replace(_declared(endpoint, action.endpoint), weights=action.weights, modified=now)
            return _recorded(moved, action.progress)
        case UpdateEndpoint():
            return _recorded(_declared(endpoint, action.endpoint), action.progress)
        case Record():
            return _recorded(endpoint, action.progress)
        case DeployRevision():
            return _with(endpoint, _deployed(action))
        case ScaleDeployment():
            return _changed(endpoint, action.deployment, count=action.count)
        case CarryAutoscale(origin=origin):
            source = endpoint.deployment(origin)
            said = source.scaling if source else None
            mine = replace(said, id=f"{said.id} carried", carried=True) if said else None
            return _changed(endpoint, action.deployment, autoscaled=True, scaling=mine)
        case DropAutoscale():
            return _changed(endpoint, action.deployment, autoscaled=False, scaling=None)
        case UpdateDeployment():
            return _settled(endpoint, action)
        case DeleteDeployment():
            rest = tuple(d for d in endpoint.deployments if d.name != action.deployment)
            return replace(endpoint, deployments=rest)
        case _:
            assert_never(action)


def _recorded(endpoint: Endpoint, progress: Progress | None) -> Endpoint:
    mine = to_tags(progress) if progress is not None else {}
    return replace(endpoint, tags={**foreign(endpoint.tags), **mine})


def _declared(endpoint: Endpoint, spec: EndpointSpec | None) -> Endpoint:
    if spec is None:
        return endpoint
    fields = dict(endpoint.fields)
    for key, value in spec.fields.items():
        fields[key] = {**fields.get(key, {}), **value} if isinstance(value, dict) else value
    return replace(endpoint, fields=fields)


def _deployed(action: DeployRevision) -> Deployment:
    spec = action.spec
    mine = deployment_tags(spec.revision, action.born, spec.fields, codes(spec.settings))
    return Deployment(
        name=action.deployment,
        state="Succeeded",
        count=action.count,
        revision=spec.revision,
        born=action.born,
        content=spec.revision[:12],
        instance_type=spec.instance_type,
        fields={**spec.fields, "description": spec.settings.get("description")},
        tags={**spec.settings.get("tags", {}), **mine},
    )


def _settled(endpoint: Endpoint, action: UpdateDeployment) -> Endpoint:
    found = endpoint.deployment(action.deployment)
    if found is None:
        return endpoint
    fields, tags = dict(found.fields), {**found.tags, **action.tags}
    change: FieldChange
    for change in action.changes:
        if change.path.startswith("tags."):
            tags[change.path.removeprefix("tags.")] = change.after
        else:
            fields[change.path] = change.after
    return _with(endpoint, replace(found, fields=fields, tags=tags))


def _changed(endpoint: Endpoint, name: str, **changes: Any) -> Endpoint:
    found = endpoint.deployment(name)
    return endpoint if found is None else _with(endpoint, replace(found, **changes))


def _with(endpoint: Endpoint, deployment: Deployment) -> Endpoint:
    others = [d for d in endpoint.deployments if d.name != deployment.name]
    return replace(endpoint, deployments=tuple(sorted([*others, deployment], key=lambda d: d.name)))
