"""`reconcile` as a job: bounded, with the approved change sets, over plans that are broken or gone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Ended, write_plan

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> None:
    """Git, as somebody."""
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def begun(rollout: Command, plan: Path) -> None:
    """`v1` serves; `v2` has 10 % and waits for a person."""
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    write_plan(plan.parent, plan.name.split(".")[0], "v2")
    assert rollout("apply", plan, "--auto-approve", "--until", "traffic-10").code == 0


@pytest.fixture
def plan(rollout: Command, on_emulator: Path, tmp_path: Path) -> Iterator[Path]:
    """A plan in a repository, its run under way."""
    git(tmp_path, "init", "-q")
    path = write_plan(tmp_path, "job")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "A plan")
    text = path.read_text()
    begun(rollout, path)
    yield path
    path.write_text(text)
    rollout("destroy", path, "--yes")


def passes(ended: Ended) -> list[tuple[str, int, str]]:
    """Each pass: status, exit code, and the first line of the reason."""
    return [(one["status"], one["exit_code"], one["reason"].splitlines()[0]) for one in ended.json["plans"]]


def live(rollout: Command, plan: Path) -> Any:
    """What serves."""
    return rollout("status", plan, "-o", "json").json["endpoint"]["traffic"]


def test_a_plan_that_is_broken_mid_run_holds(rollout: Command, plan: Path) -> None:
    """The faults, and that its run is held; nothing is written."""
    text = plan.read_text()
    plan.write_text(text.replace("- traffic: 50", "- trafic: 50"))

    ended = rollout("reconcile", plan.parent, "-o", "json")

    assert passes(ended) == [
        (
            "hold",
            3,
            "the plan is not valid, and holds job, its run of"
            f" {ended.json['plans'][0]['reason'].split('run of ')[1][:10]}: green has 10 %;"
            " what serves stays as it is until the plan is mended",
        )
    ]
    assert (ended.code, "PLAN106" in ended.json["plans"][0]["reason"]) == (3, True)
    plan.write_text(text)
    assert live(rollout, plan) == {"blue": 90, "green": 10}


def test_a_plan_that_is_gone_mid_run_is_reported(rollout: Command, plan: Path) -> None:
    """Its run is held, exit 10, with what ends it; not where --no-orphans says so, and not of another repository."""
    text = plan.read_text()
    plan.unlink()
    other = write_plan(plan.parent, "other")

    ended = rollout("reconcile", plan.parent, "-o", "json")
    quiet = rollout("reconcile", plan.parent, "-o", "json", "--no-orphans")
    subprocess.run(["rm", "-rf", str(plan.parent / ".git")], check=True)
    git(plan.parent, "init", "-q")
    elsewhere = rollout("reconcile", plan.parent, "-o", "json")

    status, code, reason = passes(ended)[1]
    assert (status, code, ended.code) == ("orphaned", 10, 10)
    assert reason.startswith("the plan job is gone, and holds job, its run of ")
    assert reason.endswith("/onlineendpoints/job")
    assert [one[0] for one in passes(quiet)] == ["hold"]
    assert [one[0] for one in passes(elsewhere)] == ["hold"]
    other.unlink()
    plan.write_text(text)
    assert live(rollout, plan) == {"blue": 90, "green": 10}


def test_passes_under_an_approval(rollout: Command, plan: Path) -> None:
    """The approved rest of the run, pass by pass, each told with its whole change set; an edited plan is exit 5."""
    saved = plan.parent / "approved.json"
    assert rollout("diff", plan, "--out", saved, "--lifetime", "20d").code == 0
    assert rollout("approve", plan).code == 0

    first = rollout("reconcile", plan.parent, "--expect", saved, "-o", "json")
    assert passes(first)[0][:2] == ("wait", 0)
    assert first.json["plans"][0]["change_set"]["endpoint"]["traffic"] == {"blue": 50, "green": 50}
    assert first.json["next_after"] == first.json["plans"][0]["next_after"]
    waited = rollout("reconcile", plan.parent, "--expect", saved, "--max-wait", "2h", "-o", "json")
    assert passes(waited)[0][:2] == ("done", 0)
    assert live(rollout, plan) == {"green": 100}

    plan.write_text(plan.read_text().replace("bake: 1h", "bake: 1m"))
    edited = rollout("reconcile", plan.parent, "--expect", saved, "-o", "json")
    assert passes(edited)[0] == (
        "error",
        5,
        "the plan job is not as it was approved: its stages or settings were edited",
    )


def test_a_change_from_outside_is_named(rollout: Command, sdk: Any, plan: Path) -> None:
    """Between two passes somebody scales what serves: exit 5, and nothing is written."""
    saved = plan.parent / "approved.json"
    assert rollout("diff", plan, "--out", saved, "--lifetime", "20d").code == 0
    document = json.loads(saved.read_text())
    assert document["approval"]["file"] == str(plan)
    assert rollout("approve", plan).code == 0
    home = f"/providers/Microsoft.MachineLearningServices/workspaces/{sdk.client.workspace_name}"
    sdk.rest("PATCH", f"{home}/onlineEndpoints/job/deployments/blue", {"sku": {"name": "Default", "capacity": 3}})
    ended = rollout("reconcile", plan.parent, "--expect", saved, "-o", "json")

    assert passes(ended)[0] == (
        "error",
        5,
        f"this changed since {document['digest']} was approved: blue: instance_count is 3, approved was 1",
    )
    assert live(rollout, plan) == {"blue": 90, "green": 10}
