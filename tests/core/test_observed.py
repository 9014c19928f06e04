"""Canonical values: two looks at the same world are equal, however the service spells it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollout.core.observed import Deployment, Endpoint, Weights, all_to, weights

splits = st.dictionaries(st.sampled_from(["blue", "Green", "RED", "x-1"]), st.integers(0, 100), max_size=4)


@given(live=splits, copied=splits)
def test_weights_have_one_form(live: dict[str, int], copied: dict[str, int]) -> None:
    """Order, case and zeroes do not matter."""
    found = weights(live, copied)

    other = weights(
        {name.upper(): weight for name, weight in reversed(live.items())},
        {"nobody": 0, **{name.lower(): weight for name, weight in copied.items()}},
    )
    assert found == other
    assert found == weights(dict(found.traffic), dict(found.mirror))


@given(live=splits, copied=splits)
def test_weights_answer_by_name(live: dict[str, int], copied: dict[str, int]) -> None:
    """0 for whoever is not named."""
    found = weights(live, copied)

    for name in {*live, *copied, "nobody"}:
        key = name.lower()
        assert (found.live(key), found.mirrored(key)) == (live.get(name, 0), copied.get(name, 0))
        assert found.touches(key) == (live.get(name, 0) > 0 or copied.get(name, 0) > 0)


def test_serving_is_by_live_weight() -> None:
    """A mirror serves nobody."""
    assert weights({"green": 90, "blue": 10}, {"red": 5}).serving == ("blue", "green")
    assert weights({}, {"red": 5}).serving == ()


def test_one_percent_touches() -> None:
    """Live or mirrored."""
    split = weights({"blue": 99, "green": 1}, {"red": 1})

    assert [name for name in ("blue", "green", "red", "white") if split.touches(name)] == ["blue", "green", "red"]


def test_all_to_one() -> None:
    """And the mirror off."""
    assert all_to("blue") == weights({"blue": 100}) == Weights((("blue", 100),), ())


def deployment(name: str, state: str) -> Deployment:
    """A deployment in that state."""
    return Deployment(name=name, state=state, count=1)


def test_only_what_succeeded_is_ready() -> None:
    """Every other state is not."""
    states = ("Succeeded", "Failed", "Canceled", "Creating", "Updating", "Scaling", "Deleting")

    assert [state for state in states if deployment("blue", state).ready] == ["Succeeded"]


def test_what_is_in_flight() -> None:
    """The endpoint's own name first, then its deployments; ended is ended, however."""
    found = Endpoint(
        name="house",
        state="Updating",
        deployments=(deployment("blue", "Failed"), deployment("green", "Creating"), deployment("red", "Deleting")),
    )

    assert found.in_flight == ("house", "green", "red")
    assert Endpoint(name="house").in_flight == ()


def test_a_deployment_is_found_by_its_name() -> None:
    """Or it is not there."""
    blue = deployment("blue", "Succeeded")
    found = Endpoint(name="house", deployments=(blue,))

    assert found.deployment("blue") is blue
    assert found.deployment("green") is None
