"""The generated jobs: the published schema of GitLab CI, and what must hold of them whatever that says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rollout.cli.main import main
from rollout.forge.gitlab_files import JOBS, gitlab_files
from rollout.forge.workflows import Wanted

FILES = gitlab_files(Wanted(requirement="azureml-rollout==0.1.0", overlay="prod"))
READ: dict[str, Any] = yaml.safe_load(FILES[JOBS])
NAMED = {name: job for name, job in READ.items() if not name.startswith(".")}
SIGNED_IN = [name for name, job in NAMED.items() if job["extends"] == ".rollout-signed-in"]


@pytest.mark.parametrize("name", FILES)
def test_they_follow_the_published_schema(tmp_path: Path, name: str) -> None:
    """The one that editors use, which check-jsonschema carries; and it would find a fault."""
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(FILES[name])
    bad.write_text(FILES[name] + "\nmore:\n  script: [x]\n  rulez: []\n")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.gitlab-ci"]
    codes = [subprocess.run([*command, str(file)], check=False, capture_output=True).returncode for file in (good, bad)]
    assert codes == [0, 1]


def test_nothing_of_a_template_is_left() -> None:
    """Every place is filled in."""
    assert [found for text in FILES.values() for found in re.findall(r"@[A-Z_]+@", text)] == []


def test_values_reach_scripts_by_variables_alone() -> None:
    """What a plan's path or a requirement says is never part of a script; expansions are quoted."""
    lines = [line for job in READ.values() for key in ("before_script", "script") for line in job.get(key, ())]
    bare = [line for line in lines if re.search(r'(?<!["\w])\$[A-Z]+(?!")', line.replace("for what in $PUBLISH", ""))]
    assert bare == []
    assert "azureml-rollout==0.1.0" not in "".join(lines)


def test_who_may_what() -> None:
    """Only jobs that sign in get an assertion; the two that write have protected environments, one at a time."""
    assert SIGNED_IN == ["rollout diff", "rollout look", "rollout apply", "rollout reconcile"]
    assert "id_tokens" not in READ[".rollout"]
    writing = {name: job["environment"]["name"] for name, job in NAMED.items() if "environment" in job}
    assert writing == {"rollout apply": "production", "rollout reconcile": "production-scheduled"}
    assert all(NAMED[name]["resource_group"] and not NAMED[name]["interruptible"] for name in writing)
    readers = [name for name in SIGNED_IN if NAMED[name]["variables"].get("AZURE_CLIENT_ID") == "$AZURE_CLIENT_ID_READ"]
    assert readers == ["rollout diff", "rollout look"]


def test_a_fork_gets_no_identity() -> None:
    """Its merge request is validated, and nothing else."""
    (rule,) = NAMED["rollout diff"]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]


@pytest.mark.parametrize("job", SIGNED_IN)
def test_the_script_does_what_it_says(tmp_path: Path, job: str) -> None:
    """Run by bash as a runner does: who acts has no token for people, who talks cannot sign in."""
    rollout = tmp_path / "rollout"
    says = 'echo "$@ ${GITLAB_TOKEN+talks} ${AZURE_FEDERATED_TOKEN_FILE+signs}"'
    rollout.write_text(f'#!/bin/bash\n{says}\n[ "$1" != ci ]\n')
    rollout.chmod(0o755)
    (tmp_path / "pip").write_text("#!/bin/bash\n")
    (tmp_path / "pip").chmod(0o755)
    told = {**READ[".rollout"]["variables"], **READ[".rollout-signed-in"]["variables"], **NAMED[job]["variables"]}
    known = {"GITLAB_TOKEN": "glpat", "AZURE_ID_TOKEN": "jwt", "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    steps = [*READ[".rollout-signed-in"]["before_script"], *READ[".rollout-signed-in"]["script"]]
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(steps)],
        env={**{name: str(value) for name, value in told.items()}, **known},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    first, *rest = done.stdout.splitlines()
    assert (done.returncode, done.stderr, first) == (1, "", f"ci {told['COMMAND']} plans  signs")
    assert rest == [f"publish {what} {told['DOCUMENTS']} talks " for what in told["PUBLISH"].split()]


def test_init_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A pipeline that is there already stays; the page tells the two lines that it needs."""
    assert main(["init", str(tmp_path), "--name", "churn", "--ci", "gitlab"]) == 0
    assert {JOBS, ".gitlab-ci.yml"} <= {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert "docs/gitlab.md of rollout tells which identities" in capsys.readouterr().err
    (tmp_path / ".gitlab-ci.yml").write_text("mine: {script: [x]}\n")
    main(["init", str(tmp_path), "--ci", "gitlab"])
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "mine: {script: [x]}\n"
