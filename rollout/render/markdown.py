"""A document as Markdown for a comment or a step's summary: the most important first, in a number of bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.render import harmless
from rollout.render.budget import Block, fitted
from rollout.render.document import AnyDocument, Document, Failure, Fleet, Pass, Reconciliation, Validation
from rollout.render.findings import findings
from rollout.render.fleet_markdown import fleet_blocks, fleet_sign
from rollout.render.headline import headline
from rollout.render.markdown_plan import evidence, plan_blocks

COMMENT_LIMIT: Final = 65_536
LEAST: Final = 16_384
"""Bytes in which the title, the decision and a notice always have room, whatever they say."""
LONGEST_WHOLE: Final = 1_000
WHOLE: Final = "`--output json=FILE`, and `rollout render FILE`"
_EXIT: Final = {True: "✅", False: "⛔"}
_SEVERITY: Final = {"error": "⛔", "warning": "⚠️", "notice": "ℹ️"}


def markdown(document: AnyDocument, limit: int = COMMENT_LIMIT, *, whole: str = WHOLE) -> str:
    """At most `limit` bytes of closed GitHub Markdown, without a newline at its end.

    `whole` says where all of it is, in Markdown that is trusted. Raises ValueError: a limit below `LEAST`, a `whole`
    of more than 1,000 bytes.
    """
    if limit < LEAST or len(whole.encode()) > LONGEST_WHOLE:
        raise ValueError(f"{limit} bytes are too few for a document: at least {LEAST}, {LONGEST_WHOLE} for `whole`")
    return fitted(tuple(blocks_of(document)), limit, whole)


def blocks_of(document: AnyDocument) -> Iterator[Block]:
    """The pieces, in the order in which they are shown."""
    match document:
        case Document():
            yield from plan_blocks(document)
        case Validation(valid=valid):
            yield _title(_EXIT[valid], headline(document))
            yield from _finding_blocks(document)
        case Failure(command=command, file=file):
            yield _title("⛔", f"rollout {command} failed")
            yield from _failed(document, file)
        case Reconciliation(plans=plans):
            yield _title(_EXIT[all(found.exit_code in (0, 7) for found in plans)], headline(document))
            yield from _passes(plans)
        case Fleet():
            yield _title(fleet_sign(document), f"{document.fleet}: {headline(document)}")
            yield from fleet_blocks(document)


def _title(sign: str, text: str) -> Block:
    return Block(rank=0, what="the title", head=f"### {sign} {harmless.prose(text)}")


def _failed(document: Failure, file: str) -> Iterator[Block]:
    about = f" of {harmless.code(file)}" if file else ""
    yield Block(rank=0, what="the end", head=f"Exit code {document.exit_code}{about}.")
    if document.faults:
        yield from _finding_blocks(document)
        return
    yield Block(rank=1, what="the message", head=harmless.fence(document.message[:2_000], "text"))
    if document.hint:
        yield Block(rank=1, what="the hint", head=f"**Hint:** {harmless.prose(document.hint)}")
    if document.log:
        yield evidence("the end of its log", harmless.tail(document.log, 200))


def _finding_blocks(document: AnyDocument) -> Iterator[Block]:
    """One item for each finding, with its place, its snippet and its hint."""
    items = []
    for found in findings(document):
        place = ":".join([found.file, *(str(at) for at in (found.line, found.column) if at)])
        text = f"- {_SEVERITY[found.severity]} {harmless.code(found.code)} {harmless.code(place)}"
        text += f": {harmless.prose(found.message, 1_000)}"
        more = [
            f"{word}: {harmless.prose(said)}"
            for word, said in (("expected", found.expected), ("hint", found.hint))
            if said
        ]
        items.append("<br>".join([text, *more]))
    if items:
        yield Block(rank=1, what="findings", items=tuple(items), more="- … and {} more")


def _passes(plans: tuple[Pass, ...]) -> Iterator[Block]:
    """What went wrong first, then a line for each plan, then the evidence."""
    rows = []
    for found in sorted(plans, key=lambda each: each.exit_code in (0, 7)):
        sign = _EXIT[found.exit_code in (0, 7)]
        told = headline(found.change_set) if found.change_set else found.reason
        name = harmless.html(found.file) if "|" in found.file else harmless.code(found.file)
        cells = (sign, name, harmless.cell(found.status), harmless.cell(told))
        rows.append("| " + " | ".join(cells) + " |")
    if rows:
        head = "| | plan | status | what |\n|---|---|---|---|\n"
        yield Block(rank=1, what="plans", head=head, items=tuple(rows), more="| … | and {} more | | |")
    for found in plans:
        result = found.change_set.result if found.change_set else None
        for said in result.measurements if result else ():
            if said.outcome == "FAIL":
                why = f"**{harmless.code(found.file)}, {harmless.code(said.gate)}:** {harmless.prose(said.reason)}"
                yield Block(rank=2, what="verdicts", head=why)
