"""The token bucket: never more than the allowance in any window, whatever arrives and whatever the service says."""

from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.bucket import LIMITS, MARGIN, PORTION, Bucket, best_time, full, wanted

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


@given(st.lists(st.tuples(st.integers(1, PORTION), st.floats(0, 5)), max_size=80), st.sampled_from(KINDS))
def test_what_is_booked_ahead_is_due_when_it_is_there(portions: list[tuple[int, float]], kind: str) -> None:
    """Whoever books, in whatever portions: between any two tokens a bucketful and what ran in, at most; in order."""
    size, refill = LIMITS[kind]
    bucket, now, moments = full(kind, 0.0), 0.0, list[float]()
    for tokens, gap in portions:
        now += gap
        bucket, booking = bucket.booked(now, tokens)
        moments += [now + booking.due(number) for number in range(1, tokens + 1)]
    assert all(later >= earlier - 1e-9 for earlier, later in pairwise(moments))
    for first in range(0, len(moments), 3):
        for last in range(first, len(moments), 5):
            assert last - first + 1 <= size + (moments[last] - moments[first]) * refill + 1e-6


def test_what_another_worker_heard() -> None:
    """Less than the books say is believed, more is not; a larger bucket is one for all; a booking of 3 then waits."""
    books = full("reads", 0.0).told(0.0, 250.0, 1.0).told(0.0, 250.0, 200.0)
    assert books.level(0.0) == 1.0
    _, booking = books.booked(0.0, 3)
    assert [booking.due(number) for number in (1, 2, 3)] == [
        pytest.approx(number * MARGIN / 25) for number in (1, 2, 3)
    ]
    assert books.told(0.0, 11_998.0, 9_000.0).level(0.0) == 9_000.0


def test_how_much_is_booked() -> None:
    """Whole portions while there are plenty, then no more than wait, and never none."""
    books = full("reads", 0.0)
    scarce = books.told(0.0, 250.0, 100.0)
    assert [wanted(books, 0.0, waiting) for waiting in (1, 99)] == [PORTION, PORTION]
    assert [wanted(scarce, 0.0, waiting) for waiting in (0, 1, 4, 99)] == [1, 1, 4, PORTION]


def test_what_is_booked_is_gone_and_says_when_it_may_be_used() -> None:
    """Tokens of the future are taken like those of now; after a refusal none leaves before the service's wish."""
    size, refill = LIMITS["reads"]
    after, booking = full("reads", 0.0).booked(0.0, 300)
    assert after.level(0.0) == size - 300
    assert (booking.tokens, booking.left, booking.refill) == (300, size, refill)
    assert booking.due(300) == (300 + MARGIN - size) / refill
    assert full("reads", 0.0).refused(100.0, 10.0).booked(104.0, 1)[1].shut == 6.0


def test_half_a_bucket_is_not_plenty() -> None:
    """One token more is."""
    half = Bucket(size=100, refill=10, left=50, at=0.0, shut=0.0)
    assert (wanted(half, 0.0, 3), wanted(half.told(0.0, 100, 51), 0.0, 3)) == (3, 3)
    assert wanted(Bucket(size=100, refill=10, left=51, at=0.0, shut=0.0), 0.0, 3) == PORTION
