"""What is written to people where a comment is not enough: the drift issue, and the pull request that takes back.

They say nothing that changes by time alone, so that they are edited only when there is news.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from rollout.core.decision import Phase
from rollout.render import harmless, words
from rollout.render.budget import Block, fitted
from rollout.render.document import Change, Document
from rollout.render.life import active
from rollout.render.markdown_plan import evidence

_LOG_LINES: Final = 60
_WHERE: Final = 80
_LOOKED_AT: Final = 1_000
WHOLE: Final = "the log of the run that wrote this"
"""Where to find what a letter has no room for."""


class Letter(msgspec.Struct, frozen=True):
    """A title in plain text, and a body in Markdown."""

    title: str
    body: str


class Restoration(msgspec.Struct, frozen=True, kw_only=True):
    """How a release is taken back: the commit whose files come again, those that it undoes, and which files.

    `undone` are commits with their subjects, newest first; `revision` is the goal of the files as they were.
    """

    source: str
    undone: tuple[tuple[str, str], ...]
    files: tuple[str, ...]
    revision: str


def drift_letter(document: Document, environment: str, limit: int) -> Letter | None:
    """The issue about what the world moved, in at most `limit` bytes; None where nothing has been."""
    hand = _hand(document)
    if not document.drift and not hand:
        return None
    blocks = [*([hand] if hand else []), *_drifted(document.drift), _ways(document, by_hand=hand is not None)]
    return Letter(f"Drift: {_about(document, environment)}", fitted(blocks, limit, WHOLE))


def drift_over(document: Document) -> str:
    """The comment that closes the issue."""
    return f"The endpoint {harmless.code(document.endpoint.name)} is what the plan says again."


def revert_letter(document: Document, environment: str, back: Restoration, patch: str, limit: int) -> Letter:
    """The pull request that takes the release back, in at most `limit` bytes."""
    stage = active(document)
    failed = f" ({harmless.line(stage.name, _WHERE)} failed)" if stage else ""
    title = f"Take back {_about(document, environment)}{failed}"
    goal = harmless.code(words.short(back.revision))
    text = f"With them the plan's goal is {goal} again, which is what is promoted: the merge deploys nothing."
    proof = Block(rank=0, what="the proof", head=text)
    return Letter(title, fitted([*_why(document), *proof_of(back), proof, evidence_of(patch)], limit, WHOLE))


def revert_message(document: Document, back: Restoration) -> str:
    """The commit's message."""
    return taken_back(harmless.line(document.plan, _WHERE), "rolled back", document.decision.reason, back)


def taken_back(what: str, how: str, reason: str, back: Restoration) -> str:
    """The message of a commit: the release of what is taken back, how that ended and why, and what the files undo."""
    undone = "\n".join(f"  {commit[:12]} {harmless.line(subject, 100)}" for commit, subject in back.undone)
    return (
        f"Take back the release of {what}\n\n"
        f"It was {how}: {harmless.line(reason, 300)}\n\n"
        f"The files are as in {back.source[:12]}, before\n\n{undone}\n"
    )


def rolled_back(document: Document) -> bool:
    """Whether there is something to take back: a goal that failed, and something else that is promoted."""
    return document.decision.phase is Phase.ROLLED_BACK and bool(document.roles.stable_revision)


def _about(document: Document, environment: str) -> str:
    where = f" ({harmless.line(environment, _WHERE)})" if environment else ""
    return harmless.line(document.plan, _WHERE) + where


def _hand(document: Document) -> Block | None:
    """A hold that was recorded because a hand moved weights."""
    record: Any = document.progress if isinstance(document.progress, dict) else {}
    hold = record.get("hold") or {}
    if hold.get("kind") != "outside":
        return None
    return Block(rank=0, what="the hold", head=f"**Held:** {harmless.prose(document.decision.reason, 1_000)}")


def _drifted(changes: Iterable[Change]) -> Iterator[Block]:
    rows = tuple(map(_row, changes))
    if rows:
        head = "| field | is | should be | since | by |\n|---|---|---|---|---|\n"
        yield Block(rank=1, what="fields", head=head, items=rows, more="| … and {} more | | | | |")


def _row(change: Change) -> str:
    path, before, after = (_short(found) for found in (change.path, change.before, change.after))
    cells = (
        harmless.cell(f"{_short(change.target)}: {path}" if change.target else path),
        harmless.cell(words.value(path, before)),
        harmless.cell(words.value(path, after)),
        words.moment(change.since) if change.since else "",
        harmless.cell(change.by) if change.by else "",
    )
    return "| " + " | ".join(cells) + " |"


def _short(found: Any) -> Any:
    """What is looked at of a long text; a cell shows less."""
    return found[:_LOOKED_AT] if isinstance(found, str) else found


def _ways(document: Document, *, by_hand: bool) -> Block:
    file = harmless.code(document.file or document.plan)
    if by_hand:
        ways = [f"- `rollout resume`, `rollout rollback` or `rollout adopt` with {file} ends the hold"]
    else:
        ways = [
            f"- the plan is right: `rollout apply` with {file} writes its values again (`drift: heal` does it unasked)",
            "- the endpoint is right: change the file, or name the field below `ignore:`",
        ]
    tail = "\n\nThis issue is kept current, and closed when it is over."
    return Block(rank=0, what="the ways", head="What to do:\n\n" + "\n".join(ways) + tail)


def _why(document: Document) -> Iterator[Block]:
    reason = harmless.prose(document.decision.reason, 1_000)
    text = (
        f"The release of {harmless.code(document.plan)} was **rolled back**: {reason}\n\n"
        f"{harmless.code(document.roles.stable)} has all traffic. Until the plan in Git agrees, each pass holds."
    )
    yield Block(rank=0, what="the reason", head=text)
    for said in document.result.measurements if document.result else ():
        if said.outcome == "FAIL":
            head = f"**{harmless.code(said.gate)}** said {harmless.prose(said.reason, 1_000)}"
            yield Block(rank=2, what="verdicts", head=head)
            if said.log:
                lines = [text for one in said.log[-_LOG_LINES:] for text in harmless.tail(one, _LOG_LINES)]
                yield evidence("the end of the log", lines[-_LOG_LINES:])


def evidence_of(patch: str) -> Block:
    """The patch itself, folded."""
    lines = [text for one in harmless.block(patch).splitlines() for text in harmless.tail(one, 1)]
    return evidence("The exact patch; <code>git am</code> takes it", lines)


def proof_of(back: Restoration) -> Iterator[Block]:
    """Which files become what they were, and what that undoes."""
    source = harmless.code(back.source[:12])
    files = tuple(f"- {harmless.code(name)}" for name in back.files)
    yield Block(
        rank=1, what="files", head=f"These files are as in {source} again:\n\n", items=files, more="- … and {} more"
    )
    undone = tuple(f"- {harmless.code(commit[:12])} {harmless.code(subject)}" for commit, subject in back.undone)
    yield Block(rank=3, what="commits", head="It undoes, for them:\n\n", items=undone, more="- … and {} more")
