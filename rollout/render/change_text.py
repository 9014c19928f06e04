"""The change set for people: what changes, field by field, the way back, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeleteEndpoint,
    DeployRevision,
    FieldChange,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.decision import Decision, Phase, StageState, Status
from rollout.core.observed import Observation
from rollout.core.settings import revision_changes
from rollout.render import words
from rollout.render.report import Report
from rollout.render.styled import Line, Meaning, line, spans

_STATUS: Final[dict[Status, tuple[str, Meaning]]] = {
    Status.ACT: ("changes to make", "change"),
    Status.WAIT: ("waiting", "warn"),
    Status.HOLD: ("held", "bad"),
    Status.DONE: ("in sync", "good"),
    Status.REFUSE: ("refused", "bad"),
}
_STAGE: Final[dict[StageState, Meaning]] = {
    StageState.SATISFIED: "good",
    StageState.ACTIVE: "warn",
    StageState.PENDING: "",
    StageState.SKIPPED: "dim",
    StageState.FAILED: "bad",
}


def diff_lines(report: Report) -> Iterator[Line]:
    """What `rollout diff` shows."""
    yield from head_lines(report)
    yield from change_lines(report)
    yield from stage_lines(report.changes.decision)
    yield from _drift(report)
    yield from _way_back(report)
    yield from _end(report)


def status_lines(report: Report) -> Iterator[Line]:
    """What `rollout status` shows."""
    yield from head_lines(report)
    yield from _deployments(report.observation)
    yield from stage_lines(report.changes.decision)
    yield from _drift(report)
    yield from _history(report)


def head_lines(report: Report) -> Iterator[Line]:
    """The plan, the endpoint, who is who, and the decision with its reason."""
    decision = report.changes.decision
    yield spans((report.release.name, "title"), (f"  endpoint {report.release.endpoint.name}", ""))
    endpoint, roles = report.observation.endpoint, decision.roles
    if endpoint is not None:
        yield line(f"  traffic    {words.split(endpoint.weights)}")
    if roles.stable:
        yield line(f"  stable     {roles.stable} {words.short(roles.stable_revision)}")
    if roles.candidate and roles.goal != roles.stable_revision:
        yield line(f"  candidate  {roles.candidate} {words.short(roles.goal)}")
    text, meaning = _STATUS[decision.status]
    if decision.phase is Phase.ROLLED_BACK and decision.status is Status.HOLD:
        text = "rolled back"
    yield spans(("  now        ", ""), (text, meaning), (f": {decision.reason}", ""))
    if decision.next_after is not None:
        yield line(f"  next       after {words.moment(decision.next_after)}")
    for note in decision.notes:
        yield spans(("  note       ", "warn"), (note, ""))


def stage_lines(decision: Decision) -> Iterator[Line]:
    """Every stage with its state."""
    if not decision.stages:
        return
    yield line()
    yield line("Stages", "title")
    width = max(len(view.stage.name) for view in decision.stages)
    for view in decision.stages:
        symbol = words.SYMBOLS[view.state]
        note = view.note or words.stage_text(view.stage)
        yield spans(
            (f"  {symbol} {view.stage.name.ljust(width)}  {note}", _STAGE[view.state]),
            ("  (skipped)" if view.state is StageState.SKIPPED else "", "dim"),
        )


def change_lines(report: Report) -> Iterator[Line]:
    """Everything that would still be done."""
    yield line()
    actions = report.changes.actions
    if not actions:
        yield line("No changes.", "good" if report.changes.decision.status is Status.DONE else "")
        return
    yield line("Changes still to come, if every gate passes", "title")
    for action in actions:
        yield from _action(report, action)
    if not report.changes.complete:
        yield line("  (this does not end converged; see the decision above)", "warn")


def _action(report: Report, action: Action) -> Iterator[Line]:
    sign, meaning = _sign(action)
    hazards = f"  ! {', '.join(action.hazards)}" if action.hazards else ""
    yield spans((f"  {sign} {words.action_text(action)}", meaning), (hazards, "warn"))
    match action:
        case CreateEndpoint(endpoint=spec):
            yield from (_field(FieldChange(path, None, spec.fields[path])) for path in sorted(spec.fields))
        case DeployRevision():
            yield from _revision(report, action)
        case UpdateEndpoint(changes=changes) | UpdateDeployment(changes=changes):
            yield from map(_field, changes)
        case _:
            return


def _revision(report: Report, action: DeployRevision) -> Iterator[Line]:
    """Field by field: an update against what it updates, a new deployment against what serves now."""
    changes, beside = action.changes, f"of {action.deployment}"
    endpoint, stable = report.observation.endpoint, report.changes.decision.roles.stable
    serving = endpoint.deployment(stable) if endpoint else None
    if action.mode == "create" and serving is not None and stable != action.deployment:
        changes, beside = revision_changes(action.spec, serving), f"as in {stable}"
    yield from map(_field, changes)
    same = len(action.spec.fields) - len(changes)
    if same > 0:
        yield line(f"      = {same} field{'s' if same != 1 else ''} {beside}", "dim")


def _sign(action: Action) -> tuple[str, Meaning]:
    if isinstance(action, DeleteDeployment | DeleteEndpoint):
        return "-", "remove"
    created = isinstance(action, CreateEndpoint) or (isinstance(action, DeployRevision) and action.mode == "create")
    return ("+", "add") if created else ("~", "change")


def _field(change: FieldChange) -> Line:
    before, after = words.value(change.path, change.before), words.value(change.path, change.after)
    if change.before is None:
        return line(f"      + {change.path}: {after}", "add")
    if change.after is None:
        return line(f"      - {change.path}: {before}", "remove")
    return line(f"      ~ {change.path}: {before} → {after}", "change")


def _drift(report: Report) -> Iterator[Line]:
    drift = report.changes.decision.drift
    if not drift:
        return
    yield line()
    yield line("Drift: the live endpoint is not what the files say", "title")
    yield from map(_field, drift)


def _way_back(report: Report) -> Iterator[Line]:
    if not report.changes.actions:
        return
    yield line()
    stable = report.changes.decision.roles.stable
    if stable:
        back = f"a failed gate, or `rollout rollback`, gives all traffic back to {stable} in one write"
    else:
        back = "nothing serves yet: a failed gate holds and leaves the weights"
    yield spans(("Way back: ", "title"), (back, ""))
    hazards = sorted({hazard for action in report.changes.actions for hazard in action.hazards})
    if hazards:
        yield spans(("Hazards:  ", "title"), (", ".join(hazards), "warn"))


def _end(report: Report) -> Iterator[Line]:
    if not report.changes.actions:
        return
    yield spans(("Digest:   ", "title"), (report.changes.digest, ""))
    yield spans(("Apply:    ", "title"), (f"rollout apply {report.file}", ""))


def _deployments(seen: Observation) -> Iterator[Line]:
    endpoint = seen.endpoint
    if endpoint is None or not endpoint.deployments:
        return
    yield line()
    yield line("Deployments", "title")
    width = max(len(found.name) for found in endpoint.deployments)
    for found in endpoint.deployments:
        share = f"{endpoint.weights.live(found.name)} %".rjust(5)
        mirrored = endpoint.weights.mirrored(found.name)
        copied = f"  mirror {mirrored} %" if mirrored else ""
        revision = words.short(found.revision or "")
        size = f"{found.count} × {found.instance_type}" if found.instance_type else f"{found.count}"
        meaning: Meaning = "" if found.ready else "bad"
        yield line(f"  {found.name.ljust(width)}  {share}  {found.state}  {size}  {revision}{copied}", meaning)


def _history(report: Report) -> Iterator[Line]:
    history = getattr(report.progress, "history", ())
    if not history:
        return
    yield line()
    yield line("History", "title")
    for entry in history:
        yield line(f"  {words.moment(entry.at)}  {entry.what}")
