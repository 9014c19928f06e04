"""What the checks of bakes show now, and showed when they were over."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from rollout.core.decision import Decision, Phase, StageState, StageView, Status
from rollout.core.gate_bodies import Bake
from rollout.core.observed import Observation
from rollout.core.progress import Progress, Promoted, Run, Transition, to_tags
from rollout.core.release import AnyStage, Gate, GateKind, Traffic
from rollout.errors import RolloutError
from rollout.gates.looking_back import Seen, look
from tests.gates.counting import Scripted, at, bake, running, steady

TEN: Final = Traffic(name="ten", weight=10)
HALF: Final = Traffic(name="half", weight=50)
BLUE: Final = Promoted(name="blue", revision="v1")
GREEN: Final = Promoted(name="green", revision="v2")


def gate(name: str, body: Bake | None = None) -> Gate:
    """A bake with a check of the error rate."""
    return Gate(name=name, kind=GateKind.BAKE, digest=name, seconds=1800, body=body or bake())


def decided(*states: StageState, body: Bake | None = None) -> Decision:
    """10 %, a bake, 50 %, a bake; each in its state."""
    stages: tuple[AnyStage, ...] = (TEN, gate("watch", body), HALF, gate("on", body))
    views = tuple(StageView(stage=stage, state=state) for stage, state in zip(stages, states, strict=True))
    return Decision(status=Status.WAIT, phase=Phase.RELEASING, reason="x", stages=views)


def seen_at(minutes: float, record: Progress) -> Observation:
    """The endpoint with that record."""
    found = running(minutes)
    assert found.endpoint is not None
    return Observation(msgspec.structs.replace(found.endpoint, tags=to_tags(record)), at(minutes))


def record(*history: tuple[float, str], promoted: Promoted = BLUE, run: bool = True) -> Progress:
    """A run of green since noon, or what became of it."""
    lines = tuple(Transition(at=at(minute), what=what) for minute, what in history)
    under_way = Run(goal="v2", slot="green", exposed=at(0)) if run else None
    former = None if run else BLUE
    return Progress(plan="house", promoted=promoted, former=former, run=under_way, since=at(0), history=lines)


DONE, NOW, LATER = StageState.SATISFIED, StageState.ACTIVE, StageState.PENDING


def told(found: tuple[Seen, ...]) -> list[tuple[str, str, bool]]:
    """Gate, outcome, whether it is over."""
    return [(one.gate.name, one.verdict.outcome.value, one.over) for one in found]


def fair(minute: datetime, name: str) -> tuple[float, float]:
    """No errors; the split that is configured: 50 % to each from one o'clock on."""
    return (150, 0) if minute >= at(60) else steady(stable_bad=0)(minute, name)


def worse_later(minute: datetime, name: str) -> tuple[float, float]:
    """The same, but from one o'clock on every other request of green fails."""
    total, bad = fair(minute, name)
    return total, (total / 2 if name == "green" and minute >= at(60) else bad)


async def test_the_bake_that_is_under_way() -> None:
    """Judged up to now; what is still to come is not asked about."""
    source = Scripted(steady(stable_bad=0))
    found = await look(source, seen_at(60, record((0, "ten"))), decided(DONE, NOW, LATER, LATER))
    assert told(found) == [("watch", "PASS", False)]


async def test_a_bake_that_is_over_shows_what_it_showed_then() -> None:
    """Its counts end where the next stage began: what went wrong later is not held against it."""
    source = Scripted(worse_later)
    decision = decided(DONE, DONE, DONE, NOW)
    found = await look(source, seen_at(120, record((0, "ten"), (60, "half"))), decision)
    assert told(found) == [("watch", "PASS", True), ("on", "FAIL", False)]


async def test_what_is_known_and_over_is_not_asked_again() -> None:
    """What is still under way always is."""
    decision = decided(DONE, DONE, DONE, NOW)
    seen = seen_at(120, record((0, "ten"), (60, "half")))
    found = await look(Scripted(fair), seen, decision, frozenset({"watch", "on"}))
    assert told(found) == [("on", "PASS", False)]


async def test_after_the_promotion() -> None:
    """The run is gone; its lines in the history tell who was compared, and when."""
    history = ((-90.0, "promoted blue"), (0.0, "ten"), (60.0, "half"), (100.0, "promoted green"))
    seen = seen_at(120, record(*history, promoted=GREEN, run=False))
    found = await look(Scripted(fair), seen, decided(DONE, DONE, DONE, DONE))
    assert told(found) == [("watch", "PASS", True), ("on", "PASS", True)]


async def test_a_history_that_was_cut() -> None:
    """Without the line before, nobody knows when the run was first exposed: nothing is made up."""
    seen = seen_at(120, record((60.0, "half"), (100.0, "promoted green"), promoted=GREEN, run=False))
    assert await look(Scripted(steady()), seen, decided(DONE, DONE, DONE, DONE)) == ()


async def test_a_source_that_fails_is_a_finding() -> None:
    """It is told, and nothing is raised."""
    source = Scripted(steady(), RolloutError("the source is down"))
    found = await look(source, seen_at(60, record((0, "ten"))), decided(DONE, NOW, LATER, LATER))
    assert told(found) == [("watch", "ERROR", False)]
    assert "the source is down" in found[0].verdict.reason


async def test_nothing_to_look_at() -> None:
    """No endpoint, no record, or nobody to compare with."""
    decision = decided(DONE, NOW, LATER, LATER)
    source = Scripted(steady())
    assert await look(source, Observation(None, at(0)), decision) == ()
    bare = running(60)
    assert bare.endpoint is not None
    without = Observation(msgspec.structs.replace(bare.endpoint, tags={}), at(60))
    assert await look(source, without, decision) == ()
    nobody = msgspec.structs.replace(record((0, "ten")), promoted=None)
    assert await look(source, seen_at(60, nobody), decision) == ()
