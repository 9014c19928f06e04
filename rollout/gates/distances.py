"""How far apart two samples of numbers are: three distances, for limits and for people. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import log, log2
from typing import Final

BINS: Final = 10
"""Bins of stable's deciles, as is usual for the population stability index."""
_EMPTY: Final = 0.5
"""An empty bin counts for half a number: a share of zero has no logarithm."""


def kolmogorov_smirnov(one: Sequence[float], other: Sequence[float]) -> float:
    """The greatest difference of the two empirical distribution functions, 0 to 1."""
    first, second = sorted(one), sorted(other)
    places = {*first, *second}
    return max(abs(bisect_right(first, x) / len(first) - bisect_right(second, x) / len(second)) for x in places)


def stability_index(one: Sequence[float], other: Sequence[float]) -> float:
    """The population stability index over the deciles of `one`: the sum of (q − p)·ln(q / p). 0: the same; people call
    0.1 to 0.25 a shift, and more a large one. Neither sample may be empty."""
    first, second = _shares(one, other)
    return sum((q - p) * log(q / p) for p, q in zip(first, second, strict=True))


def jensen_shannon(one: Sequence[float], other: Sequence[float]) -> float:
    """The Jensen–Shannon distance over the deciles of `one`: the root of the divergence in bits, 0 to 1. Neither sample
    may be empty."""
    first, second = _shares(one, other)
    middle = [(p + q) / 2 for p, q in zip(first, second, strict=True)]
    bits = (_relative_entropy(first, middle) + _relative_entropy(second, middle)) / 2
    return float(max(bits, 0.0) ** 0.5)


def _relative_entropy(shares: Sequence[float], middle: Sequence[float]) -> float:
    return sum(p * log2(p / m) for p, m in zip(shares, middle, strict=True))


def _shares(one: Sequence[float], other: Sequence[float]) -> tuple[list[float], list[float]]:
    """Both samples' shares in the bins between the distinct deciles of the first; no share is zero."""
    known = sorted(one)
    edges = sorted({known[len(known) * number // BINS] for number in range(1, BINS)})
    return _binned(one, edges), _binned(other, edges)


def _binned(found: Sequence[float], edges: Sequence[float]) -> list[float]:
    counts = [0.0] * (2 * len(edges) + 1)
    for number in found:  # a value that is an edge has a bin of its own: many models answer the same few numbers
        left = bisect_left(edges, number)
        counts[2 * left + (left < len(edges) and edges[left] == number)] += 1
    padded = [count or _EMPTY for count in counts]
    return [count / sum(padded) for count in padded]
