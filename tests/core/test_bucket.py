"""The token bucket: never more than the allowance in any window, whatever arrives and whatever the service says."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.bucket import LIMITS, Bucket, best_time, full

KINDS = sorted(LIMITS)
GAPS = st.lists(st.floats(0, 30).map(lambda gap: gap if gap > 0.5 else 0.0), max_size=600)


def granted(bucket: Bucket, arrivals: list[float]) -> list[float]:
    """When each of them, in this order, is let through."""
    found, last = [], 0.0
    for arrival in arrivals:
        last = max(last, arrival)
        last += bucket.wait(last)
        bucket = bucket.taken(last)
        found.append(last)
    return found


@given(GAPS, st.sampled_from(KINDS))
def test_no_window_has_more_than_the_allowance(gaps: list[float], kind: str) -> None:
    """Between any two grants a bucketful and what ran in meanwhile, at most; nobody waits longer than that takes."""
    size, refill = LIMITS[kind]
    arrivals = list(accumulate(gaps))
    times = granted(full(kind, 0.0), arrivals)
    for first in range(0, len(times), 7):
        for last in range(first, len(times), 11):
            assert last - first + 1 <= size + (times[last] - times[first]) * refill + 1e-6
    for number, (arrival, time) in enumerate(zip(arrivals, times, strict=True)):
        assert time - arrival <= best_time(kind, number + 1) + 1e-6


@given(st.integers(1, 2000), st.sampled_from(KINDS))
def test_all_at_once_take_the_best_time(count: int, kind: str) -> None:
    """Nothing is lost by waiting in line."""
    times = granted(full(kind, 5.0), [5.0] * count)
    assert times[-1] - 5.0 == pytest.approx(best_time(kind, count))


@given(st.integers(0, 250), st.integers(0, 40), st.floats(0, 60))
def test_what_the_service_says_counts(remaining: int, under_way: int, later: float) -> None:
    """Others take from the same bucket: never more at once than the service has left, but for what runs in."""
    bucket = full("reads", 0.0).learnt(0.0, remaining, under_way)
    at_once = sum(time <= later for time in granted(bucket, [0.0] * 300))
    assert at_once <= max(0, remaining - under_way) + later * 25.0 + 1e-6


def test_less_than_we_thought_is_not_raised_again() -> None:
    """An older answer that arrives late says more than there is."""
    bucket = full("reads", 0.0).learnt(0.0, 3, 0).learnt(0.0, 200, 0)
    assert granted(bucket, [0.0] * 4) == [0.0, 0.0, 0.0, pytest.approx(0.04)]


def test_a_larger_bucket_is_found_out() -> None:
    """The service has told 11,998 reads to some."""
    bucket = full("reads", 0.0).learnt(0.0, 11_998, 8)
    assert (bucket.size, granted(bucket, [0.0] * 11_990)[-1]) == (11_998.0, 0.0)


def test_after_a_refusal_nothing_leaves_before_its_time() -> None:
    """And then one after the other, not all that waited at once."""
    bucket = full("writes", 0.0).refused(10.0, 7.0)
    assert granted(bucket, [10.0] * 13)[:1] == [17.0]
    assert bucket.wait(10.0) == 7.0
    empty = full("writes", 0.0).refused(10.0, 0.05)
    assert granted(empty, [10.0] * 3) == [pytest.approx(10.1), pytest.approx(10.2), pytest.approx(10.3)]


def test_time_that_stands_or_goes_back_gives_nothing() -> None:
    """A clock that jumps back fills no bucket."""
    bucket = full("writes", 100.0)
    for _ in range(200):
        bucket = bucket.taken(100.0)
    assert bucket.wait(100.0) == pytest.approx(0.1)
    assert bucket.wait(50.0) == pytest.approx(0.1)
