"""Shards: each key in exactly one, the same everywhere and evenly enough."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.core.shards import Shard, parse_shard


@given(st.text(), st.integers(1, 40))
def test_every_key_is_in_exactly_one(key: str, count: int) -> None:
    """Whatever a plan is called."""
    assert sum(Shard(index, count).holds(key) for index in range(1, count + 1)) == 1


def test_the_parts_are_the_same_on_every_machine() -> None:
    """A digest, not Python's own hash; and about as large as each other."""
    names = [f"endpoint-{number}" for number in range(4000)]
    assert [name for name in names[:12] if Shard(1, 4).holds(name)] == ["endpoint-0", "endpoint-1", "endpoint-2"]
    assert all(900 < sum(Shard(index, 4).holds(name) for name in names) < 1100 for index in range(1, 5))


def test_how_it_is_written() -> None:
    """From one, up to the number of parts."""
    assert parse_shard(" 2/8 ") == Shard(2, 8)
    assert str(Shard(2, 8)) == "2/8"
    for wrong in ("", "0/4", "5/4", "1", "a/b", "1/0", "1/4/2", "-1/4", "1.0/4"):
        with pytest.raises(ValueError, match="^" + wrong.replace(".", r"\.") + "$"):
            parse_shard(wrong)


def test_the_last_part_and_odd_keys() -> None:
    """N/N is a part; a path that is no text has its place, too."""
    assert parse_shard("8/8") == Shard(8, 8)
    with pytest.raises(ValueError, match="9/8"):
        parse_shard("9/8")
    assert sum(Shard(index, 3).holds("plans/\udcff.yml") for index in (1, 2, 3)) == 1
