"""The facts of a run as `KEY<<DELIMITER` lines for `$GITHUB_OUTPUT`: wrappers swallow exit codes, files stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.core.decision import StageState
from rollout.core.fleet import FleetStatus
from rollout.render import harmless
from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation, Validation
from rollout.render.fleet_life import would_change
from rollout.render.headline import headline

KEYS: Final = (
    "exit-code",
    "headline",
    "plan",
    "endpoint",
    "status",
    "phase",
    "reason",
    "digest",
    "valid-until",
    "has-changes",
    "has-drift",
    "hazards",
    "refused-hazards",
    "stage",
    "stable",
    "candidate",
    "next-after",
    "complete",
)
_LONGEST: Final = 4_000


def outputs(document: AnyDocument) -> str:
    """All keys, in their order; an empty value where a kind of document has none."""
    told = facts(document)
    return "".join(entry(key, told.get(key, "")) for key in KEYS)


def facts(document: AnyDocument) -> dict[str, str]:
    """The keys that mean something for that kind of document."""
    return dict(_facts(document))


def entry(key: str, value: str) -> str:
    """One key as a runner reads it: no line of the value is its delimiter, so that a value cannot begin another key."""
    shown = harmless.block(value, _LONGEST)
    lines, delimiter = set(shown.split("\n")), "ROLLOUT_END"
    while delimiter in lines:
        delimiter += "_"
    return f"{key}<<{delimiter}\n{shown}\n{delimiter}\n"


def _facts(document: AnyDocument) -> Iterator[tuple[str, str]]:
    yield "exit-code", str(document.exit_code)
    yield "headline", headline(document)
    match document:
        case Document():
            yield from _of_plan(document)
        case Validation(valid=valid):
            yield "status", "valid" if valid else "invalid"
        case Failure(message=message):
            yield "status", "error"
            yield "reason", message
        case Reconciliation(next_after=when):
            yield "status", "reconciled"
            yield "next-after", when.isoformat() if when else ""
        case Fleet(status=status, reason=reason, digest=digest, next_after=when):
            yield "plan", document.fleet
            yield "status", status.value
            yield "reason", reason
            yield "digest", digest
            yield "valid-until", document.valid_until.isoformat() if document.valid_until else ""
            yield "has-changes", _flag(would_change(document))
            yield "has-drift", _flag(any(found.drift for found in document.change_sets))
            hazards = [hazard for found in document.change_sets for hazard in found.hazards]
            yield "hazards", ",".join(sorted({hazard.name for hazard in hazards}))
            yield "refused-hazards", ",".join(sorted({hazard.name for hazard in hazards if hazard.refused}))
            yield "next-after", when.isoformat() if when else ""
            yield "complete", _flag(status is FleetStatus.DONE)


def _of_plan(document: Document) -> Iterator[tuple[str, str]]:
    decision = document.decision
    active = (stage.name for stage in document.stages if stage.state in (StageState.ACTIVE, StageState.FAILED))
    yield "plan", document.plan
    yield "endpoint", document.endpoint.name
    yield "status", decision.status.value
    yield "phase", decision.phase.value
    yield "reason", decision.reason
    yield "digest", document.digest
    yield "valid-until", document.valid_until.isoformat() if document.valid_until else ""
    yield "has-changes", _flag(bool(document.actions))
    yield "has-drift", _flag(bool(document.drift))
    yield "hazards", ",".join(hazard.name for hazard in document.hazards)
    yield "refused-hazards", ",".join(hazard.name for hazard in document.hazards if hazard.refused)
    yield "stage", next(active, "")
    yield "stable", document.roles.stable
    yield "candidate", document.roles.candidate
    yield "next-after", decision.next_after.isoformat() if decision.next_after else ""
    yield "complete", _flag(document.complete)


def _flag(value: bool) -> str:
    return "true" if value else "false"
