"""From a fleet's document to its group and its picture: words, order, bounds. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from rollout.core.fleet import FleetStatus, Standing, WaveState
from rollout.dashboard.query import FLEETS, PAGE, fleets_of, member_query, members_of
from rollout.render.document import Fleet, FleetMember, FleetWave
from rollout.render.html.fleets import WAVE_MEMBERS, WAVES, Group, fleet_item
from rollout.render.html.wave_picture import MOST, picture

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


def wave(name: str, states: str, state: WaveState = WaveState.OPEN, *after: str, reason: str = "") -> FleetWave:
    """A wave; its members by the first letters of how they stand."""
    known = {each.value[0]: each for each in Standing}
    members = tuple(
        FleetMember(name=f"{name}-{at:03}", file="t.yml", endpoint=f"{name}-{at:03}", state=known[letter], reason="why")
        for at, letter in enumerate(states)
    )
    return FleetWave(name=name, state=state, reason=reason, after=after, members=members)


def fleet(*waves: FleetWave, **more: object) -> Group:
    """A fleet with these waves, whose members are all known."""
    known = {"status": FleetStatus.ACT, "reason": "as it is", "error_budget": 2, "failed": 0, **more}
    told = Fleet(command="status", fleet="f", file="f.yml", exit_code=0, waves=waves, **known)  # type: ignore[arg-type]
    keys = {one.name: f"ws/{one.endpoint}" for one in told.members}
    return Group(key="f", file="f.yml", told=told, keys=keys)


def test_why_a_wave_waits_or_stopped() -> None:
    """Whom it waits for and how far they are, the end of its bake, the budget, what its pending members wait for."""
    found = fleet(
        wave("a", "rrip", WaveState.OPEN),
        replace(wave("b", "rr", WaveState.BAKING), until=NOW),
        wave("c", "pp", WaveState.WAITING, "a", "b"),
        wave("d", "fp", WaveState.BLOCKED, reason="the error budget is exceeded: 3 failed, 2 may"),
        wave("e", "rf", WaveState.COMPLETE, reason="1 of 2 failed"),
    )
    assert [one.why for one in fleet_item(found).waves] == [
        "1 pending: why",
        "bakes until 2026-05-04 12:00:00Z",
        "waits for a (open, 2 of 4 settled), b (baking, 2 of 2 settled)",
        "the error budget is exceeded: 3 failed, 2 may",
        "1 of 2 failed",
    ]


@pytest.mark.parametrize(
    ("known", "word"),
    [
        ({"status": FleetStatus.ACT}, "not begun"),
        ({"status": FleetStatus.ACT, "begun": True}, "releasing"),
        ({"status": FleetStatus.ACT, "failed": 3}, "stopping"),
        ({"status": FleetStatus.HOLD, "failed": 3}, "stopped"),
        ({"status": FleetStatus.HOLD}, "a person must act"),
        ({"status": FleetStatus.WAIT}, "waiting"),
        ({"status": FleetStatus.DONE}, "released"),
    ],
)
def test_how_the_whole_stands(known: dict[str, object], word: str) -> None:
    """In a word, with a sign of its own."""
    item = fleet_item(fleet(wave("a", "p"), **known))
    assert (item.mark.word, item.reason) == (word, "as it is")


@pytest.mark.parametrize(("failed", "budget", "used"), [(0, 2, 0), (1, 2, 50), (2, 2, 100), (9, 2, 100), (1, 0, 100)])
def test_the_error_budget(failed: int, budget: int, used: int) -> None:
    """In percent of what may fail; without any, the first failure uses it up."""
    assert fleet_item(fleet(wave("a", "p"), failed=failed, error_budget=budget)).used == used


def test_who_was_not_looked_at() -> None:
    """No state is told of the fleet and its waves before every member was looked at once."""
    item = fleet_item(replace(fleet(wave("a", "ru", WaveState.BLOCKED, reason="see to a-001")), unseen=1))
    assert (item.mark.word, item.reason) == ("not looked at yet", "1 of 2 members were not looked at yet")
    assert [(one.mark.word, one.why) for one in item.waves] == [("not looked at yet", "")]


def test_an_overview_of_many_is_bounded() -> None:
    """A thousand members in fifty waves: eight waves around where it is, six members of each, the troubled first."""
    done = [wave(f"w{at:02}", "r" * 20, WaveState.COMPLETE) for at in range(30)]
    rest = [wave(f"w{at:02}", "p" * 18 + "fi", WaveState.OPEN) for at in range(30, 50)]
    item = fleet_item(fleet(*done, *rest))
    assert (item.total, len(item.shown), item.shown[0].name) == (1000, WAVES, "w28")
    named = item.waves[30].named
    assert [one.name for one in named] == [f"w30-{at:03}" for at in (0, 1, 2, 3, 18, 19)]
    assert len(named) == WAVE_MEMBERS
    part = members_of(item.members, member_query("f", {"page": "99", "state": "pending", "wave": "w31"}))
    assert (part.total, part.pages, part.query.page) == (18, 1, 1)
    all_of_them = members_of(item.members, member_query("f", {"page": "20"}))
    assert (len(all_of_them.rows), all_of_them.total, all_of_them.pages) == (PAGE, 1000, 20)
    assert all_of_them.query.to(3) == "/fleets/f?q=&wave=&state=&page=3"


def test_many_fleets_are_bounded() -> None:
    """Those that a person should see first; the others are counted, and found by their own or a member's name."""
    groups = [replace(fleet(wave("a", "r"), status=FleetStatus.DONE), key=f"f{at:02}") for at in range(20)]
    groups.append(replace(fleet(wave("bad", "f"), status=FleetStatus.HOLD, failed=3), key="zz"))
    found = fleets_of(groups, "")
    assert ([one.key for one in found.shown[:2]], len(found.shown), found.more) == (["zz", "f00"], FLEETS, 11)
    assert [one.key for one in fleets_of(groups, "BAD-000").shown] == ["zz"]


def test_a_picture_has_a_column_for_each_step() -> None:
    """Who waits for nobody stands left; an arrow leads from each wave to those behind it; one drawn only once is wide
    enough for its members."""
    item = fleet_item(
        fleet(wave("a", "rp"), wave("b", "p", WaveState.WAITING, "a"), wave("c", "p", WaveState.WAITING, "a", "b"))
    )
    found = picture(item.waves)
    assert found is not None
    assert [(box.x, box.y) for box in found.boxes] == [(6, 6), (258, 6), (510, 6)]
    assert (len(found.arrows), found.width, found.height) == (3, 716, 98)
    assert [(one.look, one.x, one.width) for one in found.boxes[0].segments] == [("idle", 0, 88), ("complete", 88, 88)]
    assert (
        found.summary
        == "a: open, 1 pending, 1 released; b, after a: waiting, 1 pending; c, after a and b: waiting, 1 pending"
    )


def test_too_many_waves_for_a_picture() -> None:
    """The table says it then; a long name is cut in its box only."""
    many = fleet_item(fleet(*(wave(f"w{at}", "p") for at in range(MOST + 1)))).waves
    assert picture(many) is None
    assert picture(()) is None
    long = picture(fleet_item(fleet(wave("a-very-long-name-of-a-wave", "p"))).waves)
    assert long is not None
    assert (long.boxes[0].label, long.boxes[0].name) == ("a-very-long-name-of-…", "a-very-long-name-of-a-wave")
