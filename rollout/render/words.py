"""Values in words: weights, stages, times, actions. The same words in every form."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, Final, Literal, assert_never

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
from rollout.core.decision import StageState
from rollout.core.gate_bodies import Compare, Metric, evidence_of
from rollout.core.gate_bodies import short as short_rule
from rollout.core.hidden import is_secret as is_secret
from rollout.core.observed import Weights
from rollout.core.release import AnyStage, Delete, Deploy, Gate, GateKind, Mirror, Scale, Traffic
from rollout.core.spans import span as span

SYMBOLS: Final = {
    StageState.SATISFIED: "✓",
    StageState.ACTIVE: "▶",
    StageState.PENDING: "·",
    StageState.SKIPPED: "–",
    StageState.FAILED: "✗",
}
_DIGEST: Final = re.compile(r"[0-9a-f]{32,}")
_DIGEST_LENGTH: Final = 12
"""A digest is told by its first digits; the JSON form has it whole."""
_LONGEST: Final = 100
NOT_SHOWN: Final = "(not shown)"


def split(weights: Weights) -> str:
    """`blue 90, green 10`, with what is mirrored behind it."""
    live = ", ".join(f"{name} {weight}" for name, weight in weights.traffic) or "none"
    copied = ", ".join(f"{name} {weight}" for name, weight in weights.mirror)
    return f"{live} (mirror {copied})" if copied else live


def moment(when: datetime) -> str:
    """A time of the service, to the second."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"


def short(revision: str) -> str:
    """A digest as people tell it apart."""
    return revision[:10] or "none"


def value(path: str, found: Any) -> str:
    """A field's value on one line; what its name calls a secret is not shown."""
    if found is None:
        return "(none)"
    if is_secret(path, found):
        return NOT_SHOWN
    text = found if isinstance(found, str) and found else json.dumps(found, ensure_ascii=False, sort_keys=True)
    text = text[: _LONGEST * 4]
    text = _DIGEST.sub(lambda found: found.group()[:_DIGEST_LENGTH] + "…", text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def known(since: datetime | None, by: str) -> str:
    """Since when and by whom something is so, as far as somebody knows; with a space in front."""
    told = [*([f"since {moment(since)}"] if since else []), *([f"by {by}"] if by else [])]
    return f" ({', '.join(told)})" if told else ""


def kind_of(stage: AnyStage) -> str:
    """The stage's key in the plan."""
    if isinstance(stage, Gate):
        return stage.kind.value
    return type(stage).__name__.lower()


def stage_text(stage: AnyStage) -> str:
    """What a stage asks for."""
    match stage:
        case Deploy():
            return "the candidate, without traffic"
        case Mirror(weight=weight):
            return f"copy {weight} % to the candidate" if weight else "stop copying requests"
        case Traffic(weight=weight):
            return f"{weight} % to the candidate"
        case Scale(role=role, count=count):
            return f"{role.value} to at least {count}"
        case Delete(role=role, after=after):
            return f"the former {role.value}" + (f", {span(after)} after promotion" if after else "")
        case Gate(kind=GateKind.BAKE, seconds=seconds, body=body):
            return f"healthy for {span(seconds)}{_shown(body)}"
        case Gate(kind=GateKind.METRIC, body=Metric(over=over) as measured):
            return f"over {span(over)}{_shown(measured)}"
        case Gate(kind=GateKind.COMPARE, body=Compare(unit=unit, at_most=share)):
            return f"the {unit}s of stable" + (f", but for {100 * share:.3g} %" if share else "")
        case Gate(kind=kind):
            return kind.value.replace("_", " ")
        case _:
            assert_never(stage)


def stage_label(stage: AnyStage) -> str:
    """The stage in two words: `traffic 10`, `bake 30m`, `deploy`; with its name where somebody gave it one."""
    match stage:
        case Mirror(weight=weight) | Traffic(weight=weight):
            text = f"{kind_of(stage)} {weight}"
        case Scale(role=role, count=count):
            text = f"scale {role.value} {count}"
        case Gate(kind=GateKind.BAKE, seconds=seconds):
            text = f"bake {span(seconds)}"
        case Delete(role=role):
            text = f"delete {role.value}"
        case _:
            text = kind_of(stage).replace("_", " ")
    return f"{text} ({stage.name})" if stage.named and stage.name != text else text


def sign_of(action: Action) -> Literal["+", "~", "-"]:
    """Whether it makes, changes or deletes something."""
    if isinstance(action, DeleteDeployment | DeleteEndpoint | DropAutoscale):
        return "-"
    created = isinstance(action, CreateEndpoint | CarryAutoscale) or (
        isinstance(action, DeployRevision) and action.mode == "create"
    )
    return "+" if created else "~"


def _shown(body: Any) -> str:
    """What a gate's checks must show, each part after a comma; "" if it has none."""
    evidence = evidence_of(body)
    if evidence is None:
        return ""
    how = "proven not to be" if evidence.promote_when == "proven" else "not shown to be"
    counted = f", {how} worse by {', '.join(check.name for check in evidence.checks)}" if evidence.checks else ""
    rules = ", ".join(short_rule(alert.rule) for alert in evidence.alerts)
    return counted + (f", no alert of {rules}" if rules else "")


def target_of(action: Action) -> str:
    """The resource that an action writes ("" : the endpoint that the release is about)."""
    match action:
        case CreateEndpoint(endpoint=spec) | UpdateEndpoint(endpoint=spec):
            return spec.name
        case DeleteEndpoint(endpoint=name):
            return name
        case SetTraffic() | Record():
            return ""
        case _:
            return action.deployment


def action_text(action: Action) -> str:
    """What an action does, in an imperative sentence."""
    match action:
        case CreateEndpoint(endpoint=spec):
            return f"create endpoint {spec.name}"
        case SetTraffic(before=before, weights=weights):
            return f"traffic {split(before)} → {split(weights)}"
        case UpdateEndpoint(endpoint=spec):
            return f"update endpoint {spec.name}"
        case Record():
            return "record progress"
        case DeployRevision(deployment=name, mode="update"):
            return f"update {name} to revision {short(action.spec.revision)}, {_instances(action.count)}"
        case DeployRevision(deployment=name):
            return f"deploy {name} with revision {short(action.spec.revision)}, {_instances(action.count)}"
        case ScaleDeployment(deployment=name, before=before, count=count):
            return f"scale {name} {before} → {count}"
        case CarryAutoscale(deployment=name, origin=origin):
            return f"autoscale {name} as {origin} is"
        case DropAutoscale(deployment=name):
            return f"delete the autoscale setting of {name}"
        case UpdateDeployment(deployment=name):
            return f"update the settings of {name}"
        case DeleteDeployment(deployment=name):
            return f"delete {name}"
        case DeleteEndpoint(endpoint=name):
            return f"delete endpoint {name}"
        case _:
            assert_never(action)


def _instances(count: int) -> str:
    return f"{count} instance{'s' if count != 1 else ''}"
