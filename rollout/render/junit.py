"""A document as JUnit XML: a suite for each plan, a test case for each stage, for its hazards and its drift."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final
from xml.etree import ElementTree as Xml

from rollout.core.decision import StageState
from rollout.core.fleet import Standing
from rollout.errors import Fault
from rollout.render import harmless, words
from rollout.render.change_text import field_text
from rollout.render.document import (
    AnyDocument,
    CheckedPlan,
    Document,
    Failure,
    Fleet,
    FleetMember,
    Pass,
    Reconciliation,
    Stage,
    Validation,
)
from rollout.render.headline import state_of

_ATTRIBUTE: Final = 1_000
_BODY: Final = 20_000


def junit(document: AnyDocument) -> str:
    """The whole file, with its declaration."""
    root = Xml.Element("testsuites", name="rollout")
    root.extend(_suites(document))
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, encoding="unicode")}\n'


def _suites(document: AnyDocument) -> Iterator[Xml.Element]:
    match document:
        case Document():
            yield _plan(document)
        case Validation(plans=plans):
            yield _suite("validate", [_checked(plan) for plan in plans])
        case Failure(command=command, file=file, message=message, log=log):
            yield _suite(f"rollout {command}", [_case(command, file or command, "error", message, log)])
        case Reconciliation(plans=plans):
            yield from map(_pass, plans)
        case Fleet(waves=waves):
            yield from (_suite(wave.name, [_member(member) for member in wave.members]) for wave in waves)


def _plan(document: Document) -> Xml.Element:
    """Stages, then what speaks against them."""
    said = {found.gate: found for found in document.result.measurements} if document.result else {}
    cases = []
    for stage in document.stages:
        found = said.get(stage.name)
        told = f"{found.outcome}: {found.reason}" if found else stage.note
        cases.append(_stage(document, stage, told, "\n".join(found.log[-200:]) if found else ""))
    refused = [f"{hazard.name}: {hazard.why} ({hazard.flag})" for hazard in document.hazards if hazard.refused]
    cases.append(_verdict(document, "hazards", "refused", refused))
    drift = [" ".join(field_text(change)) for change in document.drift]
    cases.append(_verdict(document, "drift", "the live endpoint is not what the files say", drift))
    if document.result is not None and document.result.failure:
        first, _, rest = document.result.failure.partition("\n")
        cases.append(_case("apply", document.plan, "error", first, rest))
    suite = _suite(document.plan, cases)
    if document.observed_at is not None:
        suite.set("timestamp", f"{document.observed_at:%Y-%m-%dT%H:%M:%S}")
    properties = Xml.Element("properties")
    for key, value in (("state", state_of(document)), ("digest", document.digest), ("file", document.file)):
        Xml.SubElement(properties, "property", name=key, value=harmless.line(value, _ATTRIBUTE))
    suite.insert(0, properties)
    return suite


def _stage(document: Document, stage: Stage, told: str, log: str) -> Xml.Element:
    match stage.state:
        case StageState.SATISFIED:
            return _case(stage.name, document.plan)
        case StageState.FAILED:
            return _case(stage.name, document.plan, "failure", told, log)
        case StageState.ACTIVE:
            return _case(stage.name, document.plan, "skipped", f"{state_of(document)}: {told}")
        case StageState.PENDING | StageState.SKIPPED:
            return _case(stage.name, document.plan, "skipped", f"{stage.state.value}: {told}")


def _verdict(document: Document, name: str, text: str, lines: Sequence[str]) -> Xml.Element:
    if not lines:
        return _case(name, document.plan)
    return _case(name, document.plan, "failure", text, "\n".join(line[:_ATTRIBUTE] for line in lines[:_ATTRIBUTE]))


def _checked(plan: CheckedPlan) -> Xml.Element:
    if plan.valid:
        case = _case(plan.file, "validate")
        if plan.warnings:
            Xml.SubElement(case, "system-out").text = _body(_told(plan.warnings))
        return case
    return _case(plan.file, "validate", "failure", str(plan.faults[0]) if plan.faults else "", _told(plan.faults))


def _told(faults: Sequence[Fault]) -> str:
    return "\n".join(str(fault)[:_ATTRIBUTE] for fault in faults[:_ATTRIBUTE])


def _member(member: FleetMember) -> Xml.Element:
    told = f"{member.state.value}: {member.reason}"
    match member.state:
        case Standing.RELEASED:
            return _case(member.name, member.file)
        case Standing.FAILED:
            return _case(member.name, member.file, "failure", told)
        case Standing.HELD | Standing.UNKNOWN:
            return _case(member.name, member.file, "error", told)
        case _:
            return _case(member.name, member.file, "skipped", told)


def _pass(found: Pass) -> Xml.Element:
    if found.change_set is not None:
        return _plan(found.change_set)
    until = f" (until {words.moment(found.next_after)})" if found.next_after else ""
    outcome = "error" if found.exit_code else "skipped"
    return _suite(found.file, [_case("reconcile", found.file, outcome, f"{found.status}: {found.reason}{until}")])


def _suite(name: str, cases: Sequence[Xml.Element]) -> Xml.Element:
    suite = Xml.Element("testsuite", name=harmless.line(name, _ATTRIBUTE), tests=str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))
    suite.extend(cases)
    return suite


def _case(name: str, about: str, outcome: str = "", message: str = "", body: str = "") -> Xml.Element:
    case = Xml.Element(
        "testcase", name=harmless.line(name, _ATTRIBUTE), classname=harmless.line(about, _ATTRIBUTE), time="0"
    )
    if outcome:
        found = Xml.SubElement(case, outcome, message=harmless.line(message, _ATTRIBUTE))
        if body:
            found.text = _body(body)
    return case


def _body(text: str) -> str:
    return harmless.block(text, _BODY)
