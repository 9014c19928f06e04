"""`defaults` in `rollout.yaml`: what plans need not repeat; each value can be traced back to its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.errors import PlanError
from rollout.plan.load import Inspection, inspect_plan
from rollout.plan.origins import origins
from tests.plan.conftest import ROLES
from tests.plan.test_forms import LITERAL

CONFIG = """\
version: 1
defaults:
  target: {subscription_id: s, resource_group: g, workspace: w}
  slots: [left, right]
  on_failure: {candidate: delete, for: 2h}
  on_revert: full
  drift: report
  capacity: declared
"""


@pytest.fixture(autouse=True)
def configured(project: Path) -> None:
    """A repository that says everything that it can."""
    (project / "rollout.yaml").write_text(CONFIG)


def read(text: str, overlay: str = "") -> Inspection:
    """The plan of that text."""
    Path("plan.yml").write_text(text)
    if overlay:
        Path("prod.yml").write_text("version: 1\nkind: overlay\n" + overlay)
    return inspect_plan(Path("plan.yml"), overlay=Path("prod.yml") if overlay else None, environment={})


def told(found: Inspection) -> tuple[object, ...]:
    """What can be said by default, as it counts."""
    release, target = found.loaded.release, found.loaded.target
    failure = release.on_failure
    return (
        target.workspace if target else None, release.slots, failure.candidate, failure.after, release.on_revert,
        release.drift, release.capacity,
    )  # fmt: skip


def test_a_plan_that_says_none_of_them() -> None:
    """All of the repository's."""
    assert told(read(ROLES)) == ("w", ("left", "right"), "delete", 7200.0, "full", "report", "declared")


def test_a_plan_that_says_them() -> None:
    """The plan's own; a mapping is not filled up from the defaults."""
    own = "slots: [blue, green]\non_failure: {for: 1h}\non_revert: fast\ndrift: heal\ncapacity: match\n"
    assert told(read(ROLES + own)) == ("w", ("blue", "green"), "keep", 3600.0, "fast", "heal", "match")


def test_an_overlay_is_above_both() -> None:
    """What it removes from the plan is the repository's again."""
    assert told(read(ROLES + "drift: heal\n", "drift: hold\n"))[5] == "hold"
    assert told(read(ROLES + "drift: heal\n", "drift: null\n"))[5] == "report"


def test_the_literal_form_has_no_slots() -> None:
    """Its two names are its own."""
    assert told(read(LITERAL))[1] == ("blue", "green")


def test_each_value_says_where_it_comes_from() -> None:
    """With file and line, as `validate --show-origins` shows it."""
    found = [str(origin) for origin in origins(read(ROLES + "drift: heal\n").plan)]
    assert 'drift = "heal"  (plan.yml:9)' in found
    assert [line for line in found if "rollout.yaml" in line] == [
        'target.subscription_id = "s"  (rollout.yaml:3)',
        'target.resource_group = "g"  (rollout.yaml:3)',
        'target.workspace = "w"  (rollout.yaml:3)',
        'slots[0] = "left"  (rollout.yaml:4)',
        'slots[1] = "right"  (rollout.yaml:4)',
        'on_failure.candidate = "delete"  (rollout.yaml:5)',
        'on_failure.for = "2h"  (rollout.yaml:5)',
        'on_revert = "full"  (rollout.yaml:6)',
        'capacity = "declared"  (rollout.yaml:8)',
    ]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("  drift: heel\n", "rollout.yaml:3:10: PLAN110: defaults.drift: `heel` is not known here"),
        ("  slots: [blue]\n", "rollout.yaml:3:10: PLAN103: defaults.slots: expected at least 2 entries here"),
        ("  slots: [blue, blue]\n", "rollout.yaml:3:17: PLAN209: defaults.slots[1]: both slots are called `blue`"),
        ("  stages: []\n", "rollout.yaml:3:3: PLAN101: defaults.stages: unknown key `stages`"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands(line: str, fault: str) -> None:
    """In `rollout.yaml`."""
    Path("rollout.yaml").write_text("version: 1\ndefaults:\n" + line)
    with pytest.raises(PlanError) as caught:
        read(ROLES)
    assert fault in [str(each) for each in caught.value.faults]
