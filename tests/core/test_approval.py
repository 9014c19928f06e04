"""What was approved is done, in however many passes; anything else is not, and it is said which field changed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from rollout.core.approval import Approved, approved, must_be_about, must_fit
from rollout.core.change_set import change_set
from rollout.core.decide import decide
from rollout.core.decision import Phase, Status, gives_back
from rollout.core.observed import Observation
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
