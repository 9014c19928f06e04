"""How soon a bad candidate is seen, and a good one proven: the table of docs/statistics.md, in its fast form."""

from __future__ import annotations

import pytest

from benchmarks.peers import Kayenta, Ours, RepeatedZ, Threshold, Watcher
from benchmarks.rollouts import Truth, ours, play, proven

RUNS = 300


@pytest.mark.parametrize(
    ("candidate", "share", "median"),
    [(0.01, 0.94, 57), (0.015, 1.0, 20), (0.025, 1.0, 7), (0.05, 1.0, 3), (0.2, 1.0, 1)],
)
def test_a_worse_candidate_is_seen(candidate: float, share: float, median: float) -> None:
    """300 requests a minute at 10 %, three hours, stable at 0.5 %."""
    seen = ours(Truth(candidate=candidate), runs=RUNS, minutes=180)
    assert seen.share >= share - 0.04
    assert seen.median <= median * 1.3


@pytest.mark.parametrize(
    ("margin", "weight", "share", "median"), [(0.005, 0.1, 0.95, 52), (0.01, 0.1, 1.0, 19), (0.005, 0.5, 1.0, 16)]
)
def test_an_equal_candidate_is_proven(margin: float, weight: float, share: float, median: float) -> None:
    """The same traffic, non-inferiority within the margin."""
    seen = proven(Truth(shares={0: weight}), margin, runs=150, minutes=180)
    assert seen.share >= share - 0.05
    assert seen.median <= median * 1.3


def test_beside_the_rules_of_others() -> None:
    """The same minutes for all: nobody has fewer false rollbacks at the same or better detection."""

    def shown(candidate: float) -> dict[str, float]:
        watchers: list[Watcher] = [
            Ours(150),
            Threshold("Flagger", 5),
            Threshold("Argo", 4, silence_fails=False),
            Kayenta(),
            RepeatedZ(),
        ]
        found = play(Truth(candidate=candidate), watchers, runs=150, minutes=180)
        return {watcher.name: seen.share for watcher, seen in zip(watchers, found, strict=True)}

    false, right = shown(0.005), shown(0.015)
    assert right["rollout"] >= 0.99
    as_good = [name for name, share in right.items() if share >= right["rollout"] - 0.01]
    assert min(as_good, key=lambda name: false[name]) == "rollout"
    assert false["rollout"] <= 0.1
    assert false["repeated z-test"] > 0.2
    assert min(false["Flagger"], false["Argo"]) > 0.9
    assert right["Kayenta"] < 0.3
