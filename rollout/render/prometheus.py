"""A document as Prometheus text, for node exporter's textfile collector: how it stands now, as gauges.

https://prometheus.io/docs/instrumenting/exposition_formats, names by https://prometheus.io/docs/practices/naming
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

import msgspec

from rollout.core.decision import StageState
from rollout.render import harmless
from rollout.render.document import AnyDocument, Document, Failure, Fleet, Pass, Reconciliation, Validation

_HELP: Final[Mapping[str, str]] = MappingProxyType(
    {
        "rollout_exit_code": "Exit code of the command that told this, or of its pass over one plan.",
        "rollout_status": "1 for what is decided now: act, wait, hold, done, refuse, error, orphaned.",
        "rollout_phase": "1 for where the rollout is as a whole.",
        "rollout_stage": "1 for the stage that the rollout is at.",
        "rollout_traffic_ratio": "Share of live traffic that a deployment has, 0 to 1.",
        "rollout_mirror_ratio": "Share of live traffic that is copied to a deployment, 0 to 1.",
        "rollout_instances": "Instances of a deployment.",
        "rollout_candidate_traffic_ratio": "Share of live traffic that the candidate has, 0 to 1.",
        "rollout_pending_actions": "What the plan would still do.",
        "rollout_drift_fields": "Managed fields that the world moved.",
        "rollout_writes": "Writes of the last command.",
        "rollout_verdict": "1 for what a gate said in the last command.",
        "rollout_requests": "Requests of the last look to the control plane, by kind.",
        "rollout_look_timestamp_seconds": "When was looked, by the service's clock.",
        "rollout_next_pass_timestamp_seconds": "When the next pass is worth it.",
        "rollout_plans": "Plans that the last command was about.",
    }
)
_LONGEST: Final = 200


class _Sample(msgspec.Struct, frozen=True):
    metric: str
    value: float
    labels: Mapping[str, str] = {}


def prometheus(document: AnyDocument) -> str:
    """Every metric once, with its help and type, then its samples; no time stamps, for a collector refuses old ones."""
    found: dict[str, dict[str, float]] = {name: {} for name in _HELP}
    for sample in _samples(document):
        found[sample.metric][_labels(sample.labels)] = sample.value  # two with the same labels would void the file
    return "".join(_block(name, samples) for name, samples in found.items() if samples)


def _block(name: str, samples: Mapping[str, float]) -> str:
    lines = "".join(f"{name}{labels} {value:.15g}\n" for labels, value in samples.items())
    return f"# HELP {name} {_HELP[name]}\n# TYPE {name} gauge\n{lines}"


def _samples(document: AnyDocument) -> Iterator[_Sample]:
    match document:
        case Document(exit_code=code):
            yield _Sample("rollout_exit_code", code)
            yield from _plan(document, document.decision.status.value, {})
        case Reconciliation(exit_code=code, plans=plans):
            yield _Sample("rollout_exit_code", code)
            yield _Sample("rollout_plans", len(plans))
            for one in plans:
                yield from _pass(one)
        case Fleet(exit_code=code, waves=waves):
            yield _Sample("rollout_exit_code", code)
            members = [member for wave in waves for member in wave.members]
            yield _Sample("rollout_plans", len(members))
            for member in members:
                if member.change_set is not None:
                    status = member.change_set.decision.status.value
                    yield from _plan(member.change_set, status, {"member": member.name})
        case Validation(exit_code=code, plans=plans):
            yield _Sample("rollout_exit_code", code)
            yield _Sample("rollout_plans", len(plans))
        case Failure(exit_code=code):
            yield _Sample("rollout_exit_code", code)


def _pass(one: Pass) -> Iterator[_Sample]:
    file = {"file": one.file}
    yield _Sample("rollout_exit_code", one.exit_code, file)
    yield _Sample("rollout_writes", one.writes, file)
    if one.change_set is None:
        yield _Sample("rollout_status", 1, {**file, "status": one.status})
    else:
        yield from _plan(one.change_set, one.status, {})


def _plan(document: Document, status: str, more: Mapping[str, str]) -> Iterator[_Sample]:
    whose = {"plan": document.plan, "endpoint": document.endpoint.name, "file": document.file, **more}
    decision, endpoint = document.decision, document.endpoint
    yield _Sample("rollout_status", 1, {**whose, "status": status})
    yield _Sample("rollout_phase", 1, {**whose, "phase": decision.phase.value})
    for stage in document.stages:
        if stage.state is StageState.ACTIVE:
            yield _Sample("rollout_stage", 1, {**whose, "stage": stage.name})
    for one in endpoint.deployments:
        deployment = {**whose, "deployment": one.name}
        yield _Sample("rollout_traffic_ratio", one.weight / 100, deployment)
        yield _Sample("rollout_mirror_ratio", one.mirror / 100, deployment)
        yield _Sample("rollout_instances", one.instance_count, deployment)
    if document.roles.candidate:
        weight = endpoint.traffic.get(document.roles.candidate, 0)
        yield _Sample("rollout_candidate_traffic_ratio", weight / 100, whose)
    yield _Sample("rollout_pending_actions", len(document.actions), whose)
    yield _Sample("rollout_drift_fields", len(document.drift), whose)
    yield from _measured(document, whose)
    for kind, count in msgspec.structs.asdict(document.requests).items():
        yield _Sample("rollout_requests", count, {**whose, "kind": kind})
    yield from _moment("rollout_look_timestamp_seconds", document.observed_at, whose)
    yield from _moment("rollout_next_pass_timestamp_seconds", decision.next_after, whose)


def _measured(document: Document, whose: Mapping[str, str]) -> Iterator[_Sample]:
    if document.result is None:
        return
    if document.command != "reconcile":  # a pass tells its writes by its file
        yield _Sample("rollout_writes", document.result.writes, whose)
    last = {said.gate: said.outcome for said in document.result.measurements}
    for gate, outcome in last.items():
        yield _Sample("rollout_verdict", 1, {**whose, "gate": gate, "outcome": outcome})


def _moment(metric: str, at: datetime | None, whose: Mapping[str, str]) -> Iterator[_Sample]:
    if at is not None:
        yield _Sample(metric, at.timestamp(), whose)


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(text: str) -> str:
    shown = harmless.line(text, _LONGEST)
    return shown.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
