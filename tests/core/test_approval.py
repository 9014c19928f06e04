"""What was approved is done, in however many passes; anything else is not, and it is said which field changed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.approval import Approved, ApprovedWorld, approved, must_be_about, must_fit
from rollout.core.change_set import change_set
from rollout.core.decide import decide
from rollout.core.decision import Phase, Status, gives_back
from rollout.core.observed import Observation, weights
from rollout.core.release import Release
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import Stale
from tests.cases.world import World
from tests.worlds import plans
from tests.worlds.generated import some_stages
from tests.worlds.history import ALLOWED, History, finish
from tests.worlds.plane import NAME

ID = "/subscriptions/s/resourceGroups/g/providers/x/workspaces/w/onlineEndpoints/house"
LINE = "deploy, smoke, traffic 10, bake 30, traffic 50, bake 30, traffic 100, bake 60, delete 100"


def look(history: History) -> Observation:
    """What is there now."""
    return finish(history.plane.observe(NAME))


def released(line: str = LINE) -> History:
    """`v1` serves from blue; the plan wants `v2`."""
    history = History(plans.roles("v1", line))
    history.run()
    history.release = plans.roles("v2", line)
    return history


def approve(history: History) -> Approved:
    """The change set that somebody approves now, as it comes back from a file."""
    seen = look(history)
    found = change_set(history.release, seen, ALLOWED)
    given = approved(found, history.release, endpoint=ID, created=seen.now, file="plan.yml", tool="0")
    text = msgspec.json.encode(given)
    return msgspec.json.decode(text, type=Approved)


def check(given: Approved, history: History) -> None:
    """What the loop asks before it writes."""
    seen = look(history)
    must_fit(given, history.release, seen, history.decision(), ALLOWED)


def passes(given: Approved, history: History) -> int:
    """Carry everything out, asking before each pass; how many writes there were."""
    before = len(history.plane.written)
    while True:
        check(given, history)
        last = history.once()
        check(given, history)
        if last.status is Status.ACT:
            continue
        if last.next_after is None:
            return len(history.plane.written) - before
        history.plane.now = max(history.plane.now, last.next_after)


def test_one_approval_is_good_for_all_passes_of_its_run() -> None:
    """From the first create to the last delete, each time what remains is a suffix of what was approved."""
    history = released()
    given = approve(history)

    assert passes(given, history) > 4
    assert history.decision().status is Status.DONE


@pytest.mark.parametrize("seed", range(20))
def test_so_it_is_for_any_plan(seed: int) -> None:
    """Plans from dice; whatever the stages, the foretold worlds are those that come."""
    history = released(some_stages(random.Random(seed)))
    given = approve(history)

    passes(given, history)

    assert history.decision().status is Status.DONE


def test_a_first_release_too() -> None:
    """From nothing at all."""
    history = History(plans.roles("v1", LINE))

    passes(approve(history), history)

    assert history.decision().status is Status.DONE


Hand = Callable[[History], None]
HANDS: dict[str, tuple[Hand, str]] = {
    "weights": (lambda h: h.plane.hand_weights({"blue": 75, "green": 25}), "endpoint: traffic"),
    "model": (lambda h: h.plane.hand_update("blue", "vX"), "blue: model is azureml:m:vx"),
    "count": (lambda h: h.plane.hand_scale("blue", 7), "blue: instance_count is 7, approved was 1"),
    "slot": (lambda h: h.plane.hand_create("green", "vY"), "green: model is azureml:m:vy, approved was azureml:m:v2"),
    "broken": (lambda h: h.plane.break_deployment("blue"), "blue: state is Failed, approved was Succeeded"),
}
NEEDS_GREEN = {"weights"}


def reach(history: History, number: int) -> bool:
    """So many writes on; False where the way ends before."""
    for _ in range(number):
        while (last := history.once()).status is not Status.ACT:
            if last.next_after is None:
                return False
            history.plane.now = max(history.plane.now, last.next_after)
    return True


@settings(max_examples=60, deadline=None)
@given(hand=st.sampled_from(sorted(HANDS)), writes=st.integers(0, 5))
def test_any_foreign_change_at_any_boundary_is_named(hand: str, writes: int) -> None:
    """It is refused before the next write, with the field."""
    history = released()
    given_ = approve(history)
    live = history.live if reach(history, writes) else None
    if live is None or (hand in NEEDS_GREEN and live.deployment("green") is None) or live.deployment("blue") is None:
        return
    if hand == "slot" and live.deployment("green") is not None:
        return
    check(given_, history)
    HANDS[hand][0](history)

    decision = history.decision()
    with pytest.raises(Stale, match=f"this changed since {given_.digest} was approved: .*") as raised:
        check(given_, history)

    assert HANDS[hand][1] in str(raised.value)
    assert not gives_back(decision)
    assert raised.value.hint == "look at it again and have it approved: rollout diff plan.yml --out FILE"


def test_what_is_not_ours_may_change() -> None:
    """A deployment that no plan manages, and a tag of somebody else."""
    history = released()
    given = approve(history)
    history.plane.hand_create("red", "x")

    check(given, history)


def test_a_world_that_comes_back_is_approved_still() -> None:
    """Somebody deletes the candidate before it has any traffic: it is created again, which is what was approved."""
    history = released()
    given = approve(history)
    history.until_deployed()
    history.plane.hand_delete("green")

    passes(given, history)

    assert history.decision().status is Status.DONE


def test_the_way_back_never_asks() -> None:
    """A gate that fails after the approval has expired: rolled back all the same."""
    history = released()
    given = approve(history)
    history.until(50)
    history.judge = lambda gate, goal: Verdict(outcome=Outcome.FAIL, reason="worse")
    history.plane.now += timedelta(days=30)
    decision = finish(history.runner.look(measure=True)).decision

    assert decision.phase is Phase.ROLLED_BACK
    must_fit(given, history.release, look(history), decision, ALLOWED)


def test_expired_before_it_was_started() -> None:
    """Two hours, and not a second more."""
    history = released()
    given = approve(history)
    history.plane.now = given.valid_until
    check(given, history)
    history.plane.now += timedelta(seconds=1)

    with pytest.raises(Stale, match=f"the approval of {given.digest} expired at 2026-01-01 0") as raised:
        check(given, history)
    assert raised.value.hint == "look at it again and have it approved: rollout diff plan.yml --out FILE"


def test_once_started_it_lasts_as_long_as_its_stages() -> None:
    """The bakes, what their gates may take longer, and the time before the delete."""
    history = released()
    given = approve(history)
    history.until(10)
    bakes, delete, limits = 30 + 30 + 60, 100 - 60, 4 * 60

    assert (given.carry_until - given.valid_until) >= timedelta(minutes=bakes + delete + limits)
    history.plane.now = given.carry_until + timedelta(seconds=1)
    finish(history.runner.look(measure=True))
    late = finish(history.runner.look(measure=True)).decision
    with pytest.raises(Stale, match="expired at"):
        must_fit(given, history.release, look(history), late, ALLOWED)


@pytest.mark.parametrize("count", [1, 5])
def test_a_candidate_that_follows_an_autoscaler_is_what_was_approved(count: int) -> None:
    """Approved while one instance served; at noon nine do, and the candidate was scaled to its share of them."""
    case = {"plan": "deploy, smoke, traffic 10, traffic 50, traffic 100", "split": "blue=90 green=10"}
    record = {"record": {"run": "v2 in green exposed", "passed": ["1-smoke-0"]}}
    morning = World({**case, **record, "live": {"blue": "v1 autoscaled", "green": "v2"}})
    noon = World({**case, **record, "live": {"blue": "v1 x9 autoscaled", "green": f"v2 x{count}"}})
    found = change_set(morning.release, morning.observation)
    given = approved(found, morning.release, endpoint=ID, created=morning.now)

    decision = decide(noon.release, noon.observation, {}, frozenset())

    assert type(decision.actions[0]).__name__ == ("ScaleDeployment" if count == 1 else "SetTraffic")
    must_fit(given, noon.release, noon.observation, decision, frozenset())


def test_a_longer_lifetime() -> None:
    """As the command line asks for it."""
    history = released()
    seen = look(history)
    found = change_set(history.release, seen, ALLOWED, lifetime=86400)

    assert found.valid_until == seen.now + timedelta(days=1)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (plans.roles("v3", LINE), "the plan's goal is v3 now, approved was v2"),
        (plans.roles("v2", LINE.replace("30", "31")), "the plan plan is not as it was approved"),
    ],
)
def test_another_plan_is_not_what_was_approved(other: Release, message: str) -> None:
    """Another goal, another stage."""
    given = approve(released())

    with pytest.raises(Stale, match=message):
        must_be_about(given, other, ID, "0")


def test_another_endpoint_version_or_text_is_not_either() -> None:
    """And an approval that somebody has edited is none."""
    history = released()
    given = approve(history)

    must_be_about(given, history.release, ID.upper(), "0")
    with pytest.raises(Stale, match=r"was approved for .*/house, not for .*/horse"):
        must_be_about(given, history.release, ID.replace("house", "horse"), "0")
    with pytest.raises(Stale, match="was approved for version 0 of rollout, this is 1"):
        must_be_about(given, history.release, ID, "1")
    with pytest.raises(Stale, match="was edited after it was written"):
        must_be_about(replace(given, actions=given.actions[:1]), history.release, ID, "0")


@settings(max_examples=25, deadline=None)
@given(dice=st.randoms(use_true_random=False))
def test_the_digest_does_not_know_the_order_of_keys(dice: random.Random) -> None:
    """Fields in any order, on both sides: the same digest (and the same plan)."""
    history = released()
    seen = look(history)
    assert seen.endpoint is not None

    def shuffled(fields: dict[str, object]) -> dict[str, object]:
        names = sorted(fields)
        dice.shuffle(names)
        return {name: fields[name] for name in names}

    mixed = tuple(replace(one, fields=shuffled(dict(one.fields))) for one in seen.endpoint.deployments)
    endpoint = replace(seen.endpoint, fields=shuffled(dict(seen.endpoint.fields)), deployments=mixed)
    later = Observation(endpoint, seen.now + timedelta(days=dice.randint(0, 9)))
    candidate = replace(history.release.candidate, fields=shuffled(dict(history.release.candidate.fields)))
    other = replace(history.release, candidate=candidate, commit=str(dice.random()))

    assert change_set(other, later, ALLOWED).digest == change_set(history.release, seen, ALLOWED).digest


def test_no_secret_is_kept_and_a_changed_one_is_seen() -> None:
    """Values of variables are digests, those called like a secret are left out; the content's digest tells the rest."""
    history = released()
    seen = look(history)
    assert seen.endpoint is not None
    named = {"environment_variables.API_KEY": "hunter2", "environment_variables.MODE": "hunter3"}

    def with_variables(content: str, **values: str) -> Observation:
        fields = {f"environment_variables.{name}": value for name, value in values.items()}
        assert seen.endpoint is not None
        blue = seen.endpoint.deployments[0]
        live = replace(blue, fields={**blue.fields, **named, **fields}, content=content, revision="v1")
        tags = {name: value for name, value in seen.endpoint.tags.items() if not name.startswith("rollout.")}
        return Observation(replace(seen.endpoint, deployments=(live,), tags=tags), seen.now)

    before = with_variables("c1")
    given = approved(change_set(history.release, before, ALLOWED), history.release, endpoint=ID, created=before.now)
    decision = history.decision()

    assert "hunter" not in msgspec.json.encode(given).decode()
    with pytest.raises(Stale, match=r"approved: blue: content is c2, approved was c1$") as hidden:
        must_fit(given, history.release, with_variables("c2", API_KEY="hunter9"), decision, ALLOWED)
    with pytest.raises(Stale, match=r"approved: blue: environment_variables.MODE is sha256:") as shown:
        must_fit(given, history.release, with_variables("c2", MODE="hunter9"), decision, ALLOWED)
    assert "hunter" not in f"{hidden.value}{shown.value}"


AGAIN = "look at it again and have it approved: rollout diff {} --out FILE"


def refused(given: Approved, **seen: Any) -> tuple[str, str]:
    """Why an approval is not of this plan, and the way out."""
    about = {"release": plans.roles("v2", LINE), "endpoint": ID, "tool": "0", **seen}
    with pytest.raises(Stale) as raised:
        must_be_about(given, **about)
    return str(raised.value), raised.value.hint


def test_why_it_is_another_approval() -> None:
    """Verbatim, with the way to a new one; by the name of its plan, where it knows its file."""
    given = approve(released())
    bare = approved(
        change_set(plans.roles("v2", LINE), look(released()), ALLOWED),
        plans.roles("a" * 12, LINE),
        endpoint=ID,
        created=given.created,
    )

    assert refused(replace(given, digest="0" * 16)) == (
        "the saved change set was edited after it was written",
        AGAIN.format("plan.yml"),
    )
    assert refused(bare) == ("the change set was approved for version ? of rollout, this is 0", AGAIN.format("PLAN"))
    assert refused(bare, release=plans.roles("b" * 12, LINE), tool="") == (
        "the plan's goal is bbbbbbbbbb now, approved was aaaaaaaaaa",
        AGAIN.format("PLAN"),
    )


def test_golden_approval() -> None:
    """Files that are kept: a later version must know their seal and their actions again, however JSON was sorted."""
    world = World({"plan": "deploy, smoke, traffic 100", "live": {"blue": "v1"}})
    found = change_set(world.release, world.observation, ALLOWED)
    given = approved(found, world.release, endpoint=ID, created=world.now, tool="0", allowed=ALLOWED)

    assert [(one.kind, one.digest) for one in given.actions] == [
        ("DeployRevision", "292ba514edec1a3c"),
        ("SetTraffic", "63c68779437aa8d0"),
    ]
    assert given.seal == "2970ea98525874dc"
    mixed = json.dumps(json.loads(msgspec.json.encode(given)), sort_keys=True)
    must_be_about(msgspec.json.decode(mixed, type=Approved), world.release, ID, "0")


def test_what_is_gone_on_the_way_is_gone_in_the_file() -> None:
    """Each world says only what is other than before; together they are all of it."""
    live = {"blue": "v1", "green": "v2", "red": "v0"}
    world = World({"plan": "deploy, smoke, traffic 10, traffic 100", "live": live, "split": "blue=90 red=10"})
    found = change_set(world.release, world.observation, ALLOWED)
    given = approved(found, world.release, endpoint=ID, created=world.now)

    assert [sorted(one.changed) for one in given.worlds] == [
        ["blue", "endpoint", "green", "red"],
        ["endpoint", "red"],
        ["endpoint"],
    ]
    assert given.worlds[1].changed["red"] is None


def test_nothing_is_asked_while_the_service_works() -> None:
    """Half a world is not one that anybody approved; nothing is written then."""
    history = released()
    given = approve(history)
    seen = look(history)
    assert seen.endpoint is not None
    busy = Observation(replace(seen.endpoint, state="Updating", weights=weights({"blue": 50})), seen.now)

    must_fit(given, history.release, busy, decide(history.release, busy), ALLOWED)


def test_from_the_first_write_on_it_is_under_way() -> None:
    """It may have been started in time, and then goes on as long as its stages take."""
    history = released()
    given = approve(history)
    assert reach(history, 1)
    history.plane.now = given.valid_until + timedelta(seconds=1)

    check(given, history)


def test_who_only_waits_is_not_too_late() -> None:
    """Nothing is written: the approval of what comes next is asked for when it comes."""
    history = released()
    given = approve(history)
    history.until(10)
    history.plane.now = given.carry_until + timedelta(days=9)
    decision = history.decision()

    assert decision.status is Status.WAIT
    check(given, history)


def test_other_actions_in_the_same_world_are_not_approved() -> None:
    """They are refused when they would be done, not before."""
    history = released()
    given = approve(history)
    less = replace(given, actions=given.actions[:-1])

    with pytest.raises(Stale) as raised:
        check(less, history)
    assert str(raised.value) == f"what is to be done now is no part of what was approved as {given.digest}"
    assert raised.value.hint == AGAIN.format("plan.yml")
    waiting = replace(history.decision(), status=Status.WAIT, actions=())
    must_fit(less, history.release, look(history), waiting, ALLOWED)
    with pytest.raises(Stale) as raised:
        check(replace(less, file=""), history)
    assert raised.value.hint == AGAIN.format("PLAN")


def edited(history: History, **fields: Any) -> Observation:
    """What is there, with those fields of blue edited."""
    seen = look(history)
    assert seen.endpoint is not None
    live = seen.endpoint.deployments
    blue = replace(live[0], fields={**live[0].fields, **fields}, content="edited")
    return Observation(replace(seen.endpoint, deployments=(blue, *live[1:])), seen.now)


@pytest.mark.parametrize(("count", "end"), [(2, ""), (8, ""), (9, "; and 1 more"), (12, "; and 4 more")])
def test_not_all_of_many_changes_are_told(count: int, end: str) -> None:
    """Eight of them, and how many there are beside."""
    history = released()
    history.plane.hand_update("blue", "v1")
    base = edited(history, **{f"f{n:02}": n for n in range(count)})
    found = change_set(history.release, base, ALLOWED)
    given = approved(found, history.release, endpoint=ID, created=base.now)

    with pytest.raises(Stale) as raised:
        must_fit(given, history.release, edited(history), history.decision(), ALLOWED)

    told = "; ".join(f"blue: f{n:02} is none, approved was {n}" for n in range(min(count, 8)))
    assert str(raised.value) == f"this changed since {given.digest} was approved: {told}{end}"
    assert raised.value.hint == AGAIN.format("PLAN")


def world_of(done: int, **fields: Any) -> ApprovedWorld:
    """A world of the way in which the endpoint looks so, and nothing else is asked of it."""
    gone: dict[str, Any] = {"blue": None, "green": None}
    return ApprovedWorld(done=done, changed={"endpoint": fields, **gone})


@pytest.mark.parametrize(
    ("worlds", "told"),
    [
        pytest.param(
            [world_of(0, traffic="blue=90"), world_of(0, state="x", promoted="y", plan="z")],
            "endpoint: plan is none, approved was z; endpoint: promoted is blue v1, approved was y;"
            " endpoint: state is Succeeded, approved was x",
            id="the stage counts before any number of fields",
        ),
        pytest.param(
            [world_of(0, state="x", promoted="y"), world_of(0, state="z")],
            "endpoint: state is Succeeded, approved was z",
            id="fewer fields",
        ),
        pytest.param(
            [world_of(0, state="first"), world_of(1, state="later")],
            "endpoint: state is Succeeded, approved was later",
            id="as far away: the later one",
        ),
        pytest.param(
            [world_of(3, state="x", promoted="y"), world_of(0, state="nearer")],
            "endpoint: promoted is blue v1, approved was y; endpoint: state is Succeeded, approved was x",
            id="one before what is still to be done, though another is nearer",
        ),
    ],
)
def test_of_which_world_it_is_told(worlds: list[ApprovedWorld], told: str) -> None:
    """The nearest one of the way."""
    history = released("deploy, smoke, traffic 10, traffic 100")
    given = approve(history)
    others = (*given.actions[:1] * 3, *given.actions) if worlds[0].done == 3 else given.actions[:1]

    with pytest.raises(Stale) as raised:
        check(replace(given, worlds=tuple(worlds), actions=others), history)

    assert str(raised.value) == f"this changed since {given.digest} was approved: {told}"


def test_where_nothing_is_left_to_do_the_nearest_world_is_told() -> None:
    """The end of every way leaves nothing to do: that alone makes no world the right one."""
    history = released("deploy, smoke, traffic 10, traffic 100")
    history.release = plans.roles("v1", "deploy, smoke, traffic 10, traffic 100")
    given = replace(approve(history), worlds=(world_of(0, state="x", promoted="y"), world_of(1, state="z")))
    acting = replace(history.decision(), status=Status.ACT)
    more = replace(given, actions=approve(released()).actions[:1])

    with pytest.raises(Stale, match="approved: endpoint: state is Succeeded, approved was z$"):
        must_fit(more, history.release, look(history), acting, ALLOWED)
    farther = replace(more, worlds=(world_of(0, state="z"), world_of(1, state="x", promoted="y")))
    with pytest.raises(Stale, match="approved: endpoint: state is Succeeded, approved was z$"):
        must_fit(farther, history.release, look(history), acting, ALLOWED)
