"""Without any service: usage, faults, exit codes, and what is never imported."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.cli import ending, exits
from rollout.cli.complain import sentence
from rollout.cli.context import actor, commit
from rollout.cli.main import COMMANDS
from rollout.cli.many import worst
from rollout.cli.targets import resolve, resolve_endpoint
from rollout.core.decision import Decision, Phase, Status
from rollout.errors import AzureError, UsageError
from tests.cli.conftest import Command, write_plan

ARM = "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W"


def test_validate_says_what_the_plan_is(rollout: Command, tmp_path: Path) -> None:
    """One line a plan."""
    plan = write_plan(tmp_path, "good")
    assert rollout("validate", tmp_path) == rollout("validate", plan)
    assert rollout("validate", plan).out == f"{plan}: valid (good: 7 stages for endpoint good)\n"


def test_validate_shows_every_fault_with_its_place(rollout: Command, tmp_path: Path) -> None:
    """The line, a caret, what was expected; exit 3; nothing on stdout."""
    plan = write_plan(tmp_path, "bad")
    plan.write_text(plan.read_text().replace("traffic: 10\n", "trafic: 10\n").replace("model.txt", "gone.txt"))
    ended = rollout("validate", plan)
    assert (ended.code, ended.out) == (3, "")
    assert f"{plan}:12:" in ended.err
    assert "PLAN106" in ended.err
    assert "^" in ended.err
    assert "did you mean `traffic`?" in ended.err
    assert "gone.txt" in ended.err
    assert ended.err.endswith("faults\n")


def test_validate_for_programs(rollout: Command, tmp_path: Path) -> None:
    """Every fault with its keys."""
    write_plan(tmp_path, "good")
    bad = tmp_path / "bad.yml"
    bad.write_text("version: 2\nstages: []\n")
    ended = rollout("validate", tmp_path, "-o", "json")
    plans = {Path(plan["file"]).name: plan for plan in ended.json["plans"]}
    assert (ended.code, ended.json["valid"], ended.err) == (3, False, "")
    assert plans["good.rollout.yml"]["faults"] == []
    assert {"code", "file", "line", "column", "message", "expected", "hint"} <= set(plans["bad.yml"]["faults"][0])


def test_validate_loads_nothing_heavy() -> None:
    """The start-up budget: no azure, aiohttp, rich or jsonschema for a plan that needs none."""
    program = (
        "import sys, json; from rollout.cli.main import main; code = main(['validate', sys.argv[1]]);"
        "print(json.dumps([code, sorted({name.split('.')[0] for name in sys.modules})]))"
    )
    plan = Path(__file__).parents[2] / "plans" / "safe-rollout.rollout.yml"
    done = subprocess.run([sys.executable, "-c", program, str(plan)], capture_output=True, text=True, check=True)
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert not {"azure", "aiohttp", "rich", "jsonschema", "msal", "uvicorn", "starlette"} & set(modules)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_exists_and_explains_itself(rollout: Command, name: str) -> None:
    """`--help` of each."""
    if name == "demo":
        pytest.importorskip("rollout.cli.demo")
    ended = rollout(name, "--help")
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: rollout {name} ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("aply",), "No such command 'aply'. Did you mean 'apply'?"),
        (("apply",), "Missing argument 'PLAN'."),
        (("diff", "p.yml", "-o", "xml"), "'xml' is not a format; there are text, json"),
        (("apply", "p.yml", "--max-wait", "10"), "'10' is not a duration such as"),
        (("hold", "p.yml", "--endpoint", "x"), "error: say what it is about: a plan's path, or --endpoint ID"),
        (("hold", "p.yml", "--until", "soon"), "'soon' is not a moment such as"),
        (("hold",), "error: say what it is about: a plan's path, or --endpoint ID"),
        (("apply", "gone.yml"), "gone.yml: PLAN001"),
        (("explain", "PLAN1O1"), "error: there is no code PLAN1O1"),
        ((), "Usage: rollout [OPTIONS] COMMAND [ARGS]..."),
    ],
)
def test_wrong_usage_is_3(rollout: Command, arguments: tuple[str, ...], said: str) -> None:
    """With a sentence; 2 means changes."""
    ended = rollout(*arguments)
    assert (ended.code, ended.out) == (3, "")
    assert said in ended.err


def test_a_plan_without_a_target(rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing and where it can be said."""
    monkeypatch.delenv("ROLLOUT_TARGET", raising=False)
    ended = rollout("diff", write_plan(tmp_path, "lost"))
    assert (ended.code, ended.err) == (
        3,
        "error: no target: neither the plan nor the command line says which workspace\n"
        "hint: --target (or ROLLOUT_TARGET) takes `emulator`, SUBSCRIPTION/RESOURCE_GROUP/WORKSPACE, or a workspace's"
        " ARM id; or write `target:` into the plan\n",
    )


def test_no_emulator_is_running(rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clear sentence and the remedy."""
    monkeypatch.setenv("ROLLOUT_STATE_DIR", str(tmp_path / "none"))
    ended = rollout("diff", write_plan(tmp_path, "lost"), "--target", "emulator")
    assert (ended.code, ended.err) == (
        3,
        f"error: no emulator is running in {tmp_path / 'none'}\n"
        "hint: rollout emulator start --detach; or say where it runs: ROLLOUT_STATE_DIR=DIR\n",
    )
    assert rollout("emulator", "stop").out == "none was running\n"
    assert rollout("emulator", "status").code == 3


def test_an_unknown_stage_is_told_before_anything_is_done(rollout: Command, tmp_path: Path) -> None:
    """With what was probably meant."""
    ended = rollout("apply", write_plan(tmp_path, "lost"), "--until", "setle", "--target", "emulator")
    assert (ended.code, ended.err) == (3, "error: the plan has no stage setle\nhint: did you mean settle?\n")


def test_explain(rollout: Command) -> None:
    """A code, and the exit codes."""
    assert rollout("explain", "plan001").out.startswith("PLAN001: the file cannot be read\n\n")
    lines = rollout("explain").out.splitlines()
    assert lines[0] == "   0  in sync, done, or waiting as planned (the output says which)"
    assert [int(line.split()[0]) for line in lines] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 130, 143]


@pytest.mark.parametrize(("name", "file"), [("rollout-plan", "rollout-plan"), ("change-set", "change-set")])
def test_schema_prints_the_committed_file(rollout: Command, name: str, file: str) -> None:
    """Byte for byte."""
    committed = Path(__file__).parents[2] / "schemas" / f"{file}.schema.json"
    assert rollout("schema", name).out == committed.read_text(encoding="utf-8")


def test_completion(rollout: Command) -> None:
    """A script that calls us back."""
    assert "_ROLLOUT_COMPLETE=bash_complete" in rollout("completion", "bash").out


def test_an_unexpected_error_is_short(rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence and how to report it; the traceback only with --debug."""
    monkeypatch.setattr("rollout.cli.validate.inspect_plan", lambda path, overlay: 1 / 0)
    plan = write_plan(tmp_path, "good")
    ended = rollout("validate", plan)
    assert (ended.code, ended.err) == (
        1,
        "error: unexpected ZeroDivisionError: division by zero\n"
        "hint: this is a fault of rollout; report it with what `rollout --debug …` prints\n",
    )
    assert "Traceback" in rollout("--debug", "validate", plan).err


def test_ctrl_c_says_that_a_second_run_carries_on(
    rollout: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130."""

    def interrupt(path: Path, overlay: Path | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rollout.cli.validate.inspect_plan", interrupt)
    ended = rollout("validate", write_plan(tmp_path, "good"))
    assert (ended.code, ended.err) == (
        130,
        "\ninterrupted; all progress is on the endpoint: the same command again carries on\n",
    )


def test_a_failed_create_shows_the_end_of_its_log() -> None:
    """Below the sentence, before the remedy."""
    error = AzureError("green was not created", code="ResourceNotReady", hint="mend it", logs="a\nb")
    assert sentence(error) == "error: green was not created\nthe end of its log:\n  a\n  b\nhint: mend it\n"


@pytest.mark.parametrize(
    ("status", "phase", "failed", "detailed", "code"),
    [
        (Status.DONE, Phase.COMPLETE, False, True, exits.OK),
        (Status.WAIT, Phase.RELEASING, False, False, exits.OK),
        (Status.WAIT, Phase.RELEASING, False, True, exits.WAITING),
        (Status.HOLD, Phase.ROLLED_BACK, True, False, exits.GATE_FAILED),
        (Status.HOLD, Phase.ROLLED_BACK, False, False, exits.STOPPED),
        (Status.HOLD, Phase.HELD, True, False, exits.STOPPED),
        (Status.REFUSE, Phase.REFUSED, False, False, exits.REFUSED),
        (Status.ACT, Phase.RELEASING, False, True, exits.CHANGES),
    ],
)
def test_how_an_apply_ends(status: Status, phase: Phase, failed: bool, detailed: bool, code: int) -> None:
    """The table of exit codes."""
    decision = Decision(status=status, phase=phase, reason="")
    assert ending.after_apply(decision, gate_failed=failed, detailed=detailed) == code


def test_the_worst_code_of_many_plans() -> None:
    """What a person must act on comes first."""
    assert worst([0, 7, 0]) == 7
    assert worst([0, 10, 4]) == 4
    assert worst([9, 10, 1, 3]) == 1
    assert worst([]) == 0


def test_who_and_which_commit_come_from_the_surroundings(tmp_path: Path) -> None:
    """CI first, then Git; nothing at all is fine."""
    assert actor("ann", {"GITHUB_ACTOR": "bot"}) == "ann"
    assert actor(None, {"GITHUB_ACTOR": "bot"}) == "bot"
    assert commit(tmp_path / "p.yml", {"GITHUB_SHA": "abc"}) == "abc"
    assert commit(tmp_path / "p.yml", {}) == ""
    assert len(commit(Path(__file__), {})) in (0, 40)


def test_targets() -> None:
    """Three spellings of a workspace, two of an endpoint."""
    for flag in ("S/G/W", ARM):
        target = resolve(flag, None).target
        assert (target.subscription_id, target.resource_group, target.workspace) == ("S", "G", "W")
    place, name = resolve_endpoint(f"{ARM}/onlineEndpoints/House", None)
    assert (place.label, name) == ("S/G/W", "house")
    assert resolve_endpoint("House", "S/G/W")[1] == "house"
    for wrong in ("S/G", "S//W", "x"):
        with pytest.raises(UsageError, match="is not a target"):
            resolve(wrong, None)
