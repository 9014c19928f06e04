"""The report as JSON: it fits its published schema, names its values, and shows no secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from rollout.render.document import document, text
from rollout.render.report import Outcome
from rollout.render.schema import change_set_schema, change_set_schema_text
from tests.render import worlds
from tests.worlds.history import History

COMMITTED = Path(__file__).parents[2] / "schemas" / "change-set.schema.json"
WORLDS = [worlds.nothing_yet, worlds.converged, worlds.at_ten_percent, worlds.rolled_back, worlds.drifted]


def test_the_committed_schema_is_the_generated_one() -> None:
    """Made anew by `rollout schema change-set`."""
    assert COMMITTED.read_text(encoding="utf-8") == change_set_schema_text()


def test_the_schema_is_one() -> None:
    """It fits the metaschema that it names."""
    jsonschema.Draft202012Validator.check_schema(change_set_schema())


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__name__)
def test_every_report_fits_the_schema(world: Callable[[], History]) -> None:
    """With and without the end of an apply."""
    validator = jsonschema.Draft202012Validator(change_set_schema())
    report = worlds.report(world())
    for outcome in (None, Outcome(exit_code=10, writes=3, failure="it crashed")):
        validator.validate(json.loads(text(replace(report, outcome=outcome))))


def test_the_schema_knows_every_key_of_the_report() -> None:
    """Nothing is published that is not described."""
    assert set(document(worlds.report(worlds.converged()))) == set(change_set_schema()["properties"])


def test_a_run_halfway() -> None:
    """The decision, the stages, the actions that are left, the split as it is."""
    found = document(worlds.report(worlds.at_ten_percent()))
    assert (found["plan"], found["complete"]) == ("plan", True)
    assert found["endpoint"]["traffic"] == {"blue": 90, "green": 10}
    assert [(stage["kind"], stage["state"]) for stage in found["stages"]] == [
        ("deploy", "satisfied"),
        ("smoke_test", "satisfied"),
        ("mirror", "satisfied"),
        ("bake", "satisfied"),
        ("traffic", "satisfied"),
        ("bake", "active"),
        ("traffic", "pending"),
        ("delete", "pending"),
    ]
    assert [(action["kind"], action["target"], action["hazards"]) for action in found["actions"]] == [
        ("set_traffic", "house", ["traffic-jump"]),
        ("delete", "blue", ["deletes-deployment"]),
    ]
    assert found["actions"][0]["before"] == {"traffic": {"blue": 90, "green": 10}, "mirror": {}}
    assert found["actions"][0]["after"] == {"traffic": {"green": 100}, "mirror": {}}
    assert found["progress"]["written"] == {"traffic": {"blue": 90, "green": 10}, "mirror": {}}
    assert found["requests"] == {"reads": 2, "writes": 0, "polls": 0}


def test_drift_is_named_apart_from_what_is_pending() -> None:
    """The field, the live value, the declared one; no action."""
    found = document(worlds.report(worlds.drifted()))
    assert found["actions"] == []
    assert found["drift"] == [{"path": "description", "before": "", "after": "as declared"}]


def test_what_its_name_calls_a_secret_is_not_shown() -> None:
    """Neither as text nor as JSON."""
    report = worlds.report(worlds.nothing_yet())
    assert "hunter2" not in text(report)
    deploy = next(action for action in document(report)["actions"] if action["kind"] == "deploy")
    assert deploy["after"]["environment_variables.API_KEY"] == "(not shown)"
