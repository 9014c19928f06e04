"""A decision in the words of a case: only what it says, times in minutes, gates by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, assert_never

from rollout.core import actions
from rollout.core.decision import Decision, StageState
from rollout.core.observed import Weights
from rollout.core.progress import Progress, Promoted, Run
from rollout.core.quarantine import BY_HAND
from rollout.core.stamp import born_at
from tests.cases.world import World
from tests.worlds.plane import START

SIGNS: Final = {
    StageState.SATISFIED: "+",
    StageState.ACTIVE: ">",
    StageState.PENDING: ".",
    StageState.SKIPPED: "-",
    StageState.FAILED: "x",
}


def told(world: World, decision: Decision) -> dict[str, Any]:
    """What the case's `decision:` must be."""
    first = decision.actions[0] if decision.actions else None
    said = {
        "status": decision.status.value,
        "phase": decision.phase.value,
        "stages": stages(decision),
        "reason": decision.reason,
        "drift": _changes(decision.drift),
        "action": action(first) if first else "",
        "hazards": [one.name for one in first.hazards] if first else [],
        "measure": decision.measure.name if decision.measure else "",
        "next_after": minutes(decision.next_after),
        "tags": written(world, first) if first else {},
        "notes": list(decision.notes),
    }
    if "roles" in world.case.get("decision", {}):
        said["roles"] = roles(decision)
    return {name: value for name, value in said.items() if value not in ("", [], {})}


def stages(decision: Decision) -> str:
    """How every stage stands, in the order of the plan, a sign for each."""
    return "".join(SIGNS[view.state] for view in decision.stages)


def roles(decision: Decision) -> str:
    """`stable blue=v1, candidate green=v2`; told only in cases that ask for it."""
    who = decision.roles
    return f"stable {who.stable}={who.stable_revision}, candidate {who.candidate}={who.goal}"


def action(act: actions.Action) -> str:
    """One action, without its reason."""
    match act:
        case actions.CreateEndpoint(endpoint=spec):
            return f"create endpoint {spec.name}"
        case actions.SetTraffic(weights=weights):
            return f"put {split(weights)}"
        case actions.UpdateEndpoint(changes=changes):
            return f"update endpoint: {_changes(changes)}"
        case actions.Record():
            return "marker"
        case actions.DeployRevision(deployment=name, spec=spec, count=count, mode=mode):
            return f"{mode} {name}: {spec.revision} x{count}"
        case actions.ScaleDeployment(deployment=name, before=before, count=count):
            return f"scale {name}: {before} to {count}"
        case actions.CarryAutoscale(deployment=name, origin=origin, source=source):
            return f"autoscale {name} as {origin}: {source}"
        case actions.DropAutoscale(deployment=name, setting=setting):
            return f"drop autoscale of {name}: {setting}"
        case actions.UpdateDeployment(deployment=name, changes=changes):
            return f"update {name}: {_changes(changes)}"
        case actions.DeleteDeployment(deployment=name):
            return f"delete {name}"
        case actions.DeleteEndpoint(endpoint=name):
            return f"delete endpoint {name}"
        case _:
            assert_never(act)


def written(world: World, act: actions.Action) -> dict[str, str]:
    """What the action's record changes: field by field, `before -> after`; the last line of history as it is."""
    if isinstance(act, actions.DeployRevision):
        return {"revision": act.spec.revision, "born": minutes(born_at(act.born))}
    after: Progress | None = getattr(act, "progress", None)
    if after is None:
        return {}
    old = dict(_fields(world, world.record)) if world.record else {}
    new = dict(_fields(world, after))
    changed = {
        name: f"{old.get(name) or 'none'} -> {new[name] or 'none'}" for name in new if old.get(name, "") != new[name]
    }
    if after.history and after.history != (world.record.history if world.record else ()):
        changed["history"] = after.history[-1].what
    return changed


def minutes(time: datetime | None) -> str:
    """Minutes since the start, `60m`; seconds only where there are some."""
    if time is None:
        return ""
    return f"{(time - START).total_seconds() / 60:g}m"


def split(weights: Weights) -> str:
    """The split, in the words that `world.split` reads; but `no traffic`, for `none` is a record without a split."""
    live = " ".join(f"{name}={weight}" for name, weight in weights.traffic) or "no traffic"
    copied = " ".join(f"{name}={weight}" for name, weight in weights.mirror)
    return f"{live}, mirror {copied}" if copied else live


def _changes(changes: tuple[actions.FieldChange, ...]) -> str:
    return ", ".join(f"{change.path} {change.before!r} to {change.after!r}" for change in changes)


def _fields(world: World, progress: Progress) -> Iterator[tuple[str, str]]:
    names = {key: name for name, key in world.keys.items()} | {BY_HAND: "a person's word"}
    yield "plan", progress.plan
    yield "promoted", _promoted(progress.promoted)
    yield "former", _promoted(progress.former)
    yield "run", _run(progress.run)
    yield "passed", " ".join(names.get(key, "?") for key in progress.passed)
    yield "written", split(progress.written) if progress.written else ""
    yield "since", minutes(progress.since)
    yield "outcome", progress.outcome
    yield "quarantine", ", ".join(f"{q.goal} at {names.get(q.key, '?')}" for q in progress.quarantine)
    yield "hold", f"{progress.hold.kind}, for {progress.hold.goal}" if progress.hold else ""
    yield "untaken", " ".join(world.codes.get(code, "?") for code in progress.untaken)
    yield "approvals", _approvals(progress, names)


def _approvals(progress: Progress, names: Mapping[str, str]) -> str:
    return " ".join(f"{names.get(entry.key, '?')} by {entry.who}" for entry in progress.approvals)


def _promoted(role: Promoted | None) -> str:
    return f"{role.name}={role.revision} x{role.count}" if role else ""


def _run(run: Run | None) -> str:
    if run is None:
        return ""
    words = [f"{run.goal} in {run.slot} of {run.total}"]
    if run.exposed:
        words.append(f"exposed {minutes(run.exposed)}")
    return ", ".join([*words, *(["ended"] if run.ended else [])])
