"""How a member of a fleet stands, read from one look at its endpoint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace

from rollout.core.decide import decide
from rollout.core.fleet import Member, Standing
from rollout.core.fleet_members import may_go_on, member_of, needed, release_of
from rollout.core.observed import Deployment, Endpoint, Observation, Weights, weights
from rollout.core.progress import Hold, Progress, Promoted, Quarantined, Run, to_tags
from rollout.core.quarantine import BY_HAND
from rollout.core.release import (
    Delete,
    Deploy,
    DeploymentSpec,
    EndpointSpec,
    LiteralForm,
    OnFailure,
    Release,
    Traffic,
)
from rollout.core.stamp import FLEET, FLEET_TAG
from tests.worlds.plans import roles

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
BORN: Final = "20261123T100000Z"
SIZE: Final = "Standard_DS3_v2"
LABEL: Final = "prices@0123456789ab"
RELEASE: Final = Release(
    name="prices",
    endpoint=EndpointSpec(name="prices"),
    candidate=DeploymentSpec(revision="two", instance_type=SIZE),
    slots=("blue", "green"),
    stages=(
        Deploy(name="deploy"),
        Traffic(name="t10", weight=10),
        Traffic(name="t100", weight=100),
    ),
    provenance={FLEET: LABEL},
)
ALLOWED: Final = frozenset({"creates-endpoint", "ungated-traffic"})


def deployment(name: str, revision: str, **more: Any) -> Deployment:
    """One that is there, and ready."""
    return Deployment(
        name=name,
        state="Succeeded",
        count=1,
        revision=revision,
        born=BORN,
        instance_type=SIZE,
        content=revision,
        **more,
    )


def promoted(name: str, revision: str) -> Promoted:
    """What the record says of it."""
    return Promoted(name=name, revision=revision, born=BORN, content=revision)


def seen(split: Weights, *deployments: Deployment, record: Progress | None = None) -> Observation:
    """A look at that endpoint."""
    tags = to_tags(record) if record else {}
    return Observation(Endpoint(name="prices", weights=split, deployments=deployments, tags=tags), NOW)


def stood(look: Observation, release: Release = RELEASE) -> Member:
    """How the member stands then."""
    return member_of(release, look, decide(release, look, {}, ALLOWED))


ALL_BLUE: Final = weights({"blue": 100})
ONE: Final = deployment("blue", "one")
TWO: Final = deployment("green", "two", tags={FLEET_TAG: LABEL})
KNOWN: Final = Progress(
    plan="prices", promoted=promoted("blue", "one"), written=ALL_BLUE, since=NOW, outcome="complete"
)
RUN: Final = Run(goal="two", slot="green", born=BORN, content="two", started=NOW)
DONE: Final = replace(
    KNOWN,
    promoted=promoted("green", "two"),
    former=promoted("blue", "one"),
    written=weights({"green": 100}),
    since=NOW - timedelta(hours=1),
)
TEN: Final = weights({"blue": 90, "green": 10})
CASES: Final = {
    "nothing there": (Observation(None, NOW), Standing.PENDING, False),
    "the last goal serves": (seen(ALL_BLUE, ONE, record=KNOWN), Standing.PENDING, False),
    "never touched by us": (seen(ALL_BLUE, deployment("blue", "")), Standing.PENDING, False),
    "its candidate is there": (seen(ALL_BLUE, ONE, TWO, record=KNOWN), Standing.IN_FLIGHT, True),
    "at 10 percent": (seen(TEN, ONE, TWO, record=replace(KNOWN, run=RUN, written=TEN)), Standing.IN_FLIGHT, True),
    "promoted": (seen(weights({"green": 100}), ONE, TWO, record=DONE), Standing.RELEASED, False),
    "rolled back": (
        seen(ALL_BLUE, ONE, TWO, record=replace(KNOWN, quarantine=(Quarantined(goal="two", key=BY_HAND, at=NOW),))),
        Standing.FAILED,
        True,
    ),
    "held by a person": (
        seen(TEN, ONE, TWO, record=replace(KNOWN, run=RUN, written=TEN, hold=Hold(kind="person", why="wait", at=NOW))),
        Standing.HELD,
        True,
    ),
    "another plan's": (seen(ALL_BLUE, ONE, TWO, record=replace(KNOWN, plan="other")), Standing.HELD, False),
    "a revert to what is still there": (
        seen(
            weights({"green": 100}),
            deployment("blue", "two"),
            deployment("green", "three"),
            record=replace(DONE, promoted=promoted("green", "three"), former=promoted("blue", "two")),
        ),
        Standing.PENDING,
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_how_it_stands(name: str) -> None:
    """From its own endpoint alone."""
    look, standing, begun = CASES[name]
    found = stood(look)
    assert (found.standing, found.begun) == (standing, begun), found.reason


def test_when_it_was_promoted() -> None:
    """Of what was promoted by us; nobody knows it of what was adopted."""
    assert stood(CASES["promoted"][0]).since == NOW - timedelta(hours=1)
    assert stood(seen(weights({"green": 100}), TWO)).since is None
    others: tuple[dict[str, Any], ...] = ({"outcome": ""}, {"promoted": promoted("blue", "one")}, {"promoted": None})
    for other in (replace(DONE, **each) for each in others):
        assert stood(seen(weights({"green": 100}), ONE, TWO, record=other)).since is None


def test_what_has_begun() -> None:
    """A candidate that was deployed for this goal: not another plan's, not what serves, not what served before."""
    literal = LiteralForm(stable="blue", candidate="green", stable_spec=replace(RELEASE.candidate, revision="one"))
    fixed = replace(RELEASE, literal=literal)
    split = weights({"green": 100})
    assert not stood(seen(split, TWO, record=replace(DONE, former=None)), fixed).begun
    assert not stood(seen(TEN, ONE, TWO, record=replace(KNOWN, plan="other", run=RUN, written=TEN))).begun
    assert not stood(seen(ALL_BLUE, ONE, deployment("green", "zero"), record=KNOWN)).begun
    again = replace(KNOWN, former=promoted("green", "zero"))
    assert stood(seen(ALL_BLUE, ONE, TWO, record=again)).begun


def test_what_is_left_to_do() -> None:
    """A delete of what was stable, a clean-up of what failed; not what a run still has before it."""
    deletes = replace(RELEASE, stages=(*RELEASE.stages, Delete(name="delete")))
    done = seen(weights({"green": 100}), ONE, TWO, record=DONE)
    assert [stood(done, release).unfinished for release in (RELEASE, deletes)] == [False, True]
    cleaned = replace(RELEASE, on_failure=OnFailure(candidate="delete"))
    ring = (Quarantined(goal="two", key=BY_HAND, slot="green", at=NOW),)
    failed = seen(ALL_BLUE, ONE, TWO, record=replace(KNOWN, quarantine=ring))
    assert [stood(failed, release).unfinished for release in (RELEASE, cleaned)] == [False, True]
    assert not stood(CASES["the last goal serves"][0]).unfinished
    assert not stood(failed, cleaned).astray


def test_what_can_go_back() -> None:
    """Made by this release of the fleet, and what was before is still there and ready as it was."""
    split = weights({"green": 100})
    good = seen(split, ONE, TWO, record=DONE)
    assert stood(good).returnable
    others = {
        "made by another release": seen(split, ONE, replace(TWO, tags={FLEET_TAG: "prices@ffff"}), record=DONE),
        "made by the plan alone": seen(split, ONE, replace(TWO, tags={}), record=DONE),
        "former is gone": seen(split, TWO, record=DONE),
        "former is another": seen(split, deployment("blue", "zero"), TWO, record=DONE),
        "former is broken": seen(split, replace(ONE, state="Failed"), TWO, record=DONE),
    }
    assert {name: stood(look).returnable for name, look in others.items()} == dict.fromkeys(others, False)
    assert not stood(good, replace(RELEASE, provenance={})).returnable
    unlabelled = seen(split, ONE, replace(TWO, tags={}), record=DONE)
    assert not stood(unlabelled, replace(RELEASE, provenance={})).returnable
    held = replace(DONE, hold=Hold(kind="person", why="wait", at=NOW))
    assert not stood(seen(split, ONE, TWO, record=held)).returnable
    assert not stood(seen(split, ONE, TWO, record=replace(DONE, former=None))).returnable


def test_a_candidate_of_another_goal() -> None:
    """It is astray while it has traffic: that goes back, whether this member may start or not."""
    old = replace(KNOWN, run=replace(RUN, goal="three", content="three"), written=TEN)
    look = seen(TEN, ONE, deployment("green", "three"), record=old)
    found = stood(look)
    assert (found.standing, found.astray) == (Standing.PENDING, True)
    assert not stood(CASES["the last goal serves"][0]).astray


def test_what_it_needs() -> None:
    """The peak of its whole way; nothing where the quota is left out of account."""
    look = CASES["the last goal serves"][0]
    assert needed(RELEASE, look, ALLOWED).cores == (("standard_ds3_v2", 8),)
    assert needed(RELEASE, look, ALLOWED | {"quota-risk"}).cores == ()
    assert needed(replace(RELEASE, allow_hazards=("quota-risk",)), look, ALLOWED).cores == ()
    assert needed(RELEASE, CASES["promoted"][0], ALLOWED).cores == ()
    assert needed(RELEASE, seen(ALL_BLUE, ONE, deployment("green", "zero"), record=KNOWN), ALLOWED).cores == ()


def test_what_a_release_is_called() -> None:
    """By the fleet and all goals: another goal of any member is another release, their order is not."""
    called = release_of("prices", {"a": "1", "b": "2"})
    assert called == "prices@55c420c0f44e"
    assert called == release_of("prices", {"b": "2", "a": "1"})
    assert called != release_of("prices", {"a": "1", "b": "3"})


@pytest.mark.parametrize(
    ("standings", "begun", "label", "goes_on"),
    [
        ((Standing.RELEASED, Standing.HELD), False, "", True),
        ((Standing.RELEASED, Standing.PENDING), False, "", False),
        ((Standing.RELEASED, Standing.PENDING), False, "f@old", False),
        ((Standing.RELEASED, Standing.PENDING), False, "f@new", True),
        ((Standing.FAILED, Standing.PENDING), False, "f@old", False),
        ((Standing.RELEASED, Standing.PENDING), True, "", True),
        ((Standing.RELEASED, Standing.UNKNOWN), False, "", False),
        ((Standing.RELEASED, Standing.UNKNOWN), False, "f@new", True),
    ],
)
def test_what_a_schedule_may_carry_on(standings: tuple[Standing, ...], begun: bool, label: str, goes_on: bool) -> None:
    """What waits for nobody, and what somebody has begun: this very release, not an earlier one. Who cannot be looked
    at may be waiting."""
    members = [Member(name=str(index), standing=one) for index, one in enumerate(standings)]
    members[-1] = replace(members[-1], begun=begun)
    release = replace(roles("v2"), provenance={"fleet": "f@new"})
    tags = {"rollout.fleet": label} if label else {}
    live = Endpoint(name="house", deployments=(Deployment(name="blue", state="Succeeded", count=1, tags=tags),))
    assert may_go_on(members, [release], [live, None]) is goes_on
