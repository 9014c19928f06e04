"""Three distances of two samples: what each says of known ones, and what holds for any."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.gates.distances import jensen_shannon, kolmogorov_smirnov, stability_index

TENS = [float(number) for number in range(100)]
samples = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


def test_known_values() -> None:
    """All of one value against all of another; half of it elsewhere."""
    assert kolmogorov_smirnov([1.0, 2.0], [3.0, 4.0]) == 1.0
    assert kolmogorov_smirnov(TENS, [number + 25 for number in TENS]) == pytest.approx(0.25)
    halves = [0.0] * 50 + [1.0] * 50
    quarters = [0.0] * 25 + [1.0] * 75
    assert stability_index(halves, quarters) == pytest.approx(0.25 * log(3), abs=0.02)
    assert jensen_shannon(halves, quarters) == pytest.approx(0.221, abs=0.01)
    assert 0.7 < jensen_shannon(TENS, [number + 1000 for number in TENS]) < 1
    assert stability_index(TENS, [number + 50 for number in TENS]) > 0.25


@settings(deadline=None)
@given(samples, samples)
def test_what_holds_for_any_two(one: list[float], other: list[float]) -> None:
    """Nothing is apart from itself; nothing is negative; two of them are at most 1; the order does not matter."""
    for distance in (kolmogorov_smirnov, stability_index, jensen_shannon):
        assert distance(one, one) == pytest.approx(0.0, abs=1e-9)
        assert distance(one, other) >= 0
        assert distance(one[::-1], other[::-1]) == pytest.approx(distance(one, other))
    assert kolmogorov_smirnov(one, other) <= 1
    assert jensen_shannon(one, other) <= 1
