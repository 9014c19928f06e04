"""A fleet walked to its end in thought: by waves, within their limits, with failures."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.decision import Decision, Phase, Status
from rollout.core.fleet import FleetPlan, FleetStatus, Wave
from rollout.core.fleet_rehearsal import FleetRehearsal, rehearse_fleet
from rollout.core.observed import Weights
from rollout.core.rehearsal import Rehearsal

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)


def walk(seconds: float, phase: Phase = Phase.COMPLETE) -> Rehearsal:
    """One that is settled after so many seconds."""
    last = Decision(status=Status.DONE, phase=phase, reason="")
    return Rehearsal(moments=(), last=last, seconds=seconds + 99.0, weights=Weights(), settled=seconds)


PLAN: Final = FleetPlan(
    name="f",
    waves=(
        Wave(name="one", members=("a",), bake=100.0),
        Wave(name="two", members=("b", "c", "d"), after=("one",), max_in_flight=2),
        Wave(name="beside", members=("e",)),
    ),
)
WALKS: Final = {"a": walk(10), "b": walk(20), "c": walk(30), "d": walk(5), "e": walk(7)}


def told(found: FleetRehearsal) -> list[str]:
    """Each moment in a line."""
    return [f"{one.at:g} {one.wave} {one.event} {''.join(one.members)}" for one in found.moments]


def test_the_waves_in_their_turn() -> None:
    """Behind a bake, two at a time, one wave beside the others."""
    found = rehearse_fleet(PLAN, WALKS, NOW)
    assert told(found) == [
        "0 one begins a",
        "0 beside begins e",
        "7 beside released e",
        "10 one released a",
        "110 two begins bc",
        "130 two released b",
        "130 two begins d",
        "135 two released d",
        "140 two released c",
    ]
    assert (found.last.status, found.last.reason, found.seconds) == (FleetStatus.DONE, "5 released", 140.0)


def test_a_failure_stops_what_has_not_begun() -> None:
    """Whoever is under way goes on to its end; with `roll_back` what was released goes back."""
    walks = {**WALKS, "b": walk(20, Phase.ROLLED_BACK)}
    kept = rehearse_fleet(PLAN, walks, NOW)
    assert told(kept)[4:] == ["110 two begins bc", "130 two failed b", "140 two released c"]
    assert kept.last.reason == "the error budget is exceeded: 1 failed, 0 may; 1 pending, 3 released, 1 failed"
    back = rehearse_fleet(replace(PLAN, on_failure="roll_back"), walks, NOW)
    assert told(back)[5:] == [
        "130 two failed b",
        "130 one taken back a",
        "130 beside taken back e",
        "140 two released c",
        "140 two taken back c",
    ]
    assert back.last.reason == "the error budget is exceeded: 4 failed, 0 may; 1 pending, 4 failed"


def test_who_is_held_keeps_its_place() -> None:
    """Its wave does not end."""
    found = rehearse_fleet(PLAN, {**WALKS, "b": walk(20, Phase.RELEASING), "c": walk(3, Phase.RELEASING)}, NOW)
    assert told(found)[4:] == ["110 two begins bc", "113 two held c", "130 two held b"]
    assert found.last.status is FleetStatus.HOLD


SECONDS: Final = st.floats(0.0, 1e5, allow_nan=False)
SIZES: Final = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.lists(SECONDS, min_size=16, max_size=16), st.integers(1, 3), SECONDS)
def test_nobody_begins_before_its_turn(sizes: list[int], lasts: list[float], most: int, bake: float) -> None:
    """Whatever the walks take: not before the wave in front has ended and baked, and never more than may; all end."""
    waves: list[Wave] = []
    for index, size in enumerate(sizes):
        after = (waves[-1].name,) if waves else ()
        names = tuple(f"{index}-{at}" for at in range(size))
        waves.append(Wave(name=str(index), members=names, after=after, max_in_flight=most, bake=bake))
    walks = {name: walk(lasts.pop()) for wave in waves for name in wave.members}
    found = rehearse_fleet(FleetPlan(name="f", waves=tuple(waves)), walks, NOW)

    begins = {name: one.at for one in found.moments if one.event == "begins" for name in one.members}
    ends = {name: one.at for one in found.moments if one.event == "released" for name in one.members}
    assert begins.keys() == ends.keys() == walks.keys()
    for before, wave in pairwise(waves):
        over = max(ends[name] for name in before.members) + bake
        assert all(begins[name] >= over - 1e-3 for name in wave.members)
    for wave in waves:
        for moment in {begins[name] for name in wave.members}:
            assert sum(begins[name] <= moment < ends[name] for name in wave.members) <= most
