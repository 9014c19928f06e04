"""One line of the overview: what a person wants to know of an endpoint among a thousand. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec

from rollout.core.decision import Phase, StageState, Status
from rollout.core.observed import Endpoint
from rollout.core.progress import Progress, from_tags
from rollout.render import words
from rollout.render.document import Document, Stage
from rollout.render.life import active

_PASSED: Final = (StageState.SATISFIED, StageState.SKIPPED)
NO_PLAN: Final = "no plan"
ATTENTION: Final = ("error", "rolled_back", "held", "refused")
_ORDER: Final = (*ATTENTION, "first_release", "releasing", "reverting", "idle", "complete", NO_PLAN, "")
SORTS: Final = ("attention", "name", "stage", "drift")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint at a glance. `phase` is one of the decision's, `error`, `no plan`, or "" before the first look;
    `fleet` (the key of its group) and `wave` where it is a member of one."""

    key: str
    name: str
    plan: str = ""
    place: str = ""
    phase: str = ""
    reason: str = ""
    traffic: tuple[tuple[str, int], ...] = ()
    mirror: tuple[tuple[str, int], ...] = ()
    stable: str = ""
    candidate: str = ""
    stage: str = ""
    passed: int = 0
    stages: int = 0
    drift: int = 0
    upcoming: str = ""
    due: datetime | None = None
    seen: datetime | None = None
    fleet: str = ""
    wave: str = ""


def row_of(key: str, document: Document, place: str) -> Row:
    """The row of a plan's endpoint."""
    decision, stage = document.decision, active(document)
    return Row(
        key=key,
        name=document.endpoint.name,
        plan=document.plan,
        place=place,
        phase=decision.phase.value,
        reason=decision.reason,
        traffic=tuple(document.endpoint.traffic.items()),
        mirror=tuple(document.endpoint.mirror.items()),
        stable=document.roles.stable,
        candidate=document.roles.candidate,
        stage=stage.label if stage else "",
        passed=sum(one.state in _PASSED for one in document.stages),
        stages=len(document.stages),
        drift=len(document.drift),
        upcoming=upcoming(document),
        due=decision.next_after,
        seen=document.observed_at,
    )


def row_without_plan(key: str, endpoint: Endpoint, place: str, now: datetime | None) -> Row:
    """The row of an endpoint for which no plan was given: what its tags and weights tell."""
    record = from_tags(endpoint.tags)
    told = f"its tags name the plan {record.plan}, which is not here" if isinstance(record, Progress) else ""
    return Row(
        key=key,
        name=endpoint.name,
        plan=record.plan if isinstance(record, Progress) else "",
        place=place,
        phase=NO_PLAN,
        reason=told or "no plan manages it",
        traffic=endpoint.weights.traffic,
        mirror=endpoint.weights.mirror,
        stable=record.promoted.name if isinstance(record, Progress) and record.promoted else "",
        seen=now,
    )


def row_of_fault(row: Row, reason: str) -> Row:
    """The same endpoint, which could not be looked at."""
    return msgspec.structs.replace(row, phase="error", reason=reason)


def upcoming(document: Document) -> str:
    """What comes next, in a few words."""
    decision = document.decision
    match decision.status:
        case Status.ACT:
            return f"next pass: {document.actions[0].text}" if document.actions else "next pass"
        case Status.WAIT:
            stage = active(document)
            return f"at {words.moment(decision.next_after)}" if decision.next_after else f"waits: {_what(stage)}"
        case Status.HOLD:
            return "a person decides"
        case Status.REFUSE:
            return "nothing, it is refused"
        case Status.DONE:
            later = decision.next_after
            return f"clean-up at {words.moment(later)}" if later else ""


def _what(stage: Stage | None) -> str:
    return stage.label if stage else "the service works"


def chosen(rows: Iterable[Row], text: str, phase: str, sort: str) -> list[Row]:
    """Those rows whose name, plan, stage, place or fleet contain `text` and that are in that phase (`attention`: in
    one that a person should see; "" any), in that order."""
    wanted = text.casefold()
    found = [
        row
        for row in rows
        if (not phase or row.phase == phase or (phase == "attention" and row.phase in ATTENTION))
        and any(wanted in part.casefold() for part in (row.name, row.plan, row.stage, row.place, row.fleet))
    ]
    return sorted(found, key=lambda row: (_rank(row, sort), row.name, row.key))


def _rank(row: Row, sort: str) -> tuple[object, ...]:
    match sort:
        case "name":
            return ()
        case "stage":
            return (-row.passed / max(row.stages, 1), row.stage)
        case "drift":
            return (-row.drift,)
        case _:
            return (_ORDER.index(row.phase) if row.phase in _ORDER else len(_ORDER),)


def counts(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """How many rows are in each phase, in the order of attention."""
    found = dict.fromkeys(_ORDER, 0)
    for row in rows:
        found[row.phase] = found.get(row.phase, 0) + 1
    return [(phase, count) for phase, count in found.items() if count]


PHASES: Final = tuple(phase.value for phase in Phase)
