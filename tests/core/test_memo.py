"""What a release keeps of its own working out is no part of its value."""

from __future__ import annotations

from msgspec.structs import replace

from rollout.core import journey
from tests.worlds.plans import roles, spec


def test_a_journey_is_worked_out_once() -> None:
    """The same release and slot: the very same journey; another slot: another."""
    release = roles("v1")
    assert journey.normal(release, "green") is journey.normal(release, "green")
    assert journey.normal(release, "blue").slot == "blue"


def test_kinds_of_journey_are_kept_apart() -> None:
    """A first release, a run and a revert to the same slot are three ways."""
    release = roles("v1")
    ways = [make(release, "green") for make in (journey.first, journey.normal, journey.expedited)]
    assert [way.kind for way in ways] == ["first", "run", "expedited"]
    assert [len(way.steps) for way in ways] == [3, 10, 3]


def test_what_is_kept_is_no_part_of_the_value() -> None:
    """Releases are equal whether they were used or not, and a changed one starts anew."""
    used, unused = roles("v1"), roles("v1")
    journey.normal(used, "green")
    assert used == unused
    assert journey.normal(replace(used, candidate=spec("v2")), "green").goal == "v2"
