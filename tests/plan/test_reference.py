"""The committed reference of the plan language says what the models say."""

from __future__ import annotations

import re
from pathlib import Path

from rollout.plan.models import BESIDE, KINDS, PlanModel
from rollout.plan.reference import reference
from rollout.plan.schema import plan_schema

COMMITTED = Path(__file__).parents[2] / "docs/plan.md"


def test_the_committed_reference_is_the_generated_one() -> None:
    """Generate it again with `make schemas`."""
    assert COMMITTED.read_text() == reference()


def test_every_key_of_the_language_is_told() -> None:
    """Those of the plan, the kinds of stage, what stands beside them, and the keys of every part."""
    parts = [form for found in plan_schema()["definitions"].values() for form in (found, *found.get("anyOf", ()))]
    keys = {key for form in parts for key in form.get("properties", ())}
    expected = keys | set(PlanModel.model_fields) | set(KINDS) | set(BESIDE)
    page = reference()
    assert {key for key in expected if f"| `{key}` |" not in page} == set()


def test_every_link_has_its_section() -> None:
    """`[`bake`](#bake)` leads to `## `bake``."""
    page = reference()
    assert set(re.findall(r"\(#([a-z_]+)\)", page)) <= set(re.findall(r"^## `([a-z_]+)`$", page, re.MULTILINE))


def test_types_and_defaults_in_words() -> None:
    """Whole lines, verbatim."""
    lines = reference().splitlines()
    assert (
        '| `slots` | list of names | `["blue", "green"]` | The two names that deployments alternate between. |' in lines
    )
    assert "| `after` | duration | `0s` | How long after the promotion. |" in lines
    assert "| `for` | duration | required | How long. |" in lines
    assert any(
        line.startswith("| `bake` | gate | Let the candidate serve for a while. | duration or [") for line in lines
    )
