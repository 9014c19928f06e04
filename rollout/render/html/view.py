"""A story as its page wants it: every sentence and every number that the template puts in its place. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from rollout.core.decision import Phase, StageState
from rollout.core.history import Event
from rollout.render import words
from rollout.render.change_text import field_text
from rollout.render.document import Change, Deployment, Document, Hazard, Measurement
from rollout.render.headline import headline, state_of
from rollout.render.html.charts import Chart
from rollout.render.html.evidence import GateView, gate_view
from rollout.render.html.rows import upcoming
from rollout.render.html.series import charts, measured, subject
from rollout.render.story import Split, Story

PHASE_WORDS: Final[Mapping[str, str]] = {
    Phase.IDLE.value: "idle",
    Phase.FIRST_RELEASE.value: "first release",
    Phase.RELEASING.value: "releasing",
    Phase.REVERTING.value: "reverting",
    Phase.COMPLETE.value: "complete",
    Phase.ROLLED_BACK.value: "rolled back",
    Phase.HELD.value: "held",
    Phase.REFUSED.value: "refused",
    "attention": "needs attention",
    "error": "cannot be read",
    "no plan": "no plan",
    "": "not looked at yet",
}
PHASE_SIGNS: Final[Mapping[str, str]] = {
    "idle": "○",
    "first_release": "▶",
    "releasing": "▶",
    "reverting": "↩",
    "complete": "✓",
    "rolled_back": "⟲",
    "held": "‖",
    "refused": "✗",
    "attention": "!",
    "error": "!",
    "no plan": "–",
    "": "…",
}
STATE_WORDS: Final[Mapping[str, str]] = {
    StageState.SATISFIED.value: "passed",
    StageState.ACTIVE.value: "active",
    StageState.PENDING.value: "to come",
    StageState.SKIPPED.value: "skipped",
    StageState.FAILED.value: "failed",
}


class StageItem(msgspec.Struct, frozen=True, kw_only=True):
    """One stage of the timeline. `real` is the share that was measured while its weight was in force."""

    name: str
    label: str
    state: str
    sign: str
    note: str
    weight: int | None = None
    real: str = ""


class ActionItem(msgspec.Struct, frozen=True, kw_only=True):
    """One action still to come, with its fields."""

    sign: str
    text: str
    reason: str
    fields: tuple[tuple[str, str], ...]
    same: str = ""
    hazards: tuple[str, ...] = ()


class EventItem(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the history. `link` is the run's address, if it is one that may be linked."""

    at: str
    target: str
    what: str
    who: str
    commit: str
    run: str = ""
    link: str = ""
    approved: str = ""
    lasting: bool = False


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """All that the template shows."""

    name: str
    document: Document
    phase: str
    state: str
    headline: str
    upcoming: str
    place: str
    seen: str
    traffic: tuple[tuple[str, int], ...]
    deployments: tuple[Deployment, ...]
    stages: tuple[StageItem, ...]
    charts: tuple[Chart, ...]
    untold: str
    gates: tuple[GateView, ...]
    actions: tuple[ActionItem, ...]
    hazards: tuple[Hazard, ...]
    drift: tuple[tuple[str, str], ...]
    pending: tuple[tuple[str, str], ...]
    events: tuple[EventItem, ...]
    notes: tuple[str, ...] = ()


def page(story: Story) -> Page:
    """The page of that story."""
    document = story.document
    return Page(
        name=document.endpoint.name,
        document=document,
        phase=document.decision.phase.value,
        state=state_of(document),
        headline=headline(document),
        upcoming=upcoming(document),
        place=story.place,
        seen=words.moment(document.observed_at) if document.observed_at else "",
        traffic=tuple(document.endpoint.traffic.items()),
        deployments=document.endpoint.deployments,
        stages=tuple(_stages(story)),
        charts=charts(story),
        untold=story.untold,
        gates=tuple(gate_view(one) for one in _told(story)),
        actions=tuple(_actions(document)),
        hazards=document.hazards,
        drift=tuple(map(_field, document.drift)),
        pending=tuple(map(_field, document.pending)),
        events=tuple(_event(event) for event in reversed(story.events)),
        notes=document.notes,
    )


def _told(story: Story) -> Iterator[Measurement]:
    """What gates showed, the newest first."""
    yield from reversed(story.measurements)


def _stages(story: Story) -> Iterator[StageItem]:
    weights = (*story.weights, *[None] * len(story.document.stages))
    for stage, weight in zip(story.document.stages, weights, strict=False):
        yield StageItem(
            name=stage.name,
            label=stage.label,
            state=stage.state.value,
            sign=words.SYMBOLS[stage.state],
            note=stage.note,
            weight=weight,
            real="" if weight is None else _real(story, stage.name),
        )


def _real(story: Story, stage: str) -> str:
    """What share the candidate got while that stage's weight was in force."""
    for index, split in enumerate(story.splits):
        if split.what != stage or subject(story) not in split.traffic:
            continue
        share = measured(story, split.at, _end(story, story.splits[index + 1 :]))
        if share is not None:
            return f"{share:.1f} %"
    return ""


def _end(story: Story, later: tuple[Split, ...]) -> datetime:
    found = later[0].at if later else story.now
    assert found is not None, "what was split was looked at"
    return found


def _actions(document: Document) -> Iterator[ActionItem]:
    for step in document.actions:
        same = f"{step.same} fields {step.beside}" if step.same else ""
        yield ActionItem(
            sign=step.sign,
            text=step.text,
            reason=step.reason,
            fields=tuple(map(_field, step.changes)),
            same=same,
            hazards=step.hazards,
        )


def _field(change: Change) -> tuple[str, str]:
    return field_text(change)


def _event(event: Event) -> EventItem:
    return EventItem(
        at=words.moment(event.at) if event.at else "at some time",
        target=event.target,
        what=event.what,
        who=event.who,
        commit=event.commit[:10],
        run=event.run,
        link=event.run if event.run.startswith("https://") else "",
        approved=event.approved,
        lasting=event.lasting,
    )
