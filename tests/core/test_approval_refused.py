"""What an approval says when it is refused, verbatim; and what a file of it holds."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from rollout.core.approval import Approved, ApprovedWorld, approved, must_be_about, must_fit
from rollout.core.change_set import change_set
from rollout.core.decide import decide
from rollout.core.decision import Status
from rollout.core.observed import Observation, weights
from rollout.errors import Stale
from tests.cases.world import World
from tests.core.test_approval import ID, LINE, approve, check, look, reach, released
from tests.worlds import plans
from tests.worlds.history import ALLOWED, History

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


def test_an_action_is_known_by_its_kind() -> None:
    """Whatever words its values have."""
    world = World({"goal": "v1", "declared": {"description": "what houses cost"}})
    found = change_set(world.release, world.observation, ALLOWED)
    given = approved(found, world.release, endpoint=ID, created=world.now)

    assert [one.kind for one in given.actions] == ["UpdateEndpoint"]


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
    history = released("deploy, traffic 10, traffic 100")
    given = approve(history)
    assert reach(history, 1)
    history.plane.now = given.valid_until + timedelta(seconds=1)

    assert history.decision().status is Status.ACT
    check(given, history)


def test_too_late_without_a_file() -> None:
    """The way out names no plan that it does not know."""
    history = released()
    given = replace(approve(history), file="")
    history.plane.now = given.valid_until + timedelta(seconds=1)

    with pytest.raises(Stale) as raised:
        check(given, history)
    assert raised.value.hint == AGAIN.format("PLAN")


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

    with pytest.raises(Stale, match=r"approved: endpoint: state is Succeeded, approved was z$"):
        must_fit(more, history.release, look(history), acting, ALLOWED)
    farther = replace(more, worlds=(world_of(0, state="z"), world_of(1, state="x", promoted="y")))
    with pytest.raises(Stale, match=r"approved: endpoint: state is Succeeded, approved was z$"):
        must_fit(farther, history.release, look(history), acting, ALLOWED)
