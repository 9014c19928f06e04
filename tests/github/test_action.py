"""The composite action by itself, on a runner: inputs, outputs, failures, hostile inputs, cancelled jobs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from rollout.forge.workflows import action
from tests.github.office import PROJECT, Office, executable, machine
from tests.github.runner import Loader
from tests.github.steps import Log, Ran, run_script

ACTION = yaml.load((PROJECT / "action.yml").read_text(), Loader=Loader)
INSTALL, RUN, TELL = ACTION["runs"]["steps"]
PLANS = PROJECT / "plans"


def ran(tmp_path: Path, log: Log, step: dict[str, str], folder: Path = PROJECT, cancel: float = 0.0, **env: str) -> Ran:
    """One step of the action with that environment."""
    known = {"PATH": os.environ["PATH"], "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(tmp_path), "HOME": str(tmp_path)}
    told = {**known, "ROLLOUT": str(executable(tmp_path)), "ROLLOUT_DOCUMENTS": str(tmp_path / "documents"), **env}
    place = tmp_path / f"step-{len(list(tmp_path.glob('step-*')))}"
    return run_script(step["run"], folder, place, told, log, cancel)


def test_it_is_what_the_package_generates() -> None:
    """The file at the top and the one that `init` writes have one source."""
    assert (PROJECT / "action.yml").read_text() == action()


def test_every_output_is_one_that_rollout_writes() -> None:
    """No output is always empty because of its name."""
    from rollout.render.github_output import KEYS

    written = {*KEYS, "plans", "documents"}
    assert {told["value"] for told in ACTION["outputs"].values()} <= {
        f"${{{{ steps.run.outputs.{key} }}}}" for key in written
    }


def test_inputs_reach_scripts_by_the_environment_alone() -> None:
    """No expression stands in a script."""
    assert [step["name"] for step in ACTION["runs"]["steps"] if "${{" in step["run"]] == []


def test_a_valid_plan(tmp_path: Path) -> None:
    """Outputs and summary are written; annotations are taken from the log."""
    log = Log()
    done = ran(tmp_path, log, RUN, COMMAND="validate", PLANS=f"{PLANS / 'house-prices.rollout.yml'}\n")
    assert (done.code, done.outputs["exit-code"], done.outputs["status"], done.outputs["plans"]) == (
        0,
        "0",
        "valid",
        "1",
    )
    assert "1 plan valid" in done.summary
    assert [level for level, _, _ in log.annotations] == ["warning"]
    assert list((tmp_path / "documents").glob("*.json"))


def test_an_invalid_plan(tmp_path: Path) -> None:
    """Its exit code is the step's and an output; the fault is an annotation at its place."""
    plan = tmp_path / "bad.rollout.yml"
    plan.write_text("version: 1\nname: bad\nstages: [{traffic: 300}]\n")
    log = Log()
    done = ran(tmp_path, log, RUN, COMMAND="validate", PLANS=str(plan))
    assert (done.code, done.outputs["exit-code"], done.outputs["status"]) == (3, "3", "invalid")
    assert log.annotations[0][0] == "error"


@pytest.mark.parametrize(
    "hostile", ["$(touch owned)", "`touch owned`", "; touch owned", "\n::add-mask::x\n", "a\nplan<<X\nb\nX"]
)
def test_hostile_inputs_are_words(tmp_path: Path, hostile: str) -> None:
    """A name that came from a branch or a folder is never run, nor read as a command or an output."""
    log = Log()
    done = ran(tmp_path, log, RUN, tmp_path, COMMAND="validate", PLANS=hostile)
    assert done.code == 3
    assert not (tmp_path / "owned").exists()
    assert log.masks == []
    assert done.outputs.get("plan", "") == ""


def test_a_missing_python(tmp_path: Path) -> None:
    """Said with the remedy, as an annotation."""
    log = Log()
    done = ran(tmp_path, log, INSTALL, PYTHON="no-such-python", EXECUTABLE="", INSTALL=".")
    assert done.code == 3
    assert log.annotations == [
        (
            "error",
            "rollout",
            "no-such-python is missing or older than 3.11; use actions/setup-python, or the input python",
        )
    ]


def test_a_comment_that_cannot_be_written_fails_no_rollout(tmp_path: Path) -> None:
    """A warning; the token that was given is masked wherever it is printed."""
    (tmp_path / "documents").mkdir()
    log = Log()
    token = "ghp_canary_0123456789"
    done = ran(tmp_path, log, TELL, PUBLISH="comment", DOCUMENTS=str(tmp_path / "nowhere"), GITHUB_TOKEN=token)
    assert done.code == 0
    assert log.masks == [token]
    assert log.annotations == [("warning", "rollout", "publish comment did not succeed; its log says why")]


@pytest.mark.slow
def test_a_cancelled_job(team: Office, emulator: Path, tmp_path: Path) -> None:
    """GitHub signals the shell's process, by `exec` that is rollout: out in time, with its outputs."""
    from rollout.emulator import process

    known = process.env(emulator)
    azure = {name: known[name] for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")}
    plan = team.checkout / f"plans/{team.name}.rollout.yml"
    plan.write_text(plan.read_text().replace("smoke_test:", "approval: Is it good?\n    x:").partition("    x:")[0])
    plan.write_text(plan.read_text() + "  - traffic: 100\n")
    env = {**machine(known), **azure, "COMMAND": "apply", "PLANS": str(plan), "ROLLOUT_AUTO_APPROVE": "true"}
    log = Log()
    done = ran(tmp_path, log, RUN, team.checkout, 20.0, **env, ROLLOUT_WAIT="true")
    assert (done.code, done.outputs["exit-code"]) == (130, "130"), log.text
    (found,) = (tmp_path / "documents").glob("*.json")
    assert json.loads(found.read_text())["kind"] == "failure"
    assert "carries on" in log.text


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("ROLLOUT_INSTALL"), reason="installs from the package index: ROLLOUT_INSTALL=1")
def test_it_installs_itself(tmp_path: Path) -> None:
    """From its own folder, into an environment of its own; the second step in a job finds it there."""
    for _ in range(2):
        log = Log()
        done = ran(tmp_path, log, INSTALL, PYTHON="python3", EXECUTABLE="", INSTALL=str(PROJECT))
        assert done.code == 0, log.text
    assert ran(tmp_path, Log(), RUN, COMMAND="validate", PLANS=str(PLANS), ROLLOUT=done.outputs["rollout"]).code == 0
