"""What a person should see at a place: the faults and warnings of files, refused hazards, drift, trouble.

Annotations, SARIF and JUnit are made from these. Most important first: errors, then warnings, then notices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.core.decision import Phase, Status
from rollout.core.fleet import Standing
from rollout.errors import Fault
from rollout.render import harmless, words
from rollout.render.change_text import field_text
from rollout.render.document import (
    AnyDocument,
    Document,
    Failure,
    Finding,
    Fleet,
    FleetMember,
    Pass,
    Reconciliation,
    Validation,
)
from rollout.render.headline import headline, state_of

ORDER: Final = ("error", "warning", "notice")
DRIFT: Final = "DRIFT"
HAZARD: Final = "HAZARD"
STOPPED: Final = "STOPPED"
FAILED: Final = "FAILED"
GATE: Final = "GATE"
PENDING: Final = "PENDING"


def findings(document: AnyDocument) -> tuple[Finding, ...]:
    """All of them, the most important first; within a severity in the order in which they were found."""
    return tuple(sorted(_all(document), key=lambda found: ORDER.index(found.severity)))


def _all(document: AnyDocument) -> Iterator[Finding]:
    match document:
        case Document():
            yield from _of_plan(document)
        case Validation(plans=plans):
            yield from (of_fault(fault) for plan in plans for fault in (*plan.faults, *plan.warnings))
        case Failure():
            yield from _of_failure(document)
        case Reconciliation(plans=plans):
            for found in plans:
                yield from _of_pass(found)
        case Fleet():
            for member in document.members:
                yield from _of_member(member)


def of_fault(fault: Fault) -> Finding:
    """A fault of an input file."""
    where = f"{fault.path}: " if fault.path else ""
    return Finding(
        code=fault.code,
        severity=fault.severity,
        message=where + fault.message,
        file=fault.file,
        line=fault.line,
        column=fault.column,
        path=fault.path,
        hint=fault.hint,
        expected=fault.expected,
        snippet=fault.snippet,
    )


def _of_plan(document: Document) -> Iterator[Finding]:
    about = f"{document.plan}: "
    for measured in document.result.measurements if document.result else ():
        if measured.outcome == "FAIL":
            text = f"{about}{measured.gate}: {measured.reason}"
            yield Finding(code=GATE, severity="error", message=text, file=document.file, path=measured.gate)
    if document.result is not None and document.result.failure:
        said = harmless.first_line(document.result.failure)
        yield Finding(code=FAILED, severity="error", message=about + said, file=document.file)
    if document.decision.status in (Status.HOLD, Status.REFUSE):
        bad = document.decision.phase is Phase.ROLLED_BACK or document.decision.status is Status.REFUSE
        yield Finding(
            code=STOPPED,
            severity="error" if bad else "warning",
            message=f"{about}{state_of(document)}: {document.decision.reason}",
            file=document.file,
            path="decision",
        )
    yield from _hazards(document, about)
    for change in document.drift:
        sign, text = field_text(change)
        yield Finding(
            code=DRIFT, severity="warning", message=f"{about}{sign} {text}", file=document.file, path=change.path
        )
    if document.actions:
        yield Finding(
            code=PENDING, severity="notice", message=about + headline(document), file=document.file, path="actions"
        )


def _hazards(document: Document, about: str) -> Iterator[Finding]:
    for hazard in document.hazards:
        yield Finding(
            code=f"{HAZARD}-{hazard.name}",
            severity="error" if hazard.refused else "warning",
            message=f"{about}{hazard.name}" + (f": {hazard.why}" if hazard.why else ""),
            file=document.file,
            path=f"{hazard.name}:{hazard.target}",
            hint=f"{hazard.flag}, or the repository's policy, allows it" if hazard.refused else "",
        )


def _of_failure(document: Failure) -> Iterator[Finding]:
    if document.faults:
        yield from map(of_fault, document.faults)
        return
    text = f"{document.command}: {document.message}"
    yield Finding(code=FAILED, severity="error", message=text, file=document.file, hint=document.hint)


def _of_member(member: FleetMember) -> Iterator[Finding]:
    if member.change_set is not None:
        yield from _of_plan(member.change_set)
    elif member.state in (Standing.FAILED, Standing.HELD, Standing.UNKNOWN):
        code = FAILED if member.state is Standing.UNKNOWN else STOPPED
        text = f"{member.name}: {member.state.value}: {member.reason}"
        yield Finding(code=code, severity="error", message=text, file=member.file)


def _of_pass(found: Pass) -> Iterator[Finding]:
    if found.change_set is not None:
        yield from _of_plan(found.change_set)
        return
    until = f" (until {words.moment(found.next_after)})" if found.next_after else ""
    severity = "error" if found.status in ("error", "refuse") else "notice"
    yield Finding(
        code=FAILED if severity == "error" else PENDING,
        severity="error" if severity == "error" else "notice",
        message=f"{found.status}: {found.reason}{until}",
        file=found.file,
    )
