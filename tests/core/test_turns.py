"""Turns: everything is done once, and no owner waits behind another one's heap."""

from __future__ import annotations

from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.core.turns import AHEAD, SHARE, Turns

HEAPS = st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9) | st.integers(40, 99), min_size=1)
PLACES = st.integers(1, 8) | st.integers(16, 40)


def turns_of(heaps: dict[str, int]) -> Turns[int]:
    """So many items of each owner, one heap behind the other."""
    turns: Turns[int] = Turns()
    for owner, count in heaps.items():
        for item in range(count):
            turns.add(owner, item)
    return turns


@settings(max_examples=60)
@given(HEAPS, PLACES, st.randoms(use_true_random=False))
def test_nobody_waits_behind_anothers_heap(heaps: dict[str, int], places: int, dice: Random) -> None:
    """Whenever a place is free, it goes to an owner with the fewest under way of all that wait, or, if that has less
    than its share, to the one with the most waiting; each item once, in the order of its owner; nothing is left."""
    turns, waiting = turns_of(heaps), Counter(heaps)
    under_way: Counter[str] = Counter()
    seen: dict[str, list[int]] = {owner: [] for owner in heaps}
    while waiting.total() or under_way.total():
        if under_way.total() < places and waiting.total():
            turn = turns.take()
            assert turn is not None
            owner, item = turn
            most = max(waiting.values())
            if any(waiting[other] == most and is_short(under_way, other) for other in waiting):
                assert waiting[owner] == most or under_way[owner] == fewest(under_way, waiting)
            else:
                assert under_way[owner] == fewest(under_way, waiting)
            under_way[owner] += 1
            waiting[owner] -= 1
            seen[owner].append(item)
        else:
            owner = dice.choice(sorted(owner for owner in under_way if under_way[owner]))
            under_way[owner] -= 1
            turns.done(owner)
    assert turns.take() is None
    assert seen == {owner: list(range(count)) for owner, count in heaps.items()}


def is_short(under_way: Counter[str], owner: str) -> bool:
    """Whether that owner has less under way than whoever will be last shall have."""
    return under_way[owner] < AHEAD and SHARE * under_way[owner] < under_way.total()


def fewest(under_way: Counter[str], waiting: Counter[str]) -> int:
    """The least that anybody who waits has under way."""
    return min(under_way[other] for other in waiting if waiting[other])


@settings(max_examples=60)
@given(st.integers(2, 30), st.integers(1, 3), st.integers(SHARE, 200), st.randoms(use_true_random=False))
def test_who_will_be_last_never_pauses(small: int, each: int, places: int, dice: Random) -> None:
    """While others come and go, the largest owner has its share of the places under way, and never more than `AHEAD`
    or what is fair."""
    turns = turns_of({f"{number:02}": each for number in range(small)} | {"large": 10_000})
    under_way: Counter[str] = Counter()
    for _ in range(places):
        under_way[turns.take()[0]] += 1  # type: ignore[index]
    for _ in range(small * each):
        owner = dice.choice(sorted(under_way.elements()))
        under_way[owner] -= 1
        turns.done(owner)
        under_way[turns.take()[0]] += 1  # type: ignore[index]
        assert under_way.total() == places
        assert under_way["large"] >= min(AHEAD, places // SHARE)


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 3))
def test_a_heap_takes_one_place_in_eight(small: int, each: int) -> None:
    """However large a heap: of the first places all but an eighth go to the others, as long as these have any."""
    turns = turns_of({"large": 10_000} | {f"{number:02}": each for number in range(small)})
    first = [turns.take()[0] for _ in range(small)]  # type: ignore[index]
    assert first.count("large") <= 1 + small // SHARE


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


def owners(turns: Turns[int], count: int) -> list[str]:
    """Whose the next so many turns are."""
    return [turns.take()[0] for _ in range(count)]  # type: ignore[index]


def crowd(number: int) -> dict[str, int]:
    """So many owners of one item each."""
    return {f"{one:03}": 1 for one in range(number)}


def test_a_heap_behind_a_crowd_is_begun_at_once() -> None:
    """Of each eight turns one is the heap's, the second of all first; with `AHEAD` under way it waits like anybody."""
    turns = turns_of(crowd(300) | {"large": 1000})
    places = [at for at, owner in enumerate(owners(turns, 250)) if owner == "large"]
    assert places == [1 + SHARE * turn for turn in range(AHEAD)]


def test_a_heap_waits_until_its_share_is_free_again() -> None:
    """Two of seventeen are the heap's. Eight others end: its next turn is when seventeen are under way again."""
    turns = turns_of(crowd(300) | {"large": 1000})
    for owner in [one for one in owners(turns, 2 * SHARE + 1) if one != "large"][:SHARE]:
        turns.done(owner)
    assert [at for at, owner in enumerate(owners(turns, 2 * SHARE)) if owner == "large"] == [SHARE]


def test_what_has_been_given_out_is_nobodys_turn() -> None:
    """One item each, all under way: nothing is left, however little each has."""
    turns = turns_of(crowd(SHARE + 1))
    owners(turns, SHARE + 1)
    assert turns.take() is None


def test_what_comes_later_counts() -> None:
    """An owner that gets more than anybody else meanwhile is the one that will be last."""
    turns = turns_of({"late": 1, "other": 50})
    assert owners(turns, 1) == ["late"]
    for owner in crowd(40):
        turns.add(owner, 0)
    owners(turns, 20)
    for item in range(100):
        turns.add("late", item)
    assert owners(turns, 1) == ["late"]
