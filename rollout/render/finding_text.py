"""Faults and warnings for people at a terminal: the place, the sentence, the snippet with its caret, the remedy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from rollout.errors import Fault
from rollout.render import harmless
from rollout.render.styled import Line, line, plural, spans

if TYPE_CHECKING:  # every start pays for what is imported here
    from rollout.render.document import CheckedPlan, Failure, Validation

LOG_LINES: Final = 200


def validation_lines(document: Validation) -> Iterator[Line]:
    """Every plan that is valid, then what is wrong with the others."""
    for plan in document.plans:
        yield from _plan(plan)
    yield from fault_lines(tuple(fault for plan in document.plans for fault in (*plan.faults, *plan.warnings)))


def fault_lines(faults: tuple[Fault, ...]) -> Iterator[Line]:
    """Every fault with its place, and how many there are; the same for warnings alone."""
    if not faults:
        return
    for fault in faults:
        yield from _fault(fault)
    wrong = sum(fault.severity == "error" for fault in faults)
    kind, count = ("error", plural(wrong, "fault")) if wrong else ("warning", plural(len(faults), "warning"))
    yield line(f"{kind}: {count}", "bad" if wrong else "warn")


def failure_lines(document: Failure) -> Iterator[Line]:
    """The sentence, the end of the log, the remedy; or every fault."""
    if document.faults:
        yield from fault_lines(document.faults)
        return
    yield spans(("error: ", "bad"), (document.message, ""))
    if document.log:
        yield line("the end of its log:")
        yield from log_lines(document.log)
    if document.hint:
        yield line(f"hint: {document.hint}")


def log_lines(log: str) -> Iterator[Line]:
    """A container's log below a message; what it contains cannot move the cursor."""
    yield from (line(f"  {harmless.no_command(text)}") for text in harmless.tail(log, LOG_LINES))


def _plan(plan: CheckedPlan) -> Iterator[Line]:
    if plan.valid:
        yield line(f"{plan.file}: valid ({plan.summary})")


def _fault(fault: Fault) -> Iterator[Line]:
    yield line(str(fault))
    for text in fault.snippet.splitlines():
        yield line(f"  {text}")
    if fault.expected:
        yield line(f"  expected: {fault.expected}")
    if fault.hint:
        yield line(f"  hint: {fault.hint}")
