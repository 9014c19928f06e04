"""The short cut around the JSON Schema library never says yes where the library says no."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.plan.plain_schema import plainly_valid

WORDS = (
    *("$schema", "type", "required", "properties", "items", "additionalProperties", "minItems", "maxLength"),
    *("minimum", "exclusiveMaximum", "pattern", "anyOf", "not", "const", "title", "enum", "format", "$ref", "madeUp"),
)
NAMES = st.sampled_from(["string", "object", "arry", "a", "(", "^v[0-9]+$", "http://json-schema.org/draft-07/schema#"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 3), st.floats(-1, 1), NAMES),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=12,
)


@given(VALUES)
def test_a_yes_is_always_right(value: Any) -> None:
    """Whatever the value is: the library agrees, in both dialects that are told apart."""
    if plainly_valid(value):
        jsonschema.Draft202012Validator.check_schema(value)
        jsonschema.Draft7Validator.check_schema(value)


@pytest.mark.parametrize(
    "schema",
    [
        True,
        {},
        {"type": "object", "required": ["predictions"], "properties": {"predictions": {"type": "array"}}},
        {"type": ["string", "null"], "pattern": "^v[0-9]+$", "minLength": 1},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "items": {"exclusiveMinimum": 0.5}},
        {"anyOf": [{"const": {"any": ["thing"]}}, {"not": False}], "additionalProperties": False},
    ],
)
def test_ordinary_schemas_are_plainly_valid(schema: Any) -> None:
    """What people usually write needs no library."""
    assert plainly_valid(schema)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        "object",
        {"type": "arry"},
        {"type": []},
        {"required": ["a", "a"]},
        {"minItems": -1},
        {"minimum": True},
        {"pattern": "("},
        {"anyOf": []},
        {"properties": []},
        {"$schema": "https://example.org/mine"},
        {"$ref": "#/definitions/a"},
        {"enum": ["a"]},
    ],
)
def test_everything_else_is_left_to_the_library(schema: Any) -> None:
    """What is wrong, and what is only unusual."""
    assert not plainly_valid(schema)


def test_endless_nesting_is_left_to_the_library() -> None:
    """A hostile file cannot exhaust the stack here."""
    schema: Any = {}
    for _ in range(500):
        schema = {"not": schema}
    assert not plainly_valid(schema)
