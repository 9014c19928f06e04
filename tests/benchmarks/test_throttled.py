"""The simulated pass: small fleets whose seconds can be worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.throttled import CPU, FLEETS, Fleet, bounds, even, simulated, skewed

STEADY = 1e6
"""A spread at which every answer takes the mean time."""


def test_one_endpoint_takes_its_answers_and_the_core() -> None:
    """Two reads of a second, then the decision."""
    assert simulated(Fleet(sizes=(1,), latency=1.0, spread=STEADY)) == pytest.approx(2 + CPU, rel=1e-2)


def test_a_bucket_lets_250_through_at_once_and_then_25_a_second() -> None:
    """500 reads at once: the last leaves after ten seconds."""
    fleet = Fleet(sizes=(500,), reads=1, parallel=500, latency=0.001, spread=STEADY)
    assert bounds(fleet).bucket == 10
    assert simulated(fleet) == pytest.approx(10, rel=1e-2)


def test_two_subscriptions_have_two_buckets() -> None:
    """Twice as many endpoints in as many seconds."""
    one, two = (Fleet(sizes=(500,) * owners, reads=1, parallel=1000, latency=0.001) for owners in (1, 2))
    assert simulated(two) == pytest.approx(simulated(one), rel=2e-2)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4), st.integers(1, 2), st.integers(1, 300))
def test_no_pass_is_faster_than_what_bounds_it(sizes: list[int], reads: int, parallel: int) -> None:
    """By more than the dice of the answers."""
    fleet = Fleet(sizes=tuple(sizes), reads=reads, parallel=parallel, spread=STEADY)
    assert simulated(fleet) >= bounds(fleet).best * 0.99


def test_the_fleets_are_as_large_as_they_say() -> None:
    """100,000 endpoints in 2,000 subscriptions, however they are spread."""
    assert sum(even()) == 100_000
    assert sum(skewed()) == pytest.approx(100_000, rel=0.02)
    assert {len(fleet.sizes) for fleet in FLEETS.values()} == {2_000}
