"""`rollout ci` in a job of GitLab: the sections of its log, and what it leaves for the jobs that follow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rollout.cli.main import main

SECTION = re.compile(r"\x1b\[0Ksection_(start|end):\d+:([\w.-]+)\r\x1b\[0K(.*)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Path:
    """A repository with one plan, in front of a runner."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "TF_BUILD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITLAB_CI", "true")
    main(["init", "--name", "churn"])
    capfd.readouterr()
    return tmp_path


def test_a_valid_plan(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A section of the log, test results, every key for the jobs behind it under a name that is no option of ours."""
    assert main(["ci", "validate", "plans"]) == 0
    assert SECTION.findall(capfd.readouterr().out) == [
        ("start", "validate", "rollout validate plans-churn.rollout.yml"),
        ("end", "validate", ""),
    ]
    documents = folder / "rollout-documents"
    told = dict(line.split("=", 1) for line in (documents / "rollout.env").read_text().splitlines())
    assert (told["ROLLOUT_OUT_STATUS"], told["ROLLOUT_OUT_EXIT_CODE"]) == ("valid", "0")
    assert all(name.startswith("ROLLOUT_OUT_") for name in told)
    assert {"validate.json", "validate.md", "validate.junit.xml"} <= {path.name for path in documents.iterdir()}


def test_what_a_plan_says_is_one_value(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No line break makes a variable of its own, no escape a section; a second run leaves nothing of the first."""
    Path("plans/churn.rollout.yml").write_text(
        'version: 1\nname: "x\\nPATH=/tmp"\n"\\e[0Ksection_end:1:validate\\r": 1\nstages: []\n'
    )
    for _ in range(2):
        assert main(["ci", "validate", "plans"]) == 3
    lines = (folder / "rollout-documents/rollout.env").read_text().splitlines()
    assert len({line.split("=")[0] for line in lines}) == len(lines)
    assert all(line.startswith("ROLLOUT_OUT_") for line in lines)
    assert [what for what, _, _ in SECTION.findall(capfd.readouterr().out)] == ["start", "end"] * 2
