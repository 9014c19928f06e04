"""Where a change is between its pull request and its end: proposed → approved → applying 3/7 → done, or rolled back."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from rollout.core.decision import Phase, StageState, Status
from rollout.render import harmless, words
from rollout.render.document import Document, Stage
from rollout.render.headline import headline

_PASSED: Final = (StageState.SATISFIED, StageState.SKIPPED)
_UNDER_WAY: Final = (Phase.FIRST_RELEASE, Phase.RELEASING, Phase.REVERTING)


class Life(StrEnum):
    """The stations. `nothing`: the plan asks for nothing, and no change is on its way."""

    NOTHING = "nothing to do"
    PROPOSED = "proposed"
    APPROVED = "approved"
    APPLYING = "applying"
    DONE = "done"
    ROLLED_BACK = "rolled back"
    HELD = "held"
    REFUSED = "refused"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the forge knows of the change: whether it is merged, and who said yes to it."""

    merged: bool = False
    approved_by: tuple[str, ...] = ()


_BEFORE: Final = {
    Life.NOTHING: "",
    Life.PROPOSED: "",
    Life.APPROVED: "proposed → ",
    Life.APPLYING: "proposed → approved → ",
    Life.DONE: "proposed → approved → applied → ",
    Life.ROLLED_BACK: "proposed → approved → applied → ",
    Life.HELD: "proposed → approved → ",
    Life.REFUSED: "proposed → ",
}
_AFTER: Final = {
    Life.PROPOSED: " → approved → applied → done",
    Life.APPROVED: " → applied → done",
    Life.APPLYING: " → done",
}
_SIGNS: Final = {
    Life.NOTHING: "⚪",
    Life.PROPOSED: "🟡",
    Life.APPROVED: "🟢",
    Life.APPLYING: "🔵",
    Life.DONE: "✅",
    Life.ROLLED_BACK: "⛔",
    Life.HELD: "⏸️",
    Life.REFUSED: "⛔",
}


def life_of(document: Document, standing: Standing) -> Life:
    """The station. What the endpoint shows is stronger than what the forge knows."""
    match document.decision.status:
        case Status.REFUSE:
            return Life.REFUSED
        case Status.HOLD:
            return Life.ROLLED_BACK if document.decision.phase is Phase.ROLLED_BACK else Life.HELD
        case Status.DONE:
            return Life.DONE if standing.merged else Life.NOTHING
    if started(document):
        return Life.APPLYING
    return Life.APPROVED if standing.merged or standing.approved_by else Life.PROPOSED


def started(document: Document) -> bool:
    """Whether a run of this goal is recorded on the endpoint."""
    record = document.progress if isinstance(document.progress, dict) else {}
    run = record.get("run") or {}
    mine = run.get("goal") == document.roles.goal and not run.get("ended", False)
    return mine and document.decision.phase in _UNDER_WAY


def life_line(document: Document, standing: Standing) -> str:
    """The line at the top of a comment, in Markdown."""
    life = life_of(document, standing)
    return line_of(life, _count(document, life), _told(document, life), standing)


def line_of(life: Life, count: str, told: str, standing: Standing) -> str:
    """The station between those before and behind it; `count` is how far it is, `told` where and why."""
    by = ", ".join(harmless.code(name, 60) for name in standing.approved_by[:5]) if life is Life.APPROVED else ""
    bold = f"{_SIGNS[life]} **{life.value}{count}**{f' by {by}' if by else ''}{told}"
    return _BEFORE[life] + bold + _AFTER.get(life, "")


def status_words(document: Document, standing: Standing) -> str:
    """The same for a commit status: plain words, the most important first."""
    life = life_of(document, standing)
    if life in (Life.NOTHING, Life.PROPOSED, Life.APPROVED):
        return harmless.line(f"{life.value}: {headline(document)}" if life is not Life.NOTHING else headline(document))
    if life is Life.APPLYING:
        return harmless.line(
            f"applying{_count(document, life)}{_until(document, plain=True)}: {_stage_words(document)}"
        )
    return harmless.line(f"{life.value}: {why(document)}" if life is not Life.DONE else "done")


def stage_words(stage: Stage) -> str:
    """One stage, for a commit status of its own."""
    return harmless.line(f"{stage.state.value}: {stage.note or stage.label}")


def _count(document: Document, life: Life) -> str:
    passed = sum(stage.state in _PASSED for stage in document.stages)
    return f" {passed}/{len(document.stages)}" if life in (Life.APPLYING, Life.HELD) else ""


def _told(document: Document, life: Life) -> str:
    match life:
        case Life.APPLYING:
            stage = active(document)
            return (f" {harmless.code(stage.name)}" if stage else "") + _until(document)
        case Life.ROLLED_BACK:
            stage = active(document)
            return (f" at {harmless.code(stage.name)}" if stage else "") + f": {harmless.prose(why(document), 300)}"
        case Life.HELD | Life.REFUSED:
            return f": {harmless.prose(document.decision.reason, 300)}"
    return ""


def why(document: Document) -> str:
    """What a gate said that failed in this very command, else the decision's reason."""
    said = document.result.measurements if document.result else ()
    return next((found.reason for found in said if found.outcome == "FAIL"), document.decision.reason)


def active(document: Document) -> Stage | None:
    """The stage that failed, else the one that the rollout is at."""
    for wanted in (StageState.FAILED, StageState.ACTIVE):
        for stage in document.stages:
            if stage.state is wanted:
                return stage
    return None


def _stage_words(document: Document) -> str:
    stage = active(document)
    return stage.name if stage else headline(document)


def _until(document: Document, *, plain: bool = False) -> str:
    after = document.decision.next_after
    if after is None:
        return ""
    return f" until {after:%m-%d %H:%M}Z" if plain else f" until {words.moment(after)}"
