"""What holds the approvals of a fleet's members together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from msgspec.structs import replace

from rollout.core.approval import Approved, as_part, must_be_about
from rollout.core.fleet import FleetPlan, Wave
from rollout.core.fleet_approval import (
    ROUND_SECONDS,
    ApprovedFleet,
    approved_fleet,
    delays,
    digest_of,
    must_be_in_time,
    must_be_that_fleet,
    not_as_approved,
)
from rollout.errors import Unapproved
from tests.worlds.plans import roles

NOW: Final = datetime(2026, 11, 23, 12, tzinfo=UTC)
PLAN: Final = FleetPlan(
    name="prices",
    waves=(
        Wave(name="one", members=("a",), bake=600.0),
        Wave(name="two", members=("b", "c", "d"), after=("one",), max_in_flight=2),
        Wave(name="beside", members=("e",), after=()),
        Wave(name="last", members=("f",), after=("two", "beside")),
    ),
)


def approval(name: str) -> Approved:
    """One member's, which may be started for an hour, and lasts another."""
    bare = Approved(
        digest="d" * 16,
        plan=name,
        file="template.yml",
        overlay="prod.yml",
        plan_digest="p" * 16,
        goal="two",
        endpoint=f"/{name}",
        created=NOW,
        valid_until=NOW + timedelta(hours=1),
        carry_until=NOW + timedelta(hours=2),
    )
    return as_part(bare, "prices.fleet.yml", 0.0)


MEMBERS: Final = {name: approval(name) for name in "abcdef"}


def whole(plan: FleetPlan = PLAN) -> ApprovedFleet:
    """The fleet's."""
    return approved_fleet(
        plan,
        MEMBERS,
        digest="d" * 16,
        file="prices.fleet.yml",
        overlays={},
        valid_until=NOW + timedelta(hours=1),
        tool="0",
    )


def test_a_later_wave_has_more_time() -> None:
    """As much as those in front of it may take: their rounds, each as long as the slowest, and their bakes."""
    waits = {"a": 100.0, "b": 50.0, "c": 200.0, "d": 10.0, "f": 5.0}
    first, round_ = 100.0 + ROUND_SECONDS + 600.0, 200.0 + ROUND_SECONDS
    assert delays(PLAN, waits) == {"one": 0.0, "two": first + round_, "beside": 0.0, "last": first + 2 * round_}
    assert delays(PLAN, waits, {"one"}) == {"one": 0.0, "two": round_, "beside": 0.0, "last": 2 * round_}
    assert delays(PLAN, {}) == dict.fromkeys(("one", "two", "beside", "last"), 0.0)


def test_a_part_of_a_whole() -> None:
    """It is read from the fleet's file, may be started later, and its seal is right."""
    part = as_part(MEMBERS["a"], "other.yml", 60.0)
    assert (part.file, part.overlay) == ("other.yml", "")
    assert part.valid_until == NOW + timedelta(hours=1, minutes=1)
    assert part.carry_until == NOW + timedelta(hours=2, minutes=1)
    with pytest.raises(Unapproved, match="approved for /a, not for /z"):
        must_be_about(part, roles("v2"), "/z", "")


def test_one_digest() -> None:
    """Of the waves and of every member's change set; their order in the file of digests is nothing."""
    digest = digest_of(PLAN, {"a": "1", "b": "2"})
    assert digest == digest_of(PLAN, {"b": "2", "a": "1"})
    assert digest != digest_of(PLAN, {"a": "1", "b": "3"})
    assert digest != digest_of(replace(PLAN, error_budget=1), {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("what", "plan", "members", "told"),
    [
        (whole(), replace(PLAN, on_failure="roll_back"), MEMBERS, "the fleet prices is not as it was approved: its"),
        (whole(), replace(PLAN, waves=PLAN.waves[:3]), MEMBERS, "the fleet prices has other members .*: f \\(gone\\)"),
        (replace(whole(), digest="0" * 16), PLAN, MEMBERS, "the saved change set was edited after it was written"),
        (whole(), PLAN, {**MEMBERS, "a": as_part(MEMBERS["a"], "x.yml", 9.0)}, "the saved change set was edited after"),
    ],
)
def test_another_fleet(what: ApprovedFleet, plan: FleetPlan, members: dict[str, Approved], told: str) -> None:
    """Its waves, its members, an edit by hand, also of a single member's approval."""
    must_be_that_fleet(whole(), PLAN, MEMBERS, "0")
    with pytest.raises(Unapproved, match=told) as raised:
        must_be_that_fleet(what, plan, members, "0")
    hint = "look at it again and have it approved: rollout diff prices.fleet.yml --out FILE"
    assert raised.value.hint == hint


def test_another_version_of_the_tool() -> None:
    """What another major version looked at must be looked at again."""
    with pytest.raises(Unapproved, match="approved for version 0 of rollout, this is 1"):
        must_be_that_fleet(whole(), PLAN, MEMBERS, "1")


def test_too_late() -> None:
    """To the second."""
    must_be_in_time(whole(), NOW + timedelta(hours=1))
    with pytest.raises(Unapproved, match=f"the approval of {'d' * 16} expired at 2026-11-23 13:00:00Z"):
        must_be_in_time(whole(), NOW + timedelta(hours=1, seconds=1))


def test_many_that_are_other_than_they_were() -> None:
    """The first few are told, the others counted."""
    faults = {name: Unapproved(f"it is {name}") for name in "abcdef"}
    assert str(not_as_approved(whole(), faults)) == "a: it is a; b: it is b; c: it is c; d: it is d; and 2 more members"
