"""`rollout init`: a repository that can be pushed; nothing is ever overwritten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rollout.cli.scaffold import name_for
from tests.cli.conftest import Command

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty one, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files(folder: Path) -> set[str]:
    """All files below."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_is_valid_without_a_warning(folder: Path, rollout: Command) -> None:
    """The plan, and all that it names."""
    assert rollout("init", "shop", "--name", "churn").code == 0
    assert rollout("validate", "shop/plans", "--strict").out == (
        "shop/plans/churn.rollout.yml: valid (churn: 11 stages for endpoint churn)\n"
    )
    assert files(folder / "shop") == {
        ".gitignore",
        ".pre-commit-config.yaml",
        "README.md",
        "plans/churn.rollout.yml",
        "plans/churn/deployment.yml",
        "plans/churn/endpoint.yml",
        "plans/churn/environment/conda.yaml",
        "plans/churn/models/v1/model.json",
        "plans/churn/sample-request.json",
        "plans/churn/src/score.py",
        "policy.yaml",
        "rollout.yaml",
        "schemas/policy.schema.json",
        "schemas/rollout-plan.schema.json",
    }


def test_the_policy_says_nothing_until_somebody_wants_it(folder: Path, rollout: Command) -> None:
    """As it is, it forbids nothing and shows nowhere; without its signs of a comment it is a policy."""
    rollout("init", "--name", "churn")
    assert rollout("policy", "show", "plans/churn.rollout.yml").code == 0
    policy = folder / "policy.yaml"
    lines = policy.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=schemas/policy.schema.json"
    head, rules = lines[:5], lines[5:]
    policy.write_text("\n".join([*head, *(line.removeprefix("# ") for line in rules)]) + "\n")
    told = rollout("policy", "show", "plans/churn.rollout.yml")
    assert (told.code, "gentle" in told.out, "no releases on Fridays" in told.out) == (0, True, True), told.err


def test_it_is_formatted(folder: Path, rollout: Command) -> None:
    """`rollout fmt` has nothing to do."""
    rollout("init", "--name", "churn")
    assert rollout("fmt", "--check", "plans").code == 0


def test_the_editors_schema_is_where_the_plan_says(folder: Path, rollout: Command) -> None:
    """The modeline of the plan names a file that is there."""
    rollout("init", "--name", "churn")
    first = (folder / "plans/churn.rollout.yml").read_text().splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (folder / "plans" / named).resolve() == folder / "schemas/rollout-plan.schema.json"


def test_the_scoring_script_runs(folder: Path, rollout: Command) -> None:
    """With nothing but Python: the sample request gets two predictions, as the smoke test wants it."""
    rollout("init", "--name", "churn")
    program = "import score; score.init(); print(len(score.run(open('../sample-request.json').read())['predictions']))"
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        cwd=folder / "plans/churn/src",
        env={"AZUREML_MODEL_DIR": str(folder / "plans/churn/models")},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_nothing_is_overwritten(folder: Path, rollout: Command) -> None:
    """What is there stays, is said, and the rest is written."""
    (folder / "README.md").write_text("mine")
    told = rollout("init", "--name", "churn")
    assert "kept  README.md\n" in told.out
    assert (folder / "README.md").read_text() == "mine"
    again = rollout("init", "--name", "churn")
    assert "wrote" not in again.out
    assert again.err == "nothing to write: everything is there\n"


def test_workflows_alone_where_there_are_plans(folder: Path, rollout: Command) -> None:
    """A repository that has plans gets no second one."""
    rollout("init", "--name", "churn")
    before = files(folder)
    rollout("init", "--ci", "github", "--branch", "trunk", "--environment", "live")
    assert files(folder) - before == {
        ".github/actions/rollout/action.yml",
        ".github/workflows/rollout-apply.yml",
        ".github/workflows/rollout-pull-request.yml",
        ".github/workflows/rollout-reconcile.yml",
    }
    apply = (folder / ".github/workflows/rollout-apply.yml").read_text()
    assert "branches: [trunk]" in apply
    assert "environment: live #" in apply


def test_an_overlay_of_the_environments_name_is_used(folder: Path, rollout: Command) -> None:
    """Only where there is one."""
    rollout("init", "--name", "churn")
    (folder / "plans/overlays").mkdir()
    (folder / "plans/overlays/live.yml").write_text("version: 1\nkind: overlay\n")
    rollout("init", "--ci", "github", "--environment", "live")
    assert "          environment: live\n" in (folder / ".github/workflows/rollout-apply.yml").read_text()


def test_somebody_elses_action(folder: Path, rollout: Command) -> None:
    """Pinned by its commit, and no local one."""
    pin = "acme/rollout@" + "0123456789" * 4
    rollout("init", "--name", "churn", "--ci", "github", "--action", pin)
    assert f"- uses: {pin}\n" in (folder / ".github/workflows/rollout-reconcile.yml").read_text()
    assert not (folder / ".github/actions").exists()


def test_a_sample_to_begin_with(folder: Path, rollout: Command) -> None:
    """With all its files."""
    rollout("init", "--from", "house-prices")
    assert rollout("validate", "plans").code == 0
    assert (folder / "plans/house-prices/models/v1/model.json").is_file()
    told = rollout("init", "other", "--from", "hous-prices")
    assert (told.code, told.err.splitlines()[0]) == (3, "error: there is no sample hous-prices")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--name", "a b"),
        ("--name", "x\nrun: evil"),
        ("--branch", "[main, '*']"),
        ("--environment", "${{ github.token }}"),
        ("--action", "acme/rollout@v1"),
        ("--requirement", 'x"; run: evil'),
    ],
)
def test_nothing_that_means_something_in_yaml(folder: Path, rollout: Command, flag: str, value: str) -> None:
    """Refused before anything is written."""
    assert rollout("init", "--ci", "github", flag, value).code == 3
    assert files(folder) == set()


@pytest.mark.parametrize(
    ("folder_name", "name"),
    [("House Prices", "house-prices"), ("12-models", "models"), ("ü", "my-model"), ("a" * 50, "a" * 32)],
)
def test_a_name_after_the_folder(tmp_path: Path, folder_name: str, name: str) -> None:
    """One that the service accepts."""
    assert name_for(tmp_path / folder_name) == name


def test_the_target_is_written_once_for_all_plans(folder: Path, rollout: Command) -> None:
    """Into rollout.yaml; the emulator is never written down."""
    rollout("init", "a", "--target", "00000000-0000-0000-0000-000000000000/ml/prod")
    target = yaml.safe_load((folder / "a/rollout.yaml").read_text())["defaults"]["target"]
    assert target == {
        "subscription_id": "00000000-0000-0000-0000-000000000000",
        "resource_group": "ml",
        "workspace": "prod",
    }
    rollout("init", "b", "--target", "emulator")
    assert yaml.safe_load((folder / "b/rollout.yaml").read_text()) == {"version": 1}


def test_the_hooks_are_the_same_in_both_places(folder: Path, rollout: Command) -> None:
    """What pre-commit is told here, and what a scaffolded repository runs."""
    rollout("init", "--name", "churn")
    own = yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text())
    written = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    same = ("id", "name", "description", "entry", "language", "files", "types")
    assert [{key: hook[key] for key in same} for hook in own] == [{key: hook[key] for key in same} for hook in written]
    for hook in own:
        assert hook["entry"].split()[1] in ("validate", "fmt")
