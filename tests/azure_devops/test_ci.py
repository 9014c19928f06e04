"""`rollout ci` on an agent of Azure Pipelines: what it prints for the agent, and what it leaves in its folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rollout.cli import ci_runner
from rollout.cli.main import main

AZURE = {"TF_BUILD": "True"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A repository with one plan, in front of an agent."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TF_BUILD", "True")
    main(["init", "--name", "churn"])
    capfd.readouterr()
    return tmp_path


def commands(printed: str) -> list[str]:
    """The lines that the agent takes for itself."""
    return [line for line in printed.splitlines() if line.startswith("##")]


def test_a_valid_plan(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A group of the log, two summaries, every key as a variable of the step."""
    assert main(["ci", "validate", "plans"]) == 0
    told = commands(capfd.readouterr().out)
    documents = folder / "rollout-documents"
    assert told[:4] == [
        "##[group]rollout validate plans-churn.rollout.yml",
        "##[endgroup]",
        f"##vso[task.uploadsummary]{documents}/validate.md",
        f"##vso[task.uploadsummary]{documents}/simulated.md",
    ]
    assert "##vso[task.setvariable variable=status;isOutput=true]valid" in told
    assert "##vso[task.setvariable variable=exit_code;isOutput=true]0" in told
    assert "##vso[task.setvariable variable=has_changes;isOutput=true]" in told
    assert sorted(path.name for path in documents.iterdir()) == [
        "simulated.md",
        "validate.json",
        "validate.junit.xml",
        "validate.md",
    ]
    assert "#### Simulated" in (documents / "simulated.md").read_text()


def test_a_name_that_is_a_command(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What a plan says never reaches the agent as one of its commands."""
    evil = "x##vso[task.setvariable variable=PATH]/tmp"
    Path("plans/churn.rollout.yml").write_text(f"version: 1\nname: '{evil}'\n'##vso[task.complete]': 1\nstages: []\n")
    assert main(["ci", "validate", "plans"]) == 3
    printed = capfd.readouterr()
    allowed = ("##[group]", "##[endgroup]", "##vso[task.logissue type=", "##vso[task.uploadsummary]/")
    for line in (printed.out + printed.err).splitlines():
        assert line.startswith((*allowed, "##vso[task.setvariable variable=")) or "##vso[" not in line
        assert "##vso[" not in line[2:]
    assert any(line.startswith("##vso[task.logissue type=error;sourcepath=plans/") for line in commands(printed.out))


def test_a_warning_of_the_run() -> None:
    """Escaped as the agent reads it; elsewhere none."""
    assert ci_runner.warning(AZURE, "50 %\n##vso[x]") == "##vso[task.logissue type=warning]50 %AZP25%0A# #vso[x]"
    assert ci_runner.warning({"GITHUB_ACTIONS": "true"}, "a") == "::warning title=rollout::a"
    assert ci_runner.warning({}, "a") == ""


def test_results_of_before_are_gone(folder: Path) -> None:
    """Also summaries and test results: another run's would be shown as this one's."""
    documents = folder / "rollout-documents"
    documents.mkdir()
    for name in ("old.md", "old.json", "old.junit.xml", "notes.txt"):
        (documents / name).write_text("{}")
    main(["ci", "validate", "plans"])
    assert {"old.md", "old.json", "old.junit.xml"}.isdisjoint(os.listdir(documents))
    assert (documents / "notes.txt").exists()
