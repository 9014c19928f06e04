"""A saved change set: applied exactly, in as many runs as it takes; anything that changed since is named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow
LONG = ("--lifetime", "20d")
"""The emulator's clock runs two thousand times as fast as ours."""


def saved(rollout: Command, plan: Path, *more: object) -> Path:
    """The change set of that plan, in a file."""
    path = plan.parent / "change-set.json"
    ended = rollout("diff", plan, "--out", path, *(more or LONG))
    assert ended.code == 0, ended.err
    return path


def applied(rollout: Command, path: Path, *more: object) -> tuple[int, dict[str, int], str]:
    """How applying it ended: the exit code, the split, and what stderr says at last."""
    ended = rollout("apply", path, "-o", "json", *more)
    found = json.loads(ended.out) if ended.out else {}
    return ended.code, found.get("endpoint", {}).get("traffic", {}), ended.err


@pytest.fixture
def plan(rollout: Command, on_emulator: Path, tmp_path: Path) -> Iterator[Path]:
    """`v1` serves from blue; the plan wants `v2`."""
    path = write_plan(tmp_path, "consent")
    assert rollout("apply", path, "--auto-approve").code == 0
    assert rollout("approve", path).code == 0
    assert rollout("apply", path, "--auto-approve").code == 0
    write_plan(tmp_path, "consent", "v2")
    yield path
    rollout("destroy", path, "--yes")


def test_five_runs_of_one_approval(rollout: Command, plan: Path) -> None:
    """Deploy; 10 %; a person's yes; 50 % and its bake; the rest. Then there is nothing left of it to do."""
    path = saved(rollout, plan)
    steps = [
        applied(rollout, path, "--until", "deploy"),
        applied(rollout, path),
    ]
    assert rollout("approve", plan).code == 0
    steps += [applied(rollout, path, "--until", "traffic-50"), applied(rollout, path, "--wait"), applied(rollout, path)]

    assert [(code, split) for code, split, _ in steps] == [
        (0, {"blue": 100}),
        (0, {"blue": 90, "green": 10}),
        (0, {"blue": 50, "green": 50}),
        (0, {"green": 100}),
        (0, {"green": 100}),
    ]


def test_what_changed_since_is_named(rollout: Command, plan: Path) -> None:
    """A hand between two runs: exit 5 with the field, and nothing is written until it is approved again."""
    path = saved(rollout, plan)
    assert applied(rollout, path, "--until", "traffic-10")[0] == 0
    digest = json.loads(path.read_text())["digest"]
    assert rollout("rollback", plan, "-m", "a hand").code == 0

    code, _, err = applied(rollout, path)

    assert code == 10, err  # a person's roll back is no foreign change: the run is over
    assert rollout("retry", plan).code == 0
    again = saved(rollout, plan)
    write_plan(plan.parent, "consent", "v3")
    code, _, err = applied(rollout, again)
    assert (code, err.splitlines()[0].startswith("error: the plan's goal is ")) == (5, True)
    assert f"rollout diff {plan} --out FILE" in err
    assert digest


def test_expired_before_it_was_started(rollout: Command, plan: Path) -> None:
    """It says when, and how to have it approved again."""
    path = saved(rollout, plan, "--lifetime", "1s")

    code, _, err = applied(rollout, path)

    assert code == 5
    assert err.splitlines()[0].startswith("error: the approval of ")
    assert " expired at 20" in err.splitlines()[0]
    assert err.splitlines()[1] == f"hint: look at it again and have it approved: rollout diff {plan} --out FILE"


def test_edited_by_hand_it_is_none(rollout: Command, plan: Path) -> None:
    """Nor is any other file."""
    path = saved(rollout, plan)
    text = json.loads(path.read_text())
    text["approval"]["actions"] = text["approval"]["actions"][1:]
    path.write_text(json.dumps(text))

    code, _, err = applied(rollout, path)

    assert (code, err.splitlines()[0]) == (5, "error: the saved change set was edited after it was written")
    path.write_text("{}")
    assert applied(rollout, path)[0] == 3


def test_with_the_digest_that_was_looked_at(rollout: Command, plan: Path) -> None:
    """A file that is not the one of the review is refused."""
    path = saved(rollout, plan)
    digest = json.loads(path.read_text())["digest"]

    assert applied(rollout, path, "--expect", "0123456789abcdef")[2].startswith(
        f"error: the saved change set is {digest}, not 0123456789abcdef\n"
    )
    assert applied(rollout, path, "--expect", digest, "--until", "deploy")[0] == 0


def test_a_hazard_of_a_later_stage_is_refused_at_once(rollout: Command, plan: Path) -> None:
    """All traffic at once without any gate: nothing is even deployed, unless it is allowed by name."""
    text = plan.read_text()
    start = text.index("stages:")
    plan.write_text(text[:start] + "stages:\n  - deploy: candidate\n  - traffic: 100\n")

    refused = rollout("apply", plan, "--auto-approve", "-o", "json")

    assert refused.code == 6
    assert refused.err.startswith(
        "error: green gets 100 % at once, 0 % before, and no gate stands between; green gets 100 % of the traffic and"
        " no gate stands before that; allow it by name: --allow-hazard traffic-jump --allow-hazard ungated-traffic\n"
    )
    shown = {one["name"]: one["state"] for one in rollout("diff", plan, "-o", "json").json["hazards"]}
    assert shown == {"traffic-jump": "refused", "ungated-traffic": "refused"}
    named = ("--allow-hazard", "traffic-jump,ungated-traffic")
    assert rollout("apply", plan, "--auto-approve", *named).code == 0
    wrong = rollout("apply", plan, "--allow-hazard", "traffic-jumps")
    assert (wrong.code, "did you mean traffic-jump?" in wrong.err) == (3, True)
