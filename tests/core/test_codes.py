"""Short codes of declared values: what was written once is known again, and nothing else is."""

from __future__ import annotations

from typing import Any

from rollout.core.codes import CODE_LENGTH, MOST_CODES, codes, leaves, was_written

FIELDS: dict[str, Any] = {"tags": {"team": "ml", "cost": 7}, "auth_mode": "key"}


def many(count: int) -> dict[str, Any]:
    """So many declared fields."""
    return {f"f{number:02}": number for number in range(count)}


def test_golden_codes() -> None:
    """They are in endpoints' tags: an upgrade must read them."""
    assert codes(FIELDS) == "poNxNtWTbrlU"
    assert codes({}) == ""
    assert codes(many(MOST_CODES + 1)) == "J7-D"


def test_leaves() -> None:
    """In order, maps by their keys."""
    assert list(leaves(FIELDS)) == [("auth_mode", "key"), ("tags.cost", 7), ("tags.team", "ml")]


def test_what_was_written() -> None:
    """Each field by itself; another value, another field, and half of two codes are not."""
    recorded = codes(FIELDS)

    assert all(was_written(recorded, FIELDS, path, value) for path, value in leaves(FIELDS))
    assert not was_written(recorded, FIELDS, "tags.cost", "7")
    assert not was_written(recorded, FIELDS, "tags.team.x", "ml")
    assert not was_written("x" + recorded, FIELDS, "auth_mode", "key")
    assert not was_written("", FIELDS, "auth_mode", "key")


def test_a_value_with_keys_in_another_order_is_the_same() -> None:
    """JSON has no order."""
    assert codes({"a": [{"x": 1, "y": 2}]}) == codes({"a": [{"y": 2, "x": 1}]})


def test_many_fields_have_one_code() -> None:
    """Then an edit of one looks like an edit of all."""
    most, more = many(MOST_CODES), many(MOST_CODES + 1)
    assert (len(codes(most)), len(codes(more))) == (MOST_CODES * CODE_LENGTH, CODE_LENGTH)

    assert was_written(codes({**most, "f00": "edited"}), most, "f01", 1)
    assert was_written(codes(more), more, "f01", 1)
    assert not was_written(codes({**more, "f00": "edited"}), more, "f01", 1)
