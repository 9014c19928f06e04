"""`rollout fmt`, `rollout set` and `rollout explain FIELD` as commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command, write_plan


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    """A plan with a comment."""
    path = write_plan(tmp_path, "good")
    path.write_text(path.read_text().replace("  - traffic: 10\n", "  -   traffic: 10   # a tenth\n"))
    return path


def test_fmt(rollout: Command, plan: Path) -> None:
    """--check says so and changes nothing; without it the file changes, once."""
    before = plan.read_text()
    ended = rollout("fmt", "--check", plan.parent)
    assert (ended.code, ended.out, plan.read_text()) == (3, f"{plan}: not formatted\n", before)
    assert (rollout("fmt", plan).out, rollout("fmt", plan).out) == (f"{plan}: formatted\n", "")
    assert plan.read_text() == before.replace("  -   traffic: 10   # a tenth", "  - traffic: 10     # a tenth")
    assert rollout("fmt", "--check", plan).code == 0


def test_set_is_a_release_of_one_line(rollout: Command, plan: Path) -> None:
    """What a training pipeline does; the file's permissions stay."""
    plan.chmod(0o640)
    before = plan.read_text()
    ended = rollout("set", plan, "candidate.instance_count=3", "stages.settle.bake=2h")
    assert (ended.code, ended.out) == (
        0,
        f"{plan}: candidate.instance_count: 1 → 3\n{plan}: stages[4].bake: 1h → 2h\n",
    )
    assert plan.read_text() == before.replace("instance_count: 1", "instance_count: 3").replace("bake: 1h", "bake: 2h")
    assert plan.stat().st_mode & 0o777 == 0o640
    assert rollout("set", plan, "stages.settle.bake=2h").out == f"{plan}: stages[4].bake is 2h already\n"


def test_set_removes(rollout: Command, plan: Path) -> None:
    """By --unset, or by a value that is not there; several at once, in the order in which they are said."""
    before = plan.read_text()
    ended = rollout("set", plan, "stages.settle=", "stages[1].traffic=5", "--unset", "candidate.instance_count")
    assert (ended.code, ended.out) == (
        0,
        f'{plan}: stages[4]: {{"name": "settle", "bake": "1h"}} removed\n{plan}: stages[1].traffic: 10 → 5\n'
        f"{plan}: candidate.instance_count: 1 removed\n",
    )
    gone = before.replace("  - {name: settle, bake: 1h}\n", "").replace("  instance_count: 1\n", "")
    assert plan.read_text() == gone.replace("traffic: 10 ", "traffic: 5 ")
    ended = rollout("set", plan, "--unset", "drft")
    assert (ended.code, ended.err) == (1, "error: there is no `drft` to remove\nhint: name what is there\n")
    ended = rollout("set", plan, "--unset", "name")
    assert (ended.code, "`name` is missing" in ended.err, "\nname: good\n" in plan.read_text()) == (3, True, True)


def test_set_nothing(rollout: Command, plan: Path) -> None:
    """A usage error."""
    assert rollout("set", plan).err == "error: nothing to set\nhint: PATH=VALUE, or --unset PATH\n"


def test_set_in_an_az_file(rollout: Command, tmp_path: Path) -> None:
    """A deployment's file, checked by itself."""
    file = tmp_path / "deployment.yml"
    file.write_text("model: azureml:house:7  # by training\ninstance_type: Standard_DS3_v2\n")
    assert rollout("set", file, "model=azureml:house:8").code == 0
    assert file.read_text() == "model: azureml:house:8  # by training\ninstance_type: Standard_DS3_v2\n"
    ended = rollout("set", file, "instance_cont=2")
    assert (ended.code, "instance_cont" in file.read_text()) == (3, False)
    assert "unknown key `instance_cont`" in ended.err


def test_set_makes_no_new_fault(rollout: Command, plan: Path) -> None:
    """Nothing is written; faults that were there before do not hinder."""
    before = plan.read_text()
    ended = rollout("set", plan, "stages.settle.bake=2")
    assert (ended.code, plan.read_text()) == (3, before)
    assert f"{plan}:15:26: PLAN104: stages[4].bake: `2` has no unit" in ended.err
    plan.write_text(before.replace("bake: 1h", "bake: 2"))
    assert rollout("set", plan, "stages.settle.bake=2h").code == 0
    assert plan.read_text() == before.replace("bake: 1h", "bake: 2h")


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("drift", "error: `drift` sets nothing\nhint: PATH=VALUE, for example model=azureml:house-prices:8\n"),
        ("stages.setle.bake=1h", "error: no stage is called `setle`\nhint: there are ok, settle\n"),
    ],
)
def test_set_explains_itself(rollout: Command, plan: Path, assignment: str, message: str) -> None:
    """A sentence and a hint."""
    assert rollout("set", plan, assignment).err == message


def test_explain_a_field(rollout: Command) -> None:
    """Its description, type and default, from the models."""
    assert rollout("explain", "stages.bake.for").out == "stages.bake.for: duration\n\nHow long.\nRequired.\n"
    assert rollout("explain", "on_failure.for").out == (
        "on_failure.for: duration\n\nHow long it is kept as it is before that.\nBy default `0s`.\n"
    )
    assert rollout("explain", "stages[2].delete.after").out.startswith("stages[2].delete.after: duration\n")
    assert rollout("explain", "reconcile.interval").out == (
        "reconcile.interval: duration  (in rollout.yaml)\n\nThe time between two runs; for warnings.\n"
        "By default `5m`.\n"
    )
    assert "  repetitions: How often each request is sent.\n" in rollout("explain", "smoke_test").out


def test_explain_a_warning_and_a_mistake(rollout: Command) -> None:
    """Codes of warnings are explained too; what is nearly right is suggested."""
    assert rollout("explain", "lint002").out.startswith("LINT002: a short bake\n")
    ended = rollout("explain", "stages.bak.for")
    assert (ended.code, ended.err) == (
        3,
        "error: there is no field stages.bak.for\nhint: did you mean stages.bake.for?\n",
    )


def test_validate_does_not_load_the_round_trip() -> None:
    """Only `fmt` and `set` pay for it."""
    program = (
        "import sys; from rollout.cli.main import main; main(['validate', sys.argv[1]]);"
        "print(any(name.startswith('ruamel') for name in sys.modules))"
    )
    plan = Path(__file__).parents[2] / "plans/safe-rollout.rollout.yml"
    done = subprocess.run([sys.executable, "-c", program, str(plan)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
