"""What makes the judge always valid: no factor has an expectation above 1 under the null. By exact enumeration."""

from __future__ import annotations

from collections.abc import Iterator
from math import comb, exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.evidence.bursts import Belief, effective
from rollout.core.evidence.counts import Arm
from rollout.core.evidence.one_arm import above, below
from rollout.core.evidence.two_arms import Null, log_factor, nearest

RATES = (0.001, 0.01, 0.02, 0.05, 0.2, 0.5, 0.9, 0.985)


def binomial(n: int, p: float) -> list[float]:
    """The probability of each count."""
    return [comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def expectation(null: Null, rates: tuple[float, float], sizes: tuple[int, int], truth: tuple[float, float]) -> float:
    """The mean of a block's factor over every possible outcome of the two arms (upper, lower)."""
    tops, bottoms = binomial(sizes[0], truth[0]), binomial(sizes[1], truth[1])
    return sum(
        top * bottom * exp(log_factor(null, rates, Arm(sizes[0], a), Arm(sizes[1], b)))
        for a, top in enumerate(tops)
        for b, bottom in enumerate(bottoms)
    )


def nulls(margin: float) -> Iterator[tuple[float, float]]:
    """Truths on the boundary of the null, where the mean is largest, and some inside."""
    for lower in RATES:
        for upper in (lower + margin, (lower + margin) / 2):
            if 0 <= upper <= 1:
                yield upper, lower


@pytest.mark.parametrize("margin", [-0.01, 0.0, 0.01])
@pytest.mark.parametrize("sizes", [(1, 1), (3, 27), (12, 12), (8, 40)])
def test_no_factor_is_worth_more_than_its_stake(margin: float, sizes: tuple[int, int]) -> None:
    """sup E ≤ 1 over the grid of alternatives and truths."""
    null = Null(margin)
    for rates in ((0.02, 0.01), (0.05, 0.005), (0.5, 0.05), (0.3, 0.2), (0.999, 0.2)):
        assert max(expectation(null, rates, sizes, truth) for truth in nulls(margin)) <= 1 + 1e-9


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-0.2, 0.2),
    st.tuples(st.floats(1e-6, 0.999), st.floats(1e-6, 0.999)),
    st.tuples(st.integers(0, 12), st.integers(0, 25)),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_whatever_the_alternative(
    margin: float, rates: tuple[float, float], sizes: tuple[int, int], lower: float, inside: float
) -> None:
    """The same for random margins, alternatives, sizes and truths inside the null."""
    upper = min(max(lower + margin, 0.0), 1.0) * inside
    if upper <= lower + margin:
        assert expectation(Null(margin), rates, sizes, (upper, lower)) <= 1 + 1e-7


@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.99), st.floats(0.001, 0.99), st.integers(1, 99), st.integers(1, 999))
def test_the_projection_is_the_nearest_point(margin: float, upper: float, lower: float, n: int, m: int) -> None:
    """It lies inside the null, and no neighbour on the boundary is nearer."""
    a, b = nearest(Null(margin), upper, lower, n, m)
    assert a <= b + margin + 1e-9 or (a, b) == (upper, lower)
    if upper - lower > margin:
        here = _divergence(upper, lower, a, b, n, m)
        for step in (-1e-4, 1e-4):
            if 0 < b + step < 1 and 0 < b + step + margin < 1:
                assert here <= _divergence(upper, lower, b + step + margin, b + step, n, m) + 1e-9


def _divergence(upper: float, lower: float, a: float, b: float, n: int, m: int) -> float:
    return n * _kl(upper, a) + m * _kl(lower, b)


def _kl(p: float, q: float) -> float:
    return p * log(p / q) + (1 - p) * log((1 - p) / (1 - q))


@pytest.mark.parametrize("objective", [0.001, 0.5, 0.9, 0.99])
def test_only_bad_requests_are_above_any_objective(objective: float) -> None:
    """However high it is: the alternatives lie between it and one, and each request speaks for them."""
    grown = list(above([(Arm(10, 10), Belief())] * 3, objective))

    assert 0 < grown[0] < grown[1] < grown[2]


@pytest.mark.parametrize("objective", [0.001, 0.05, 0.5])
def test_one_arm_is_worth_no_more_either(objective: float) -> None:
    """Against an objective: on the boundary and inside, for both directions."""
    for n in (1, 10, 60):
        for factor in (1.0, 0.5, 0.1):
            safe, bad = binomial(n, objective * factor), binomial(n, 1 - (1 - objective) * factor)
            up = [exp(next(iter(above([(Arm(n, k), Belief())], objective)))) for k in range(n + 1)]
            down = [exp(next(iter(below([(Arm(n, k), Belief())], objective)))) for k in range(n + 1)]
            assert sum(p * e for p, e in zip(safe, up, strict=True)) <= 1 + 1e-9
            assert sum(p * e for p, e in zip(bad, down, strict=True)) <= 1 + 1e-9


@pytest.mark.parametrize("correlation", [0.001, 0.05, 0.5, 1.0])
@pytest.mark.parametrize("margin", [-0.01, 0.0, 0.01])
def test_dividing_the_counts_only_takes_evidence_away(correlation: float, margin: float) -> None:
    """A root of an e-value is an e-value (Jensen), also when each arm has a design effect of its own."""
    null, n, m = Null(margin), 8, 30
    for truth in nulls(margin):
        tops, bottoms = binomial(n, truth[0]), binomial(m, truth[1])
        mean = sum(
            top * bottom * exp(log_factor(null, (0.3, 0.1), worth(n, a, correlation), worth(m, b, correlation)))
            for a, top in enumerate(tops)
            for b, bottom in enumerate(bottoms)
        )
        assert mean <= 1 + 1e-9


def worth(requests: int, bad: int, correlation: float) -> Arm:
    """The counts after the design effect."""
    return effective(Arm(requests, bad), correlation)
