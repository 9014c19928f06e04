"""One line that says it all: `1 to change, 1 to delete (blue), next: traffic 100, then delete stable`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rollout.core.decision import Phase, StageState, Status
from rollout.render import harmless
from rollout.render.document import AnyDocument, Document, Failure, Fleet, Reconciliation, Stage, Step, Validation
from rollout.render.styled import plural

_SIGNS: Final = (("+", "to create"), ("~", "to change"), ("-", "to delete"))
_NAMED: Final = 3
_GATES: Final = frozenset({"smoke_test", "compare", "bake", "approval", "metric"})


def headline(document: AnyDocument) -> str:
    """The line for any kind of document, without its subject."""
    match document:
        case Document():
            return ", ".join(_about(document))
        case Validation(plans=plans):
            return _validated(sum(not plan.valid for plan in plans), len(plans), _warned(document))
        case Failure(message=message):
            return harmless.first_line(message) or "failed"
        case Reconciliation(plans=plans):
            return _reconciled([found.status for found in plans])
        case Fleet(reason=reason):
            return f"{plural(len(document.waves), 'wave')}: {reason}"


def state_of(document: Document) -> str:
    """In a word or two: how it stands."""
    match document.decision.status:
        case Status.ACT:
            return "changes to make"
        case Status.WAIT:
            return "waiting"
        case Status.HOLD if document.decision.phase is Phase.ROLLED_BACK:
            return "rolled back"
        case Status.HOLD:
            return "held"
        case Status.DONE:
            return "in sync"
        case Status.REFUSE:
            return "refused"


def _about(document: Document) -> Iterator[str]:
    refused = sum(hazard.refused for hazard in document.hazards)
    yield from _counts(document.actions)
    if not document.actions:
        yield state_of(document) if document.decision.status is not Status.ACT else "nothing to change"
    if refused:
        yield f"{plural(refused, 'hazard')} refused"
    if document.drift:
        yield f"{plural(len(document.drift), 'field')} drifted"
    coming = [stage for stage in document.stages if stage.state in (StageState.ACTIVE, StageState.PENDING)]
    if document.actions and coming:
        word = "now" if coming[0].kind in _GATES and document.decision.status is Status.WAIT else "next"
        yield f"{word}: {_ahead(coming)}"


def _ahead(coming: list[Stage]) -> str:
    """The next stage, and the one behind it."""
    first, *others = coming
    return first.label + (f", then {others[0].label}" if others else "")


def _counts(actions: tuple[Step, ...]) -> Iterator[str]:
    for sign, words in _SIGNS:
        found = [action.target for action in actions if action.sign == sign]
        if found:
            names = dict.fromkeys(found) if sign == "-" else ()
            named = f" ({', '.join([*names][:_NAMED])}{', …' if len(names) > _NAMED else ''})" if names else ""
            yield f"{len(found)} {words}{named}"


def _warned(document: Validation) -> int:
    return sum(len(plan.warnings) for plan in document.plans)


def _validated(wrong: int, all_of_them: int, warned: int) -> str:
    text = f"{wrong} of {plural(all_of_them, 'plan')} invalid" if wrong else f"{plural(all_of_them, 'plan')} valid"
    return f"{text}, {plural(warned, 'warning')}" if warned else text


def _reconciled(states: list[str]) -> str:
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    return f"{plural(len(states), 'plan')}: {counts}" if states else "no plans"
