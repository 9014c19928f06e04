"""The blocks of a document about one plan: decision, evidence, hazards, changes, drift, stages, the way back."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from rollout.core.decision import Phase, StageState, Status
from rollout.render import harmless, words
from rollout.render.budget import Block
from rollout.render.change_text import split, untold_pending
from rollout.render.document import Change, Document, Governing, Hazard, Measurement, Step
from rollout.render.headline import headline, state_of
from rollout.render.policy_text import policy_problems, policy_summary
from rollout.render.styled import plural
from rollout.render.timeline import timeline

STATUS_SIGNS: Final = {
    Status.ACT: "📝",
    Status.WAIT: "⏳",
    Status.HOLD: "⏸️",
    Status.DONE: "✅",
    Status.REFUSE: "⛔",
}
_STATES: Final = {"refused": "⛔", "allowed": "⚠️", "shown": "⚠️"}
_COLUMNS: Final = {"+": "+", "~": "!", "-": "-"}
"""What colours a line of a `diff` fence on GitHub: green, orange, red."""
_OVER: Final = frozenset({StageState.SATISFIED, StageState.SKIPPED})
_LOG_LINES: Final = 200
_NAME: Final = 100


def plan_blocks(document: Document) -> Iterator[Block]:
    """In the order in which they are read; the rank says who gets room first."""
    yield _head(document)
    yield from _failures(document)
    yield from _hazards(document.hazards)
    yield from _policy(document.policy)
    yield from _steps(document)
    yield from _pending(document)
    yield from _fields(
        "Drift: changed outside, not by the plan (`-` is live, `+` is declared)",
        document.drift,
        rank=5,
        what="fields that drifted",
    )
    if any(stage.state not in _OVER for stage in document.stages):
        yield Block(rank=7, what="the timeline", head=timeline(document.stages))
    yield from _footer(document)
    yield from _notes(document.notes)
    yield from _stages(document)
    yield from _logs(document)
    yield from _unchanged(document)


def _head(document: Document) -> Block:
    """The line that says it all, and who is who."""
    decision, roles, endpoint = document.decision, document.roles, document.endpoint
    rolled_back = decision.phase is Phase.ROLLED_BACK and decision.status is Status.HOLD
    sign = "↩️" if rolled_back else STATUS_SIGNS[decision.status]
    lines = [
        f"### {sign} {harmless.code(document.plan, _NAME)}: {harmless.prose(headline(document), 300)}",
        "",
        f"- **Now** {state_of(document)}: {harmless.prose(decision.reason)}",
    ]
    if decision.next_after is not None:
        lines.append(f"- **Next look** {words.moment(decision.next_after)}")
    traffic = f", traffic {harmless.code(split(endpoint))}" if endpoint.exists else ", which does not exist yet"
    lines.append(f"- **Endpoint** {harmless.code(endpoint.name, _NAME)}{traffic}")
    if roles.stable:
        lines.append(
            f"- **Stable** {harmless.code(roles.stable, _NAME)} {harmless.code(words.short(roles.stable_revision))}"
        )
    if roles.candidate and roles.goal != roles.stable_revision:
        lines.append(
            f"- **Candidate** {harmless.code(roles.candidate, _NAME)} {harmless.code(words.short(roles.goal))}"
        )
    if document.result is not None:
        ended = document.result
        lines.append(f"- **Result** {plural(ended.writes, 'write')}, exit code {ended.exit_code}")
    return Block(rank=0, what="the decision", head="\n".join(lines))


def _policy(policy: Governing | None) -> Iterator[Block]:
    """What stops it: rules that are broken, a stopped line; else in a line what applies."""
    if policy is None:
        return
    items = [f"- ⛔ {harmless.prose(text)}" for text in policy_problems(policy)]
    head = "#### Policy\n\n" if items else f"- **Policy** {harmless.prose(policy_summary(policy))}"
    yield Block(rank=2, what="the policy", head=head, items=tuple(items), more="- … and {} more")


def _failed(document: Document) -> tuple[Measurement, ...]:
    return tuple(said for said in document.result.measurements if said.outcome == "FAIL") if document.result else ()


def _failures(document: Document) -> Iterator[Block]:
    """Why it went wrong, in a sentence each; the logs come later."""
    for said in _failed(document):
        text = f"**Gate {harmless.code(said.gate)} failed:** {harmless.prose(said.reason, 1_000)}"
        yield Block(rank=1, what="verdicts", head=text)
    if document.result is not None and document.result.failure:
        first = harmless.first_line(document.result.failure)
        yield Block(rank=1, what="the failure", head=f"**Failed:** {harmless.prose(first, 1_000)}")


def _hazards(hazards: tuple[Hazard, ...]) -> Iterator[Block]:
    """Refused ones first, each with what allows it."""
    if not hazards:
        return
    items = tuple(map(hazard_text, sorted(hazards, key=lambda found: not found.refused)))
    yield Block(rank=2, what="hazards", head="#### Hazards\n\n", items=items, more="- … and {} more")


def hazard_text(hazard: Hazard) -> str:
    """One item of a list: its name, why, and what allows it."""
    text = f"- {_STATES[hazard.state]} {harmless.code(hazard.name)}"
    text += f" {harmless.prose(hazard.why)}" if hazard.why else ""
    way = f"**refused**; {harmless.code(hazard.flag)} allows it" if hazard.refused else hazard.state
    return f"{text} ({way})"


def _steps(document: Document) -> Iterator[Block]:
    """Every action with its fields in one `diff` fence, what is destroyed first; each with its place in the order."""
    if not document.actions:
        return
    title = "#### Still to come, if every gate passes"
    if not document.complete:
        title += "\n\nThis does not end converged: see the decision above."
    yield fenced(title, "diff", step_lines(document), rank=4, what="lines of changes")


def step_lines(document: Document) -> list[str]:
    """The lines of a `diff` fence: every action with its fields."""
    drifted = {(change.target, change.path) for change in document.drift}
    numbered = sorted(enumerate(document.actions, 1), key=lambda pair: pair[1].sign != "-")
    return [text for at, action in numbered for text in _step(at, action, drifted)]


def _step(at: int, action: Step, drifted: set[tuple[str, str]]) -> Iterator[str]:
    hazards = f"   ⚠ {', '.join(action.hazards)}" if action.hazards else ""
    yield harmless.line(f"{_COLUMNS[action.sign]} {at}. {action.text}{hazards}")
    for change in action.changes:
        yield from _field(change, "   # drift" if (action.target, change.path) in drifted else "")
    if action.same:
        yield harmless.line(f"      = {plural(action.same, 'field')} {action.beside}")


def _field(change: Change, note: str = "") -> Iterator[str]:
    """One line for what is, one for what it becomes."""
    where = f"{change.target}: {change.path}" if change.target else change.path
    told = note + words.known(change.since, change.by)
    if change.before is not None:
        yield harmless.line(f"-     {where}: {words.value(change.path, change.before)}{told}")
    if change.after is not None or change.before is None:
        yield harmless.line(f"+     {where}: {words.value(change.path, change.after)}")


def _pending(document: Document) -> Iterator[Block]:
    """What the plan moved, unless a step has told it already."""
    rest = untold_pending(document)
    yield from _fields("Pending: the plan says so, it is not live yet", rest, rank=6, what="pending fields")


def _fields(title: str, changes: Iterable[Change], *, rank: int, what: str) -> Iterator[Block]:
    lines = [text for change in changes for text in _field(change)]
    if lines:
        yield fenced(f"#### {title}", "diff", lines, rank=rank, what=what)


def _footer(document: Document) -> Iterator[Block]:
    """The way back, what is approved, and how it is applied."""
    lines = []
    if document.actions and document.way_back.text:
        lines.append(f"- **Way back** {harmless.prose(document.way_back.text)}")
    if document.actions:
        until = f", valid until {words.moment(document.valid_until)}" if document.valid_until else ""
        command = f"rollout apply {shlex.quote(document.file[:1_000])} --expect {document.digest}"
        lines.append(f"- **Digest** {harmless.code(document.digest)}{until}")
        lines.append(f"- **Apply** {harmless.code(command, 1_200)}")
    if lines:
        yield Block(rank=3, what="how to apply", head="\n".join(lines))


def _notes(notes: tuple[str, ...]) -> Iterator[Block]:
    if notes:
        items = tuple(f"- {harmless.prose(note)}" for note in notes)
        yield Block(rank=8, what="notes", head="#### Notes\n\n", items=items, more="- … and {} more")


def _stages(document: Document) -> Iterator[Block]:
    """A table, folded: the picture has said it already."""
    if not document.stages:
        return
    rows = []
    for stage in document.stages:
        cells = (words.SYMBOLS[stage.state], harmless.cell(stage.name), stage.state.value, harmless.cell(stage.note))
        rows.append("| " + " | ".join(cells) + " |")
    done = sum(stage.state in _OVER for stage in document.stages)
    head = (
        _summary(f"{done} of {plural(len(rows), 'stage')} passed")
        + "| | stage | state | asks for |\n|---|---|---|---|\n"
    )
    yield Block(
        rank=9, what="stages", head=head, items=tuple(rows), more="| | … and {} more | | |", tail="\n\n</details>"
    )


def _logs(document: Document) -> Iterator[Block]:
    """The ends of the logs, folded."""
    for said in _failed(document):
        if said.log:
            lines = [text for one in said.log[-_LOG_LINES:] for text in harmless.tail(one, _LOG_LINES)]
            yield evidence(f"the end of the log that {harmless.html(said.gate)} saw", lines[-_LOG_LINES:])
    failure = document.result.failure.partition("\n")[2] if document.result else ""
    if failure:
        yield evidence("the end of the container's log", harmless.tail(failure, _LOG_LINES))


def evidence(title: str, lines: Iterable[str]) -> Block:
    """A log, folded; `title` is HTML. Where there is not room for all of it, the end stays."""
    found = fenced("", "text", list(lines), rank=10, what="lines of logs", fold=title)
    return msgspec.structs.replace(found, last=True)


def _unchanged(document: Document) -> Iterator[Block]:
    if document.unchanged:
        lines = [
            harmless.line(f"{f'{one.target}: ' if one.target else ''}{one.path}: {words.value(one.path, one.value)}")
            for one in document.unchanged
        ]
        title = f"{plural(len(lines), 'managed field')} unchanged"
        yield fenced("", "text", lines, rank=11, what="unchanged fields", fold=title)


def fenced(title: str, info: str, lines: list[str], *, rank: int, what: str, fold: str = "") -> Block:
    """Lines in a fence that none of them can close, below a title or folded."""
    ticks = "`" * max(3, max(map(harmless.longest_run, lines), default=0) + 1)
    head = _summary(fold) if fold else f"{title}\n\n"
    tail = f"\n{ticks}" + ("\n\n</details>" if fold else "")
    return Block(rank=rank, what=what, head=f"{head}{ticks}{info}\n", items=tuple(lines), tail=tail)


def _summary(title: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n\n"
