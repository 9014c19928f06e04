"""Which members of a fleet may start: tables, and the laws over generated fleets that are carried to their end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from rollout.core.capacity import Need, Usage
from rollout.core.fleet import FleetDecision, FleetPlan, FleetStatus, Member, Standing, Wave, WaveState, WaveView
from rollout.core.fleet_decide import decide_fleet

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
SIZE: Final = "standard_ds3_v2"
LETTERS: Final = {
    ".": Standing.PENDING,
    "~": Standing.IN_FLIGHT,
    "+": Standing.RELEASED,
    "x": Standing.FAILED,
    "!": Standing.HELD,
    "?": Standing.UNKNOWN,
}


def fleet(*waves: str, budget: int = 0, **more: Any) -> tuple[FleetPlan, dict[str, Member]]:
    """Waves one after the other, a letter for each member; two at a time. Members are called `a0`, `a1`, `b0`, …"""
    plans, members = list[Wave](), dict[str, Member]()
    for name, letters in zip("abcdef", waves, strict=False):
        names = tuple(f"{name}{index}" for index in range(len(letters)))
        members |= {
            each: Member(name=each, standing=LETTERS[letter], since=NOW - timedelta(hours=1))
            for each, letter in zip(names, letters, strict=True)
        }
        after = (plans[-1].name,) if plans else ()
        plans.append(Wave(name=name, members=names, after=after, max_in_flight=2))
    return FleetPlan(name="prices", waves=tuple(plans), error_budget=budget, **more), members


@pytest.mark.parametrize(
    ("waves", "budget", "start", "advance", "states", "status"),
    [
        (["...", ".."], 0, "a0 a1", "", "open waiting", "act"),
        (["~..", ".."], 0, "a1", "a0", "open waiting", "act"),
        (["~~.", ".."], 0, "", "a0 a1", "open waiting", "act"),
        (["+~.", ".."], 0, "a2", "a1", "open waiting", "act"),
        (["+++", ".."], 0, "b0 b1", "", "complete open", "act"),
        (["+++", "++"], 0, "", "", "complete complete", "done"),
        (["+x.", ".."], 0, "", "", "blocked blocked", "hold"),
        (["+x.", ".."], 1, "a2", "", "open waiting", "act"),
        (["+x+", ".."], 1, "b0 b1", "", "complete open", "act"),
        (["+xx", ".."], 1, "", "", "blocked blocked", "hold"),
        (["+x+", "++"], 1, "", "", "complete complete", "done"),
        (["+x~", ".."], 0, "", "a2", "open blocked", "act"),
        (["+!+", ".."], 0, "", "", "blocked waiting", "hold"),
        (["+!.", ".."], 0, "a2", "", "open waiting", "act"),
        (["+?+", ".."], 0, "", "", "blocked waiting", "hold"),
        (["+.+", "~."], 0, "a1", "b0", "open waiting", "act"),
        (["+.", "~+"], 0, "a1", "b0", "open open", "act"),
        (["+.", "!+"], 0, "a1", "", "open blocked", "act"),
        (["++", "x."], 0, "", "", "complete blocked", "hold"),
    ],
)
def test_who_starts(waves: list[str], budget: int, start: str, advance: str, states: str, status: str) -> None:
    """In the order of the file, as many as there are places; nothing new over the budget; who is under way goes on."""
    plan, members = fleet(*waves, budget=budget)
    found = decide_fleet(plan, members, NOW)
    assert (" ".join(found.start), " ".join(found.advance)) == (start, advance)
    assert (" ".join(view.state for view in found.waves), found.status.value) == (states, status)


def test_what_is_told() -> None:
    """Why who waits, in a sentence each, and the sum of all."""
    plan, members = fleet("~~.", "..")
    found = decide_fleet(plan, members, NOW)
    assert found.waiting == {"a2": "waits for a place: 2 at a time", "b0": "waits for a", "b1": "waits for a"}
    assert found.reason == "3 pending, 2 in flight"
    plan, members = fleet("xx", "..", budget=1)
    over = decide_fleet(plan, members, NOW)
    assert over.reason == "the error budget is exceeded: 2 failed, 1 may; 2 pending, 2 failed"
    assert set(over.waiting.values()) == {"the error budget is exceeded: 2 failed, 1 may"}
    plan, members = fleet("+!", "..")
    assert [view.reason for view in decide_fleet(plan, members, NOW).waves] == ["somebody must see to a1", "after a"]


def test_how_each_wave_stands() -> None:
    """Whole views: what failed within the budget, until when it bakes, after which waves, who must be seen to."""
    plan, members = fleet("++", "x+", "!?", "..", budget=1)
    first, second, third, last = plan.waves
    waves = (replace(first, bake=7200.0), second, third, replace(last, after=("a", "c")))
    found = decide_fleet(replace(plan, waves=waves), members, NOW)

    assert found.waves == (
        WaveView(name="a", state=WaveState.BAKING, reason="all members are settled", until=NOW + timedelta(hours=1)),
        WaveView(name="b", state=WaveState.COMPLETE, reason="1 of 2 failed"),
        WaveView(name="c", state=WaveState.BLOCKED, reason="somebody must see to c0, c1"),
        WaveView(name="d", state=WaveState.WAITING, reason="after a, c"),
    )
    assert (found.status, found.reason) == (
        FleetStatus.WAIT,
        "a wave bakes; 2 pending, 3 released, 1 failed, 1 held, 1 unknown",
    )
    plan, members = fleet("+")
    done = decide_fleet(plan, members, NOW)
    assert done.waves == (WaveView(name="a", state=WaveState.COMPLETE),)
    assert (done.status, done.reason) == (FleetStatus.DONE, "1 released")


def test_a_bake() -> None:
    """It counts from the last promotion of the wave; an unknown one is no reason to wait."""
    plan, members = fleet("+x", "..", budget=1)
    plan = replace(plan, waves=(replace(plan.waves[0], bake=7200.0), plan.waves[1]))
    early = decide_fleet(plan, members, NOW)
    assert (early.status, early.start, early.next_after) == (FleetStatus.WAIT, (), NOW + timedelta(hours=1))
    assert early.waves[0].state is WaveState.BAKING
    assert decide_fleet(plan, members, NOW + timedelta(hours=1)).start == ("b0", "b1")
    unknown = {name: replace(member, since=None) for name, member in members.items()}
    assert decide_fleet(plan, unknown, NOW).start == ("b0", "b1")


def test_a_held_member_keeps_its_place() -> None:
    """Its candidate has traffic, perhaps: it counts, until somebody acts."""
    plan, members = fleet("!!.", "..")
    members["a0"] = replace(members["a0"], begun=True)
    assert decide_fleet(plan, members, NOW).start == ("a2",)
    members["a1"] = replace(members["a1"], begun=True)
    found = decide_fleet(plan, members, NOW)
    assert (found.start, found.status) == ((), FleetStatus.HOLD)


def test_going_back() -> None:
    """Only over the budget, only where the plan says so, only what this release has promoted, the last wave first."""
    for policy, expected in (("keep", ()), ("roll_back", ("b0", "a1"))):
        plan, members = fleet("++", "+x", "..", on_failure=policy)
        members |= {name: replace(members[name], returnable=True) for name in ("a1", "b0", "b1")}
        assert decide_fleet(plan, members, NOW).take_back == expected
    plan, members = fleet("++", "+x", on_failure="roll_back", budget=1)
    members["a1"] = replace(members["a1"], returnable=True)
    assert decide_fleet(plan, members, NOW).take_back == ()
    plan, members = fleet("+", "x", on_failure="roll_back")
    members["a0"] = replace(members["a0"], returnable=True)
    found = decide_fleet(plan, members, NOW)
    assert (found.status, found.take_back, found.reason) == (FleetStatus.ACT, ("a0",), "1 released, 1 failed")


def test_loose_ends() -> None:
    """A delete that is due in a released member, and traffic of another goal's candidate in one that may not start."""
    plan, members = fleet("+.", "..")
    members["a0"] = replace(members["a0"], unfinished=True)
    members |= {name: replace(members[name], astray=True) for name in ("a1", "b0")}
    found = decide_fleet(plan, members, NOW)
    assert (found.start, found.advance, found.give_back) == (("a1",), ("a0",), ("b0",))
    plan, members = fleet("!", ".")
    members["b0"] = replace(members["b0"], astray=True)
    alone = decide_fleet(plan, members, NOW)
    assert (alone.status, alone.give_back) == (FleetStatus.ACT, ("b0",))


def needing(cores: int, pool: str = "sub/weu") -> Mapping[str, Any]:
    """A member that needs so many cores."""
    return {"need": Need(cores=((SIZE, cores),), words=(f"{cores} cores",)), "pool": pool}


def usages(free: int) -> dict[str, list[Usage]]:
    """A region with so many cores free of 100 of the family, and plenty of all."""
    return {"sub/weu": [Usage("standardDSv2Family", 100 - free, 100), Usage("TotalCores", 0, 10_000)]}


def test_quota() -> None:
    """The whole way of each must fit beside those before it; another region and another family are not concerned."""
    plan, members = fleet("....")
    plan = replace(plan, waves=(replace(plan.waves[0], max_in_flight=9),))
    members = {name: replace(member, **needing(8)) for name, member in members.items()}
    found = decide_fleet(plan, members, NOW, usages(20))
    assert found.start == ("a0", "a1")
    assert found.waiting["a2"] == (
        "waits for quota: standardDSv2Family: 24 cores more are needed, 20 of 100 are free"
        " (8 cores; 16 for those before it)"
    )
    assert found.waiting["a3"].startswith("waits for quota behind a2: standardDSv2Family: 32 cores more")
    members["a3"] = replace(members["a3"], need=Need(cores=(("standard_f4s_v2", 4),), words=("4 cores",)))
    assert decide_fleet(plan, members, NOW, usages(20)).start == ("a0", "a1", "a3")
    members["a3"] = replace(members["a3"], **needing(99, "sub/neu"))
    assert decide_fleet(plan, members, NOW, usages(20)).start == ("a0", "a1", "a3")


def test_how_quota_is_told() -> None:
    """Each quota that is short; who is waited behind; alone, without anybody before it."""
    plan, members = fleet("~...")
    plan = replace(plan, waves=(replace(plan.waves[0], max_in_flight=9),))
    other = Need(cores=(("standard_ds2_v2", 3),), words=("3 cores",))
    needs = {"a0": other, "a1": needing(8)["need"], "a2": needing(4)["need"], "a3": needing(2)["need"]}
    members = {name: replace(member, need=needs[name], pool="sub/weu") for name, member in members.items()}
    short = {"sub/weu": [Usage("standardDSv2Family", 95, 100), Usage("TotalCores", 9, 10)]}

    def told(cores: int, mine: int) -> str:
        words = f"({mine} cores; {cores - mine} for those before it)"
        return (
            f"standardDSv2Family: {cores} cores more are needed, 5 of 100 are free {words};"
            f" TotalCores: {cores} cores more are needed, 1 of 10 are free {words}"
        )

    assert decide_fleet(plan, members, NOW, short).waiting == {
        "a1": f"waits for quota: {told(11, 8)}",
        "a2": f"waits for quota behind a1: {told(15, 4)}",
        "a3": f"waits for quota behind a1, a2: {told(17, 2)}",
    }
    plan, members = fleet(".")
    members = {"a0": replace(members["a0"], **needing(8))}
    assert decide_fleet(plan, members, NOW, short).waiting == {
        "a0": "no quota: standardDSv2Family: 8 cores more are needed, 5 of 100 are free (8 cores);"
        " TotalCores: 8 cores more are needed, 1 of 10 are free (8 cores)"
    }


def test_quota_is_kept_for_who_is_under_way() -> None:
    """Whoever has started can finish: what it may still take is not given to anybody else."""
    plan, members = fleet("~.")
    members = {name: replace(member, **needing(8)) for name, member in members.items()}
    assert decide_fleet(plan, members, NOW, usages(15)).start == ()
    assert decide_fleet(plan, members, NOW, usages(16)).start == ("a1",)


def test_quota_is_not_waited_for_in_vain() -> None:
    """Where nobody under way can set any free, it is told, and the next one that fits has its turn."""
    plan, members = fleet("..")
    members["a0"] = replace(members["a0"], **needing(50))
    members["a1"] = replace(members["a1"], **needing(10))
    found = decide_fleet(plan, members, NOW, usages(20))
    assert found.start == ("a1",)
    assert found.waiting["a0"].startswith("no quota: standardDSv2Family: 50 cores more are needed, 20 of 100")
    alone = decide_fleet(plan, {**members, "a1": replace(members["a1"], standing=Standing.RELEASED)}, NOW, usages(20))
    assert (alone.status, alone.reason) == (FleetStatus.HOLD, "somebody must act; 1 pending, 1 released")


class World:
    """A fleet that is carried on: members that started end as they are fated, some in each round."""

    def __init__(self, plan: FleetPlan, fates: Mapping[str, Standing], needs: Mapping[str, int], free: int) -> None:
        self.plan = plan
        self.fates = fates
        self.free = free
        self.now = NOW
        self.members = {
            name: Member(name=name, standing=Standing.PENDING, **needing(needs[name])) for name in self.fates
        }

    def decided(self) -> FleetDecision:
        """What may happen now; the same when it is asked twice, as a runner that was killed asks."""
        used = sum(each.need.total if each.standing is Standing.IN_FLIGHT else 0 for each in self.members.values())
        seen = {
            name: replace(each, need=Need()) if each.standing is Standing.IN_FLIGHT else each
            for name, each in self.members.items()
        }
        found = decide_fleet(self.plan, seen, self.now, usages(self.free - used))
        assert found == decide_fleet(self.plan, seen, self.now, usages(self.free - used))
        return found

    def become(self, name: str, standing: Standing) -> None:
        """It stands so from now on."""
        self.members[name] = replace(self.members[name], standing=standing, since=self.now, begun=True)

    def under_way(self, wave: Wave) -> list[str]:
        """Its members that are under way."""
        return [name for name in wave.members if self.members[name].standing is Standing.IN_FLIGHT]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Up to four waves in any order that has no cycle, with members that end well, fail, or are held."""
    waves: list[Wave] = []
    for index in range(draw(st.integers(1, 4))):
        waves.append(
            Wave(
                name=f"w{index}",
                members=tuple(f"w{index}m{at}" for at in range(draw(st.integers(1, 4)))),
                after=tuple(wave.name for wave in waves if draw(st.booleans())),
                max_in_flight=draw(st.integers(1, 3)),
                bake=draw(st.sampled_from([0.0, 60.0, 3600.0])),
            )
        )
    names = [name for wave in waves for name in wave.members]
    ends = st.sampled_from([Standing.RELEASED] * 4 + [Standing.FAILED, Standing.HELD])
    plan = FleetPlan(name="f", waves=tuple(draw(st.permutations(waves))), error_budget=draw(st.integers(0, 3)))
    fates = {name: draw(ends) for name in names}
    needs = {name: draw(st.integers(0, 30)) for name in names}
    return World(plan, fates, needs, draw(st.integers(10, 100)))


def step(world: World, found: FleetDecision, slow: frozenset[int]) -> None:
    """Some of those under way end, the others do not yet; who may start does."""
    for index, name in enumerate(found.advance):
        if index not in slow:
            world.become(name, world.fates[name])
    for name in found.start:
        world.become(name, Standing.IN_FLIGHT)


@settings(max_examples=200, deadline=None)
@given(worlds(), st.lists(st.frozensets(st.integers(0, 3)), max_size=8))
def test_the_laws(world: World, slowness: list[frozenset[int]]) -> None:
    """No wave before those in front are complete, never more than `max_in_flight`, nothing new over the budget, never
    more cores than there are, and everything ends."""
    waves = {wave.name: wave for wave in world.plan.waves}
    for turn in range(200):
        found = world.decided()
        failed = sum(each.standing is Standing.FAILED for each in world.members.values())
        settled = {Standing.RELEASED, Standing.FAILED}
        for name in found.start:
            wave = world.plan.wave_of(name)
            assert failed <= world.plan.error_budget
            for before in (waves[each] for each in wave.after):
                assert {world.members[each].standing for each in before.members} <= settled
                promoted = max(world.members[each].since or NOW for each in before.members)
                assert world.now >= promoted + timedelta(seconds=before.bake)
        step(world, found, slowness[turn] if turn < len(slowness) else frozenset())
        for wave in world.plan.waves:
            assert len(world.under_way(wave)) <= wave.max_in_flight
        taken = sum(each.need.total for each in world.members.values() if each.standing is Standing.IN_FLIGHT)
        assert taken <= world.free
        world.now += timedelta(minutes=1)
        if found.status is FleetStatus.WAIT:
            assert found.next_after is not None
            world.now = max(world.now, found.next_after)
        elif found.status in (FleetStatus.HOLD, FleetStatus.DONE):
            break
    else:
        pytest.fail("it never ends")
    _ended(world, found)


def _ended(world: World, found: FleetDecision) -> None:
    """Whoever has not started has a reason that no time and nobody under way can take away."""
    standings = [each.standing for each in world.members.values()]
    assert Standing.IN_FLIGHT not in standings
    if found.status is FleetStatus.DONE:
        assert not {Standing.PENDING, Standing.HELD} & set(standings)
    left = {name for name, each in world.members.items() if each.standing is Standing.PENDING}
    assert set(found.waiting) == left
    over = standings.count(Standing.FAILED) > world.plan.error_budget
    stuck = Standing.HELD in standings or any(why.startswith("no quota") for why in found.waiting.values())
    assert not left or over or stuck
