"""The commands on a real emulator: what they do, what they say, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from rollout.render.schema import output_schema
from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow


def traffic(rollout: Command, plan: Path) -> dict[str, int]:
    """The split that is live."""
    found: dict[str, int] = rollout("status", plan, "-o", "json").json["endpoint"]["traffic"]
    return found


def test_two_releases_with_an_approval_and_a_rollback(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """From nothing to `v1`; `v2` up to its approval, on to its bake, rolled back, tried again, destroyed."""
    plan = write_plan(tmp_path, "flow")
    first = rollout("diff", plan, "-o", "json", "--detailed-exitcode")
    jsonschema.Draft202012Validator(output_schema("change-set")).validate(first.json)
    assert (first.code, first.json["requests"]) == (2, {"reads": 3, "writes": 0, "polls": 0})
    kinds = [action["kind"] for action in first.json["actions"]]
    assert kinds == ["create_endpoint", "deploy", "set_traffic"]

    unasked = rollout("apply", plan)
    digest = first.json["digest"]
    assert (unasked.code, unasked.out) == (3, "")
    assert unasked.err == (
        f"error: the change set {digest} is not approved, and nobody is here to ask\n"
        f"hint: --auto-approve, or look at it with `rollout diff` and give --expect {digest}\n"
    )
    stale = rollout("apply", plan, "--expect", "0123456789abcdef")
    assert (stale.code, stale.err) == (
        5,
        f"error: the change set is {digest} now, not 0123456789abcdef\n"
        "hint: look at it again: rollout diff; a change set that `diff --out FILE` saved says what changed since\n",
    )

    waiting = rollout("apply", plan, "--expect", digest)
    assert waiting.code == 0, waiting.err
    assert "waiting for approval" in waiting.out
    assert rollout("approve", plan).code == 0
    done = rollout("apply", plan, "--auto-approve", "-o", "json")
    assert (done.code, done.json["decision"]["status"], done.json["complete"]) == (0, "done", True)
    again = rollout("apply", plan, "-o", "json")
    assert (again.code, again.json["requests"]) == (0, {"reads": 3, "writes": 0, "polls": 0})

    write_plan(tmp_path, "flow", "v2")
    assert rollout("apply", plan, "--auto-approve", "--until", "traffic-10").code == 0
    assert traffic(rollout, plan) == {"blue": 90, "green": 10}
    assert rollout("apply", plan, "--auto-approve", "--detailed-exitcode").code == 7
    assert rollout("approve", plan, "--stage", "ok", "-m", "fine").code == 0
    assert rollout("promote", plan).err.startswith("error: no gate is waited for; the next stage is traffic-50")
    assert rollout("apply", plan, "--auto-approve", "--until", "traffic-50").code == 0
    assert traffic(rollout, plan) == {"blue": 50, "green": 50}

    held = rollout("hold", "--endpoint", "flow", "-m", "night")
    assert (held.code, held.out) == (0, "flow: record progress (held by ann: night)\n")
    assert rollout("apply", plan).code == 10
    assert rollout("resume", plan).code == 0
    back = rollout("rollback", "--endpoint", "flow", "-m", "too slow")
    assert (back.code, back.out) == (0, "flow: traffic blue 50, green 50 → blue 100 (rolled back by ann: too slow)\n")
    assert traffic(rollout, plan) == {"blue": 100}
    assert rollout("apply", plan, "--auto-approve").code == 10
    assert rollout("rollback", plan).code == 6
    assert rollout("retry", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert traffic(rollout, plan) == {"blue": 90, "green": 10}

    unsure = rollout("destroy", plan)
    assert (unsure.code, unsure.err) == (
        3,
        "error: deleting flow must be confirmed, and nobody is here to ask\nhint: --yes\n",
    )
    assert rollout("destroy", plan, "--yes").out == "flow: delete endpoint flow (destroyed by ann)\n"
    assert rollout("status", plan, "-o", "json").json["endpoint"]["exists"] is False


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_waiting_apply_in_order(
    rollout: Command, on_emulator: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """It says that a second run carries on; and a second run does."""
    plan = write_plan(tmp_path, f"signal-{code}")
    command = [sys.executable, "-m", "rollout", "apply", str(plan), "--auto-approve", "--wait"]
    # the SDK leaves the name of the cloud that it last spoke to in the environment of this process
    variables = {name: value for name, value in os.environ.items() if name != "AZUREML_CURRENT_CLOUD"}
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=variables,
        # a shell lets what it starts in the background ignore SIGINT, and children inherit that
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as child:
        watchdog = threading.Timer(120, child.kill)
        watchdog.start()
        assert child.stderr is not None
        said = []
        for line in child.stderr:
            said.append(line)
            if " wait " in line:
                child.send_signal(number)
        out = child.stdout.read() if child.stdout else ""
        watchdog.cancel()
    assert (child.returncode, out) == (code, ""), said
    assert said[-1] == "interrupted; all progress is on the endpoint: the same command again carries on\n"
    rollout("approve", plan)
    assert rollout("apply", plan, "--auto-approve").code == 0
    rollout("destroy", plan, "--yes")


def test_reconcile_never_creates_an_endpoint(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """It says why, and a plan that is broken does not stop the other."""
    write_plan(tmp_path, "absent")
    (tmp_path / "broken.yml").write_text("version: 1\nname: broken\nstages: []\n")
    ended = rollout("reconcile", tmp_path, "-o", "json")
    found = {Path(plan["file"]).name: (plan["exit_code"], plan["status"]) for plan in ended.json["plans"]}
    assert found == {"absent.rollout.yml": (10, "hold"), "broken.yml": (3, "error")}
    assert (ended.code, ended.json["exit_code"]) == (3, 3)


def test_reconcile_carries_on_what_apply_began(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Each pass ends with 0 while it waits."""
    plan = write_plan(tmp_path, "steady")
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    ended = rollout("reconcile", tmp_path)
    assert (ended.code, ended.out) == (0, f"{plan}: done: blue serves what the plan asks for\n")
    rollout("destroy", plan, "--yes")


def test_the_emulator_tells_about_itself(rollout: Command, on_emulator: Path) -> None:
    """Where it is, what it served, and the variables for others."""
    status = rollout("emulator", "status", "--output", "json").json
    assert {"url", "ca_bundle", "subscription_id", "resource_group", "workspace", "requests"} <= set(status)
    assert {"reads", "writes", "polls"} <= set(status["requests"])
    exported = rollout("emulator", "env").out.splitlines()
    assert f"export AZURE_AUTHORITY_HOST={status['url']}" in exported
    assert f"export ROLLOUT_STATE_DIR={on_emulator}" in exported
    assert rollout("emulator", "logs").out.startswith("Serving on https://127.0.0.1:")
    second = rollout("emulator", "start", "--detach")
    assert second.code == 3
    assert "already running" in second.err


def test_out_writes_the_change_set_beside_the_text(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """One run, two forms."""
    plan = write_plan(tmp_path, "forms")
    ended = rollout("diff", plan, "--out", tmp_path / "set.json", "-o", "text", "-o", f"text={tmp_path / 'set.txt'}")
    assert ended.code == 0
    assert (tmp_path / "set.txt").read_text() == ended.out
    assert json.loads((tmp_path / "set.json").read_text())["digest"] in ended.out


def test_a_diff_shows_the_values_of_variables(
    rollout: Command, on_emulator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever approves a change set sees what its variables stood for, and where that came from."""
    plan = write_plan(tmp_path, "variable")
    plan.write_text(plan.read_text().replace("instance_count: 1", "instance_count: ${COUNT}"))
    (tmp_path / "rollout.yaml").write_text("variables: {COUNT: {default: 2, from_env: THE_COUNT}}\n")
    monkeypatch.setenv("THE_COUNT", "3")

    ended = rollout("diff", plan, "-o", "json").json

    assert "${COUNT} = 3  (environment variable THE_COUNT)" in ended["notes"]
    assert any("${COUNT} = 3" in line for line in rollout("diff", plan).out.splitlines())
