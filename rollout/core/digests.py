"""The digests of what is approved: of a plan's meaning, of an action, of a whole change set."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from rollout.core.actions import (
    Action,
    CarryAutoscale,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    DropAutoscale,
    Record,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.fingerprint import Fingerprint
from rollout.core.release import AnyStage, DeploymentSpec, Gate, LiteralForm, Release


def digest(release: Release, essences: Sequence[str], looks: Fingerprint) -> str:
    """What is approved: this plan, this world, these actions; no reasons, times, commits and records.

    The same whatever the order of keys, and however many instances an autoscaler runs.
    """
    parts = ["2", plan_digest(release), *essences, msgspec.json.encode(looks, order="deterministic").decode()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def plan_digest(release: Release) -> str:
    """16 hex digits over all that a plan and its files mean; no comment, place or commit. What is empty counts for
    nothing, so that a later version with more fields says the same."""
    bare = msgspec.structs.replace(
        release,
        commit="",
        provenance={},
        policy=None,
        candidate=_placeless(release.candidate),
        stages=tuple(map(_bodiless, release.stages)),
        literal=_placeless_form(release.literal),
    )
    plain = _said(msgspec.to_builtins(bare))
    if release.policy is not None and (demanded := _said(msgspec.to_builtins(release.policy.essence))):
        plain["policy"] = demanded
    return hashlib.sha256(b"rollout/plan/2\n" + msgspec.json.encode(plain, order="deterministic")).hexdigest()[:16]


def _placeless(spec: DeploymentSpec) -> DeploymentSpec:
    """The spec without where its files lie on this machine; its revision knows their contents."""
    return msgspec.structs.replace(spec, origin="", document="")


def _placeless_form(form: LiteralForm | None) -> LiteralForm | None:
    if form is None:
        return None
    stable = None if form.stable_spec is None else _placeless(form.stable_spec)
    return msgspec.structs.replace(form, stable_spec=stable, bootstrap=tuple(map(_bodiless, form.bootstrap)))


def _bodiless(stage: AnyStage) -> AnyStage:
    """A gate's digest covers its body."""
    return msgspec.structs.replace(stage, body=None) if isinstance(stage, Gate) else stage


def _said(value: Any) -> Any:
    """Without what is empty, however deep."""
    if isinstance(value, dict):
        pruned = {key: _said(inner) for key, inner in value.items()}
        return {key: inner for key, inner in pruned.items() if inner not in (None, "", [], {})}
    return [_said(inner) for inner in value] if isinstance(value, list | tuple) else value


def essence(action: Action) -> str:
    """What is approved of an action: its kind, its target and its values."""
    match action:
        case SetTraffic(before=before, weights=weights, changes=changes):
            body: object = [before, weights, *changes]
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
        case DeleteDeployment(deployment=name) | CarryAutoscale(deployment=name) | DropAutoscale(deployment=name):
            body = [name]
        case DeleteEndpoint(endpoint=name):
            body = [name]
        case Record():
            body = []
    return f"{type(action).__name__} {msgspec.json.encode(body, order='sorted').decode()}"
