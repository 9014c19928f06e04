"""Turns: everything is done once, and no owner waits behind another one's heap."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.turns import Turns

HEAPS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), min_size=1)


def turns_of(heaps: dict[str, int]) -> Turns[int]:
    """So many items of each owner, one heap behind the other."""
    turns: Turns[int] = Turns()
    for owner, count in heaps.items():
        for item in range(count):
            turns.add(owner, item)
    return turns


@settings(max_examples=60)
@given(HEAPS, st.integers(1, 8), st.randoms(use_true_random=False))
def test_nobody_waits_behind_anothers_heap(heaps: dict[str, int], places: int, dice: Random) -> None:
    """Whenever a place is free, it goes to an owner with the fewest under way of all that wait; each item once, in the
    order of its owner; nothing is left."""
    turns, waiting = turns_of(heaps), Counter(heaps)
    under_way: Counter[str] = Counter()
    seen: dict[str, list[int]] = {owner: [] for owner in heaps}
    while waiting.total() or under_way.total():
        if under_way.total() < places and waiting.total():
            turn = turns.take()
            assert turn is not None
            owner, item = turn
            assert under_way[owner] == min(under_way[other] for other in waiting if waiting[other])
            under_way[owner] += 1
            waiting[owner] -= 1
            seen[owner].append(item)
        else:
            owner = dice.choice(sorted(owner for owner in under_way if under_way[owner]))
            under_way[owner] -= 1
            turns.done(owner)
    assert turns.take() is None
    assert seen == {owner: list(range(count)) for owner, count in heaps.items()}


def test_two_beside_a_thousand() -> None:
    """With four places, both plans of the small subscription are among the first four."""
    turns = turns_of({"large": 1000, "small": 2})
    assert [turns.take() for _ in range(4)] == [("large", 0), ("small", 0), ("large", 1), ("small", 1)]


def test_owners_take_turns_in_a_circle() -> None:
    """One place: a, b, c, a, b, c."""
    turns, order = turns_of({"a": 2, "b": 2, "c": 2}), []
    while (turn := turns.take()) is not None:
        order.append(turn[0])
        turns.done(turn[0])
    assert order == ["a", "b", "c", "a", "b", "c"]
