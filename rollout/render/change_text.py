"""A document about one plan for people at a terminal: what changes, field by field, the way back, and how to go on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rollout.core.decision import StageState, Status
from rollout.core.observed import Weights
from rollout.render import words
from rollout.render.document import Change, Document, Endpoint, Hazard, Stage, Step
from rollout.render.headline import headline, state_of
from rollout.render.policy_text import policy_lines
from rollout.render.styled import Line, Meaning, line, plural, spans

_STATUS: Final[dict[Status, Meaning]] = {
    Status.ACT: "change",
    Status.WAIT: "warn",
    Status.HOLD: "bad",
    Status.DONE: "good",
    Status.REFUSE: "bad",
}
_STAGE: Final[dict[StageState, Meaning]] = {
    StageState.SATISFIED: "good",
    StageState.ACTIVE: "warn",
    StageState.PENDING: "",
    StageState.SKIPPED: "dim",
    StageState.FAILED: "bad",
}
_SIGN: Final[dict[str, Meaning]] = {"+": "add", "~": "change", "-": "remove"}


def document_lines(document: Document) -> Iterator[Line]:
    """As its command shows it: a diff what is to come, any other how it stands."""
    return diff_lines(document) if document.command == "diff" else status_lines(document)


def diff_lines(document: Document) -> Iterator[Line]:
    """What `rollout diff` shows."""
    yield from head_lines(document)
    yield from change_lines(document)
    yield from stage_lines(document.stages)
    yield from _pending(document)
    yield from _drift(document)
    yield from _unchanged(document)
    yield from _hazards(document.hazards)
    yield from policy_lines(document.policy)
    yield from _end(document)


def status_lines(document: Document) -> Iterator[Line]:
    """What `rollout status` shows."""
    yield from head_lines(document)
    yield from _deployments(document.endpoint)
    yield from stage_lines(document.stages)
    yield from policy_lines(document.policy)
    yield from _pending(document)
    yield from _drift(document)
    yield from _history(document)


def head_lines(document: Document) -> Iterator[Line]:
    """The plan, the endpoint, who is who, and the decision with its reason."""
    decision, endpoint, roles = document.decision, document.endpoint, document.roles
    yield spans((document.plan, "title"), (f"  endpoint {endpoint.name}", ""))
    if endpoint.exists:
        yield line(f"  traffic    {split(endpoint)}")
    if roles.stable:
        yield line(f"  stable     {roles.stable} {words.short(roles.stable_revision)}")
    if roles.candidate and roles.goal != roles.stable_revision:
        yield line(f"  candidate  {roles.candidate} {words.short(roles.goal)}")
    yield spans(("  now        ", ""), (state_of(document), _STATUS[decision.status]), (f": {decision.reason}", ""))
    if decision.next_after is not None:
        yield line(f"  next       after {words.moment(decision.next_after)}")
    for note in document.notes:
        yield spans(("  note       ", "warn"), (note, ""))


def split(endpoint: Endpoint) -> str:
    """`blue 90, green 10`, with what is mirrored behind it."""
    return words.split(Weights(tuple(endpoint.traffic.items()), tuple(endpoint.mirror.items())))


def stage_lines(stages: Iterable[Stage]) -> Iterator[Line]:
    """Every stage with its state."""
    shown = tuple(stages)
    if not shown:
        return
    yield line()
    yield line("Stages", "title")
    width = max(len(stage.name) for stage in shown)
    for stage in shown:
        yield spans(
            (f"  {words.SYMBOLS[stage.state]} {stage.name.ljust(width)}  {stage.note}", _STAGE[stage.state]),
            ("  (skipped)" if stage.state is StageState.SKIPPED else "", "dim"),
        )


def change_lines(document: Document) -> Iterator[Line]:
    """Everything that would still be done."""
    yield line()
    if not document.actions:
        yield line("No changes.", "good" if document.decision.status is Status.DONE else "")
        return
    yield line("Changes still to come, if every gate passes", "title")
    for action in document.actions:
        yield from _action(action)
    if not document.complete:
        yield line("  (this does not end converged; see the decision above)", "warn")
    yield line(f"  {headline(document)}", "dim")


def _action(action: Step) -> Iterator[Line]:
    hazards = f"  ! {', '.join(action.hazards)}" if action.hazards else ""
    yield spans((f"  {action.sign} {action.text}", _SIGN[action.sign]), (hazards, "warn"))
    yield from map(field_line, action.changes)
    if action.same:
        yield line(f"      = {plural(action.same, 'field')} {action.beside}", "dim")


def field_line(change: Change) -> Line:
    """One field: what it is, and what it becomes."""
    sign, text = field_text(change)
    return line(f"      {sign} {text}", _SIGN[sign])


def field_text(change: Change) -> tuple[str, str]:
    """The sign of a field's change, and the change in words."""
    before, after = words.value(change.path, change.before), words.value(change.path, change.after)
    where = f"{change.target}: {change.path}" if change.target else change.path
    known = words.known(change.since, change.by)
    if change.before is None:
        return "+", f"{where}: {after}{known}"
    if change.after is None:
        return "-", f"{where}: {before}{known}"
    return "~", f"{where}: {before} → {after}{known}"


def _pending(document: Document) -> Iterator[Line]:
    untold = tuple(untold_pending(document))
    if untold:
        yield line()
        yield line("Pending: the plan says so, and it is not live yet", "title")
        yield from map(field_line, untold)


def untold_pending(document: Document) -> Iterator[Change]:
    """What the plan moved and no action has told field by field."""
    told = {(action.target, change.path) for action in document.actions for change in action.changes}
    yield from (change for change in document.pending if (change.target, change.path) not in told)


def _drift(document: Document) -> Iterator[Line]:
    if document.drift:
        yield line()
        yield line("Drift: the live endpoint is not what the files say", "title")
        yield from map(field_line, document.drift)


def _unchanged(document: Document) -> Iterator[Line]:
    if document.unchanged:
        yield line()
        yield line(f"Unchanged: {plural(len(document.unchanged), 'managed field')}", "dim")


def _hazards(hazards: tuple[Hazard, ...]) -> Iterator[Line]:
    """Those that are refused first, each with the flag that allows it."""
    if not hazards:
        return
    yield line()
    yield line("Hazards", "title")
    for hazard in sorted(hazards, key=lambda found: not found.refused):
        said = f": {hazard.why}" if hazard.why else ""
        way = f" (refused; {hazard.flag} allows it)" if hazard.refused else f" ({hazard.state})"
        yield spans((f"  ! {hazard.name}", "bad" if hazard.refused else "warn"), (f"{said}{way}", ""))


def _end(document: Document) -> Iterator[Line]:
    back = document.way_back.text
    if not document.actions:
        return
    yield line()
    if back:
        yield spans(("Way back: ", "title"), (back, ""))
    until = f"  (valid until {words.moment(document.valid_until)})" if document.valid_until else ""
    yield spans(("Digest:   ", "title"), (f"{document.digest}{until}", ""))
    yield spans(("Apply:    ", "title"), (f"rollout apply {document.file}", ""))


def _deployments(endpoint: Endpoint) -> Iterator[Line]:
    if not endpoint.deployments:
        return
    yield line()
    yield line("Deployments", "title")
    width = max(len(found.name) for found in endpoint.deployments)
    for found in endpoint.deployments:
        share = f"{found.weight} %".rjust(5)
        copied = f"  mirror {found.mirror} %" if found.mirror else ""
        revision = words.short(found.revision or "")
        size = f"{found.instance_count} × {found.instance_type}" if found.instance_type else f"{found.instance_count}"
        meaning: Meaning = "" if found.state == "Succeeded" else "bad"
        yield line(f"  {found.name.ljust(width)}  {share}  {found.state}  {size}  {revision}{copied}", meaning)


def _history(document: Document) -> Iterator[Line]:
    if document.history:
        yield line()
        yield line("History", "title")
        for entry in document.history:
            yield line(f"  {words.moment(entry.at)}  {entry.what}")
