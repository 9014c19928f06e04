"""`rollout history` on a real emulator: from the endpoint alone, without the plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow


def test_who_moved_what(rollout: Command, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Created by an approved change set in a CI run; approved by a person; all told by the service's own answers."""
    monkeypatch.setenv("GITHUB_SHA", "c0ffee1234567890")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "ml/plans")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    plan = write_plan(tmp_path, "told")
    digest = rollout("diff", plan, "-o", "json").json["digest"]
    assert rollout("apply", plan, "--expect", digest).code == 0
    assert rollout("approve", plan, "-m", "fine", "--who", "eve").code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    plan.unlink()

    text = rollout("history", "--endpoint", "told")
    found = rollout("history", "--endpoint", "told", "-o", "json").json
    absent = rollout("history", "--endpoint", "nothing-here")

    events = [(one["target"], one["what"], one["who"], one["commit"]) for one in found["events"]]
    assert ("told", "endpoint created", "ann", "c0ffee1234") in events
    assert ("told", "approved ok by eve: fine", "", "c0ffee1234") in events
    assert events[-1] == ("told", "promoted blue", "ann", "c0ffee1234")
    (created,) = [one for one in found["events"] if one["lasting"]]
    assert created["target"] == "blue"
    assert (created["who"], created["commit"], created["plan"]) == ("ann", "c0ffee1234567890", "told")
    assert (created["run"], created["approved"]) == ("https://github.example/ml/plans/actions/runs/7", digest)
    assert f"      approved {digest}\n" in text.out
    assert ", by ann from c0ffee1234 *\n" in text.out
    assert (absent.code, absent.err.splitlines()[0]) == (6, "error: the endpoint nothing-here does not exist")
    rollout("destroy", "--endpoint", "told", "--yes")
