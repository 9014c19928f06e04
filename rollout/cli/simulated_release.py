"""A release as it can be simulated, and the earlier one that it is released over. Pure."""

from __future__ import annotations

import json
from typing import Final

import msgspec
from msgspec.structs import replace

from rollout.core.gate_bodies import Bake, Custom, Metric, Source, evidence_of
from rollout.core.release import AnyStage, DeploymentSpec, Gate, GateKind, Release
from rollout.core.revision import revision

_MARK: Final = "ROLLOUT_SIMULATED"
_ASKED_HERE: Final = ("azure_monitor", "log_analytics")


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """The release to simulate; the gates that are assumed to pass, each with the reason, by digest; and what people
    must know of that."""

    release: Release
    assumed: dict[str, str]
    notes: tuple[str, ...]


def staged(release: Release, log_workspace: str, *, scoring: bool) -> Staged:
    """The same stages, asked of what the emulator has: approvals are given, counts come from its own monitor."""
    kept: list[AnyStage] = []
    assumed: dict[str, str] = {}
    notes: list[str] = []
    for stage in release.stages:
        if not isinstance(stage, Gate):
            kept.append(stage)
            continue
        if stage.kind is GateKind.APPROVAL:
            notes.append(f"{stage.name}: taken as given")
            continue
        gate, note = _asked_here(stage, log_workspace)
        reason = _why_assumed(gate, scoring=scoring)
        if reason:
            assumed[gate.digest] = reason
            notes.append(f"{gate.name}: assumed to pass, {reason}")
        elif note:
            notes.append(f"{gate.name}: {note}")
        kept.append(gate)
    return Staged(release=replace(release, stages=tuple(kept)), assumed=assumed, notes=tuple(notes))


def earlier(release: Release) -> Release:
    """An earlier release of a plan in roles form: the same deployment with another content."""
    return replace(release, candidate=_marked(release.candidate))


def roles(release: Release) -> dict[str, str]:
    """The deployments' names by role, where the earlier release took the first free slot."""
    form = release.literal
    stable, candidate = (form.stable, form.candidate) if form else release.slots
    return {"stable": stable, "candidate": candidate}


def _marked(spec: DeploymentSpec) -> DeploymentSpec:
    document = json.loads(spec.document)
    variables = {**(document.get("environment_variables") or {}), _MARK: "earlier"}
    fields = {**spec.fields, f"environment_variables.{_MARK}": "earlier"}
    text = json.dumps({**document, "environment_variables": variables})
    return replace(spec, document=text, fields=fields, revision=revision(fields))


def _asked_here(gate: Gate, log_workspace: str) -> tuple[Gate, str]:
    wanted, body = evidence_of(gate.body), gate.body
    if wanted is None or not isinstance(body, Bake | Metric):
        return gate, ""
    note, source = "", wanted.source
    if source.kind != "azure_monitor":
        note = f"{source.kind} is read from the simulation's own traffic log"
        source = Source(kind="log_analytics", address=log_workspace, lag=source.lag)
    if wanted.alerts:
        note = "; ".join(filter(None, (note, "alert rules never fire here")))
    return replace(gate, body=replace(body, evidence=replace(wanted, source=source, alerts=()))), note


def _why_assumed(gate: Gate, *, scoring: bool) -> str:
    if gate.kind in (GateKind.SMOKE_TEST, GateKind.COMPARE):
        return "" if scoring else "no model answers here (--scoring runs the plan's own scripts)"
    wanted = evidence_of(gate.body)
    if wanted is None:
        return ""
    if any(isinstance(check.question, Custom) for check in wanted.checks):
        return "its own queries cannot be answered here"
    return "" if wanted.checks or gate.kind is GateKind.BAKE else "alert rules never fire here"
