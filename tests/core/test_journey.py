"""The way to a goal and the keys on it: what changes a key, and what does not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from rollout.core import journey
from rollout.core.journey import Journey, JourneyKind, suffix_digest
from rollout.core.release import Deploy, Gate, Release, Role, Scale, Stage, Traffic
from tests.worlds import plans
from tests.worlds.plans import literal, roles

LINE = "deploy, smoke, mirror 10, bake 10, traffic 10, bake 30, traffic 50, bake 30, bake 30, traffic 100, delete 100"

GOLDEN = {
    "0-deploy-0": "f91f75abe6",
    "1-smoke-0": "07a0357fa2",
    "3-bake-10": "b76e441246",
    "5-bake-30": "72e6c5147e",
    "7-bake-30": "598ae4db7d",
    "8-bake-30": "847482a896",
}
"""Keys as they are in the tags of endpoints that are under way. If one changes, every run is measured anew."""


def keys(line: str, goal: str = "v2") -> dict[str, str]:
    """The keys of a normal way, by the names of the stages."""
    return {step.stage.name: step.key for step in journey.normal(roles(goal, line), "green").steps if step.key}


def key(line: str, goal: str = "v2") -> str:
    """The key of the last gate of a line."""
    return list(keys(line, goal).values())[-1]


def test_golden_keys() -> None:
    """An upgrade of the tool does not start a run anew."""
    assert keys(LINE) == GOLDEN


BEFORE = "deploy, smoke, traffic 10, bake 30, traffic 100"


@pytest.mark.parametrize(
    "after",
    [
        pytest.param("deploy, smoke, traffic 10, bake 40, traffic 100", id="its parameters"),
        pytest.param("deploy, smoke, traffic 10, bake!b 30, traffic 100", id="the contents of its files"),
        pytest.param("deploy, smoke, traffic 10, smoke, traffic 100", id="its kind"),
        pytest.param("deploy, smoke, traffic 20, bake 30, traffic 100", id="the weight in front of it"),
        pytest.param("deploy, smoke, traffic 10, bake 30, bake 30, traffic 100", id="its ordinal among equal ones"),
        pytest.param("deploy, smoke, mirror 10, bake 30, traffic 100", id="a mirror instead of weight"),
    ],
)
def test_a_gate_is_another_one_with(after: str) -> None:
    """What was asked is part of the key."""
    assert key(BEFORE) != key(after)


def test_a_gate_is_another_one_for_another_goal() -> None:
    """What passed for one revision did not pass for the next."""
    assert set(keys(BEFORE, "v2").values()).isdisjoint(keys(BEFORE, "v3").values())


@pytest.mark.parametrize(
    "after",
    [
        pytest.param("deploy, smoke, smoke!b, traffic 10, bake 30, traffic 100", id="another gate in front"),
        pytest.param("deploy, traffic 10, bake 30, traffic 100", id="a gate in front is gone"),
        pytest.param("deploy, smoke, traffic 5, traffic 10, bake 30, traffic 100", id="another weight in front"),
        pytest.param("deploy, smoke, scale 3, traffic 10, bake 30, traffic 50, traffic 100", id="a scale, more behind"),
        pytest.param(
            "deploy, smoke, mirror 10, traffic 10, bake 30, traffic 100", id="a mirror that traffic has ended"
        ),
    ],
)
def test_a_gate_is_the_same_with(after: str) -> None:
    """Editing stages around a gate does not ask it again."""
    assert key(BEFORE) == key(after)


def test_names_are_for_people() -> None:
    """Renaming a stage changes no key."""
    release = roles("v2", BEFORE)
    renamed = replace(release, stages=tuple(_renamed(stage) for stage in release.stages))

    assert journey.normal(renamed, "green").keys == journey.normal(release, "green").keys


def test_a_gate_is_the_same_in_either_slot() -> None:
    """The slot is no part of the question."""
    release = roles("v2", BEFORE)

    assert journey.normal(release, "blue").keys == journey.normal(release, "green").keys


def test_equal_gates_at_the_same_weight_are_two() -> None:
    """Two bakes of ten minutes are twenty minutes."""
    found = keys("deploy, bake 10, bake 10, traffic 100")

    assert len(set(found.values())) == len(found) == 3
    assert len(set(keys("deploy, bake 10, bake 10, bake 10, traffic 100").values())) == 4


def _renamed(stage: Stage) -> Stage:
    return replace(stage, name=f"better-{stage.name}", named=True)


def kinds(way: Journey) -> list[str]:
    """The stages of a way, in words."""
    return [step.stage.name for step in way.steps]


def test_a_normal_way_is_the_plan_without_deletes() -> None:
    """They come after promotion. Each step knows what weight was asked for up to it."""
    way = journey.normal(roles("v2", LINE), "green")

    assert (way.kind, way.goal, way.slot) == (JourneyKind.RUN, "v2", "green")
    assert [step.expected for step in way.steps] == [0, 0, 0, 0, 10, 10, 50, 50, 50, 100]
    assert (way.last_traffic, way.gates_behind) == (9, False)
    assert {step.key for step in way.steps if not isinstance(step.stage, Gate | Deploy)} == {""}


def test_a_gate_behind_the_last_traffic_guards_the_promotion() -> None:
    """A delete or a scale behind it does not."""
    assert journey.normal(roles("v2", "deploy, traffic 100, bake 60"), "green").gates_behind
    assert not journey.normal(roles("v2", "deploy, traffic 100, scale 2, delete 10"), "green").gates_behind


def test_a_first_release_takes_only_what_needs_no_stable() -> None:
    """Deploy with the floors of the scales, smoke and approval, then everything at once."""
    line = "deploy, smoke, scale 3, mirror 10, bake 10, approval, traffic 10, bake 30, traffic 100, bake 60"
    way = journey.first(roles("v1", line), "blue")

    assert kinds(way) == ["0-deploy-0", "1-smoke-0", "5-approval-0", "8-traffic-100"]
    assert (way.kind, way.spec.count, way.gates_behind) == (JourneyKind.FIRST, 3, False)


def test_a_literal_plan_has_a_bootstrap() -> None:
    """Its stable is deployed with the count that the bootstrap scales to."""
    way = journey.first(literal(("blue", "v1"), ("green", "v2")), "blue")

    assert (way.goal, way.slot, way.spec.count) == ("v1", "blue", 2)
    assert [type(step.stage) for step in way.steps] == [Deploy, Traffic]


def bootstrapped(line: str) -> list[Stage]:
    """The first way of a literal plan with that bootstrap."""
    release = literal(("blue", "v1"), ("green", "v2"))
    assert release.literal is not None
    form = replace(release.literal, bootstrap=plans.stages(line))
    return [step.stage for step in journey.first(replace(release, literal=form), "blue").steps]


def test_a_bootstrap_deploys_and_gives_everything() -> None:
    """Whether it says so or not; what needs no stable is asked in between."""
    deploy, all_of_it = Deploy(name="deploy"), Traffic(name="traffic-100", weight=100)

    assert bootstrapped("deploy") == [Deploy(name="0-deploy-0"), all_of_it]
    assert bootstrapped("traffic 100") == [deploy, Traffic(name="0-traffic-100", weight=100)]
    assert [stage.name for stage in bootstrapped("deploy, smoke, bake 10, traffic 100")] == [
        "0-deploy-0",
        "1-smoke-0",
        "3-traffic-100",
    ]


def test_a_first_release_knows_its_slot() -> None:
    """The same plan in the one slot and in the other."""
    release = roles("v1")

    assert [journey.first(release, slot).slot for slot in ("blue", "green", "blue")] == ["blue", "green", "blue"]


def test_a_literal_plan_without_a_bootstrap_begins_with_its_candidate() -> None:
    """As the roles form does."""
    release = literal(("blue", "v1"), ("green", "v2"), BEFORE)
    assert release.literal is not None
    bare = replace(release, literal=replace(release.literal, bootstrap=()))

    assert journey.first(bare, "green").goal == "v2"


def test_a_revert_takes_smoke_gates_and_everything() -> None:
    """What served before is not measured anew at each weight."""
    way = journey.expedited(roles("v1", LINE), "blue")

    assert (way.kind, kinds(way)) == (JourneyKind.EXPEDITED, ["0-deploy-0", "1-smoke-0", "9-traffic-100"])


def approval_of(release: Release, slot: str = "green") -> str:
    """What is approved at the first approval of a normal way."""
    way = journey.normal(release, slot)
    index = next(
        i for i, step in enumerate(way.steps) if isinstance(step.stage, Gate) and "approval" in step.stage.name
    )
    return suffix_digest(way, index)


GUARDED = "deploy, smoke, approval, traffic 10, bake 30, scale 2, traffic 100"


def test_golden_approval() -> None:
    """An upgrade of the tool does not ask for an approval again."""
    assert approval_of(roles("v2", GUARDED)) == "4ae10be20e0e6e96"


@pytest.mark.parametrize(
    ("after", "same"),
    [
        ("deploy, smoke, approval, traffic 10, bake 30, scale 2, traffic 100, delete 10", True),
        ("deploy, smoke!b, approval, traffic 10, bake 30, scale 2, traffic 100", True),
        ("deploy, smoke, approval, traffic 20, bake 30, scale 2, traffic 100", False),
        ("deploy, smoke, approval, traffic 10, bake 20, scale 2, traffic 100", False),
        ("deploy, smoke, approval, traffic 10, scale 2, traffic 100", False),
        ("deploy, smoke, approval, traffic 10, bake 30, scale 3, traffic 100", False),
        ("deploy, smoke, approval!b, traffic 10, bake 30, scale 2, traffic 100", False),
    ],
)
def test_an_approval_is_for_all_that_follows(after: str, same: bool) -> None:
    """What lies behind it may be edited; what follows may not."""
    assert (approval_of(roles("v2", GUARDED)) == approval_of(roles("v2", after))) is same


def test_an_approval_is_for_one_goal_in_one_slot() -> None:
    """Names of stages are for people here too."""
    release = roles("v2", GUARDED)
    renamed = replace(
        release,
        stages=tuple(s if isinstance(s, Gate) else _renamed(s) for s in release.stages),
    )

    assert approval_of(roles("v3", GUARDED)) != approval_of(release)
    assert approval_of(release, "blue") != approval_of(release)
    assert approval_of(renamed) == approval_of(release)


def test_a_scale_of_stable_is_no_floor_of_the_candidate() -> None:
    """Only the candidate's own scales are folded into a first release."""
    release = roles("v1", "deploy, scale 2, traffic 100")
    stable = tuple(replace(s, role=Role.STABLE) if isinstance(s, Scale) else s for s in release.stages)

    assert journey.first(replace(release, stages=stable), "blue").spec == plans.spec("v1")
