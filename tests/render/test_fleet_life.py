"""The life of a fleet's change in one line, for a comment and for a commit status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pytest
from msgspec.structs import replace

from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.render.document import Fleet
from rollout.render.fleet_life import fleet_life_line, fleet_life_of, fleet_status_words, is_refused, wave_words
from rollout.render.life import Life
from rollout.render.life import Standing as Known
from tests.render.worlds import a_fleet, a_fleet_to_come

OPEN: Final = Known()
BY_BOB: Final = Known(approved_by=("bob",))
MERGED: Final = Known(merged=True)
COMING: Final = a_fleet_to_come()
NEXT: Final = datetime(2026, 1, 1, 2, tzinfo=UTC)


def at(*states: WaveState, fleet: Fleet = COMING, **changed: Any) -> Fleet:
    """The fleet with its waves in these states, all members of a complete one released."""
    waves = []
    for wave, state in zip(fleet.waves, states, strict=True):
        standing = Standing.RELEASED if state in (WaveState.COMPLETE, WaveState.BAKING) else Standing.IN_FLIGHT
        members = tuple(replace(member, state=standing) for member in wave.members)
        until = NEXT if state is WaveState.BAKING else None
        waves.append(replace(wave, state=state, reason="", members=members, until=until))
    return replace(fleet, waves=tuple(waves), **changed)


GONE_ON: Final = at(WaveState.COMPLETE, WaveState.OPEN, begun=True, reason="1 in flight")
BAKES: Final = at(WaveState.BAKING, WaveState.WAITING, begun=True, reason="a wave bakes", status=FleetStatus.WAIT)
OVER: Final = at(WaveState.COMPLETE, WaveState.COMPLETE, begun=True, status=FleetStatus.DONE, reason="3 released")
STUCK: Final = at(
    WaveState.COMPLETE, WaveState.BLOCKED, begun=True, status=FleetStatus.HOLD, reason="somebody must act"
)


@pytest.mark.parametrize(
    ("fleet", "known", "line", "words"),
    [
        (COMING, OPEN, "🟡 **proposed** → approved → applied → done", "proposed: 2 waves: 3 pending"),
        (
            COMING,
            BY_BOB,
            "proposed → 🟢 **approved** by `bob` → applied → done",
            "approved: 2 waves: 3 pending",
        ),
        (COMING, MERGED, "proposed → 🟢 **approved** → applied → done", "approved: 2 waves: 3 pending"),
        (GONE_ON, OPEN, "proposed → approved → 🔵 **applying 1/3** `west` → done", "applying 1/3: 1 in flight"),
        (
            BAKES,
            MERGED,
            "proposed → approved → 🔵 **applying 1/3** `canary` bakes until 2026-01-01 02:00:00Z → done",
            "applying 1/3: a wave bakes",
        ),
        (OVER, MERGED, "proposed → approved → applied → ✅ **done**", "done"),
        (
            replace(OVER, failed=1),
            MERGED,
            "proposed → approved → applied → ✅ **done**",
            "done: 1 failed, within the budget",
        ),
        (OVER, OPEN, "⚪ **nothing to do**", "2 waves: 3 released"),
        (STUCK, MERGED, "proposed → approved → ⏸️ **held 1/3**: somebody must act", "held: somebody must act"),
        (
            a_fleet(),
            MERGED,
            "proposed → approved → applied → ⛔ **rolled back** at `west`: the error budget is exceeded: 1 failed, "
            "0 may; 1 pending, 1 released, 1 failed, 1 unknown",
            "rolled back: the error budget is exceeded: 1 failed, 0 may; 1 pending, 1 released, 1 failed, 1 unknown",
        ),
    ],
)
def test_every_station(fleet: Fleet, known: Known, line: str, words: str) -> None:
    """Both, to the word."""
    assert (fleet_life_line(fleet, known), fleet_status_words(fleet, known)) == (line, words)


def test_a_wave_for_itself() -> None:
    """Why it waits, else how far it is."""
    assert [wave_words(wave) for wave in COMING.waves] == ["open: 0 of 1 settled", "waiting: after canary"]
    assert [wave_words(wave) for wave in OVER.waves] == ["complete: 1 of 1 settled", "complete: 2 of 2 settled"]


def test_what_is_refused() -> None:
    """A hazard of a single member is enough; how far the change is does not depend on it."""
    assert is_refused(COMING)
    calm = replace(COMING, waves=COMING.waves[:1])
    assert not is_refused(calm)
    assert fleet_life_of(COMING, OPEN) is fleet_life_of(calm, OPEN) is Life.PROPOSED
