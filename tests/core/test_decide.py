"""Whatever the world looks like, a decision is lawful: worlds from dice, also such that no history leads to."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.core import actions
from rollout.core.decide import decide
from rollout.core.decision import Decision, StageState, Status
from rollout.core.identity import Known
from rollout.core.observed import Endpoint
from rollout.core.progress import to_tags
from rollout.core.release import Gate
from tests.cases.world import World
from tests.worlds import plans

NAMES = ("blue", "green", "red")
REVISIONS = ("v1", "v2", "v3")
STATES = (*[""] * 12, "Failed", "Canceled")
LINES = (
    plans.USUAL,
    "deploy, traffic 100",
    "deploy, smoke, traffic 10, bake 30, traffic 100, delete 100",
    "deploy, smoke, mirror 10, bake 10, mirror none, approval, traffic 50, scale 3, traffic 100, bake 60",
)
OUTCOMES = ("PASS", "FAIL", "NO_DATA", "ERROR", "INCONCLUSIVE")


@st.composite
def deployments(draw: st.DrawFn) -> dict[str, str]:
    """Some of three names, with some revision, count, age and state."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    words = st.tuples(
        st.sampled_from(REVISIONS),
        st.integers(1, 4).map("x{}".format),
        st.sampled_from((0, 0, 30)).map("@{}".format),
        st.sampled_from(STATES),
        st.sampled_from((*[""] * 12, "changed", "untagged", "autoscaled")),
    )
    return {name: " ".join(draw(words)) for name in names}


@st.composite
def splits(draw: st.DrawFn, names: list[str]) -> str:
    """Some lawful split over what lives."""
    if not names or draw(st.integers(0, 9)) == 0:
        return "none"
    serving = draw(st.lists(st.sampled_from(names), unique=True, min_size=1, max_size=2))
    share = draw(st.sampled_from((5, 10, 50, 90)))
    live = f"{serving[0]}=100" if len(serving) == 1 else f"{serving[0]}={100 - share} {serving[1]}={share}"
    idle = [name for name in names if name not in serving]
    return f"{live}, mirror {idle[0]}=10" if idle and draw(st.integers(0, 1)) == 1 else live


@st.composite
def records(draw: st.DrawFn, split: str, live: dict[str, str]) -> Any:
    """A record that has to do with the world, or not quite."""
    if draw(st.integers(0, 4)) == 0:
        return "none"
    carried = [(name, words.split()[0]) for name, words in live.items()]
    some = st.tuples(st.sampled_from(NAMES), st.sampled_from(REVISIONS))
    pair = st.sampled_from([*carried * 4, ("blue", "v1")]) | some if carried else some
    role = pair.map("=".join)
    how = st.sampled_from(("", " exposed", " exposed", " exposed ended", " exposed @0"))
    run = st.tuples(pair, how).map(lambda drawn: f"{drawn[0][1]} in {drawn[0][0]}{drawn[1]}")
    hold = st.fixed_dictionaries(
        {"kind": st.sampled_from(("person", "outside")), "why": st.just("x"), "goal": st.sampled_from(REVISIONS)}
    )
    gate = st.sampled_from(("0-deploy-0", "1-smoke-0", "person", "gone"))
    return {
        "promoted": draw(st.none() | role),
        "former": draw(st.none() | role),
        "run": draw(st.none() | run),
        "written": draw(st.sampled_from((*[split] * 8, "blue=100", None))),
        "hold": draw(hold) if draw(st.integers(0, 11)) == 0 else None,
        "passed": draw(st.sampled_from(([], ["1-smoke-0"]))),
        "quarantine": draw(
            st.just([])
            | st.lists(st.fixed_dictionaries({"goal": st.sampled_from(REVISIONS), "gate": gate}), max_size=2)
        ),
    }


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Plan, endpoint, record and verdicts, each from dice."""
    live = draw(deployments())
    split = draw(splits(list(live)))
    case = {
        "goal": draw(st.sampled_from(REVISIONS)),
        "plan": draw(st.sampled_from(LINES)),
        "live": live,
        "split": split,
        "record": _without_nothing(draw(records(split, live))),
        "now": draw(st.sampled_from((0, 31, 60, 500))),
        "on_failure": {"candidate": draw(st.sampled_from(("keep", "scale_to_one", "delete")))},
        "allowed": draw(
            st.sampled_from(([], ["releases-unverified"], [f"takes-unmanaged-traffic:{name}" for name in NAMES]))
        ),
    }
    if draw(st.integers(0, 3)) == 0:
        case["literal"] = [f"blue={draw(st.sampled_from(REVISIONS))}", f"green={case['goal']}"]
    gates = [name for name in World({**case, "record": "none"}).keys if "deploy" not in name]
    if case["record"] != "none":
        case["record"]["passed"] = [name for name in case["record"]["passed"] if name in gates]
    told = {name: draw(st.sampled_from(OUTCOMES)) for name in gates}
    return World({**case, "verdicts": draw(st.sampled_from(({}, told, dict.fromkeys(gates, "PASS"))))})


def _without_nothing(record: Any) -> Any:
    if isinstance(record, str):
        return record
    return {name: value for name, value in record.items() if value is not None or name in ("promoted", "written")}


def decided(world: World) -> tuple[Endpoint, Decision]:
    """The world and what is decided about it."""
    assert world.observation.endpoint is not None
    return world.observation.endpoint, decide(world.release, world.observation, world.verdicts, world.allowed)


examples = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


@examples
@given(world=worlds())
def test_a_decision_is_lawful(world: World) -> None:
    """Status and action agree; the action, if any, breaks no law of design §5."""
    live, decision = decided(world)

    assert (decision.status is Status.ACT) == bool(decision.actions)
    assert decision.reason
    assert decision.measure is None or decision.status is Status.WAIT
    for action in decision.actions[:1]:
        _sums_to_all_or_nothing(live, action)
        _names_only_what_lives(live, action)
        _leaves_what_has_traffic_alone(live, action)
        _raises_only_what_may(world, live, action)
        _fits_into_tags(action)


@examples
@given(world=worlds())
def test_the_same_world_the_same_decision(world: World) -> None:
    """Equal inputs, made anew: an equal decision."""
    assert decided(world) == decided(World(world.case))


@examples
@given(world=worlds())
def test_stages_are_told_in_the_plans_order(world: World) -> None:
    """Every stage of the plan, once, at the end of what is shown; gates with the keys of this way."""
    _, decision = decided(world)
    shown = [view.stage for view in decision.stages]

    assert shown[len(shown) - len(world.release.stages) :] == list(world.release.stages)
    keys = {view.key for view in decision.stages if isinstance(view.stage, Gate) and view.state is StageState.ACTIVE}
    assert decision.measure is None or keys <= {decision.measure_key}


def _sums_to_all_or_nothing(live: Endpoint, action: actions.Action) -> None:
    """Law 1."""
    if isinstance(action, actions.SetTraffic):
        total = sum(weight for _, weight in action.weights.traffic)
        was = sum(weight for _, weight in live.weights.traffic)
        assert total == 100 or (total, was) == (0, 0) or action.weights == action.progress.written
        assert not {name for name, _ in action.weights.mirror} & set(action.weights.serving)


def _names_only_what_lives(live: Endpoint, action: actions.Action) -> None:
    """A write for nobody is an error of the service. Repeating a failed write is not a choice of names."""
    there = {found.name for found in live.deployments}
    if isinstance(action, actions.SetTraffic) and live.state == "Succeeded":
        assert {name for name, _ in (*action.weights.traffic, *action.weights.mirror)} <= there
    if isinstance(action, actions.ScaleDeployment | actions.DeleteDeployment | actions.UpdateDeployment):
        assert action.deployment in there
    if isinstance(action, actions.DeployRevision):
        assert (action.mode == "update") == (action.deployment in there)


def _leaves_what_has_traffic_alone(live: Endpoint, action: actions.Action) -> None:
    """Law 3."""
    if isinstance(action, actions.DeployRevision | actions.DeleteDeployment):
        assert not live.weights.touches(action.deployment)
    if isinstance(action, actions.ScaleDeployment) and live.weights.touches(action.deployment):
        assert action.count > action.before


def _raises_only_what_may(world: World, live: Endpoint, action: actions.Action) -> None:
    """Law 2, without the gates: promoted, or the goal and ready."""
    if not isinstance(action, actions.SetTraffic):
        return
    promotion = world.scene.promotion
    promoted = promotion.promoted.name if isinstance(promotion, Known) else ""
    for name, weight in action.weights.traffic:
        found = world.scene.endpoint.deployment(name)
        if weight > live.weights.live(name) and name != promoted:
            assert found is not None
            assert found.ready
            assert found.revision == world.scene.journey.goal


def _fits_into_tags(action: actions.Action) -> None:
    record = getattr(action, "progress", None)
    assert record is None or to_tags(record)


def test_nobody_is_stable_where_nothing_serves() -> None:
    """Neither a name nor a revision is made up."""
    _, found = decided(World({"live": {}, "split": "none", "record": "none"}))

    assert (found.roles.stable, found.roles.stable_revision, found.roles.goal) == ("", "", "v2")


def test_what_is_promoted_is_no_broken_candidate() -> None:
    """Somebody adopted another revision in the run's slot: it serves rightly, and the goal takes the other slot."""
    record = {"promoted": "green=v0", "run": "v2 in green"}
    _, found = decided(World({"live": {"green": "v0"}, "split": "green=100", "record": record}))

    assert found.reason == "blue does not exist"


def test_the_way_back_goes_on_without_its_gate() -> None:
    """The gate that failed was taken out of the plan while stable could not bear everything yet."""
    record = {
        "run": "v2 in green exposed of 3 ended",
        "outcome": "going_back",
        "quarantine": [{"goal": "v2", "gate": "gone"}],
        "since": 59,
    }
    world = World({"live": {"blue": "v1", "green": "v2 x3"}, "split": "blue=33 green=67", "record": record})
    _, found = decided(world)

    assert found.reason == "blue must bear all of the traffic again"
    assert len(found.stages) == len(world.release.stages)
