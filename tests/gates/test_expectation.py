"""One answer against one expectation: the first objection, verbatim."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.core.gate_bodies import Expectation, Golden
from rollout.gates.expectation import differences, objection
from rollout.ports import ScoringAnswer
from tests.gates.scripted import answer


def said(expect: Expectation, found: ScoringAnswer, time_limit: float | None = None) -> str:
    """The objection."""
    return objection(expect, found, time_limit)


def test_an_answer_without_further_expectations_needs_only_its_status() -> None:
    """Any body will do, JSON or not."""
    assert said(Expectation(), answer(200, b"<html>")) == ""


def test_another_status_is_told_with_the_body() -> None:
    """What was expected, what came, what the model said."""
    found = answer(424, b'{"error": "no\x00 model"}', ms_azureml_model_error_statuscode="500")
    assert said(Expectation(status=(200, 204)), found) == (
        'expected status 200 or 204, got 424 (the model said 500): {"error": "no\N{REPLACEMENT CHARACTER} model"}'
    )


def test_a_long_body_is_cut() -> None:
    """A page of HTML does not fill the log."""
    text = said(Expectation(), answer(500, b"x" * 5000))
    assert len(text) < 220
    assert text.endswith("x…")


def test_a_late_answer_is_an_objection() -> None:
    """The limit and the time it took."""
    found = ScoringAnswer(status=200, body=b"{}", seconds=1.234)
    assert said(Expectation(), found, 1.0) == "expected an answer within 1 s, got it after 1.23 s"
    assert said(Expectation(), found, 2.0) == ""


def test_an_answer_that_is_no_json_cannot_be_judged_further() -> None:
    """A schema, an assertion and a golden answer all need JSON."""
    text = "expected JSON, got: <html>"
    for expect in (Expectation(schema={}), Expectation(assertions=("a",)), Expectation(golden=Golden(answer=1))):
        assert said(expect, answer(200, b"<html>")) == text


def test_a_schema_objection_names_the_place() -> None:
    """The path in the answer and what is wrong there."""
    schema = {"properties": {"predictions": {"items": {"maximum": 1.5}}}}
    assert said(Expectation(schema=schema), answer()) == (
        "the answer does not fit the schema at $.predictions[1]: 2.0 is greater than the maximum of 1.5"
    )


def test_a_schema_is_read_in_the_draft_that_it_names() -> None:
    """`items` as a list means positions in draft-07 and nothing in 2020-12."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {"predictions": {"items": [{"type": "string"}]}},
    }
    assert "is not of type 'string'" in said(Expectation(schema=schema), answer())


@pytest.mark.parametrize(
    ("expression", "held"),
    [
        ("predictions[0] > `0.5`", True),
        ("length(predictions) == `2`", True),
        ("predictions[0]", True),
        ("`0`", True),
        ("missing", False),
        ("predictions[0] > `7`", False),
        ("`[]`", False),
        ("''", False),
    ],
)
def test_assertions_hold_by_the_rules_of_jmespath(expression: str, held: bool) -> None:
    """False, null and what is empty are false; zero is not."""
    assert (said(Expectation(assertions=(expression,)), answer()) == "") is held


def test_an_assertion_that_does_not_hold_shows_what_it_gave() -> None:
    """The expression, its value, the answer."""
    assert said(Expectation(assertions=("predictions[9]",)), answer()) == (
        'the assertion `predictions[9]` gave null for {"predictions": [1.0, 2.0]}'
    )


def test_an_assertion_that_cannot_be_evaluated_is_an_objection() -> None:
    """A function on the wrong type, say."""
    text = said(Expectation(assertions=("length(predictions[0])",)), answer())
    assert text.startswith("the assertion `length(predictions[0])` cannot be evaluated: ")


@pytest.mark.parametrize(
    ("expected", "found", "objections"),
    [
        ({"a": [1, "x", None]}, {"a": [1.0, "x", None]}, []),
        (10, 10.5, []),
        (10, 11.5, ["expected 10 at $, got 11.5 (tolerance 0.5 or 0.1 of it)"]),
        (100, 109, []),
        (0, 0.6, ["expected 0 at $, got 0.6 (tolerance 0.5 or 0.1 of it)"]),
        (-100, -109, []),
        (True, 1, ["expected true at $, got 1"]),
        (False, 0, ["expected false at $, got 0"]),
        ("1", 1, ['expected "1" at $, got 1']),
        ([1, 2], [1], ["expected [1, 2] at $, got [1]"]),
        ({"a": 1}, {"b": 1}, ["expected 1 at $.a, got nothing", "expected nothing at $.b, got 1"]),
        (1, float("nan"), ["expected 1 at $, got NaN (tolerance 0.5 or 0.1 of it)"]),
    ],
)
def test_golden_answers_agree_within_the_tolerance(expected: Any, found: Any, objections: list[str]) -> None:
    """Absolute or relative, whichever allows more; everything but numbers must be equal."""
    golden = Golden(answer=expected, absolute=0.5, relative=0.1)
    assert list(differences(golden, expected, found, "$")) == objections


def test_without_a_tolerance_numbers_are_compared_exactly() -> None:
    """And the message does not speak of one."""
    golden = Golden(answer=1)
    assert list(differences(golden, 1, 1.0000001, "$")) == ["expected 1 at $, got 1.0000001"]
