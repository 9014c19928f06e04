"""What the surroundings tell: who runs this, and from which commit. Best effort; never a failure."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ACTORS: Final = ("GITHUB_ACTOR", "BUILD_REQUESTEDFOR", "GITLAB_USER_LOGIN")
_COMMITS: Final = ("GITHUB_SHA", "BUILD_SOURCEVERSION", "CI_COMMIT_SHA")
_GIT_SECONDS: Final = 5


def actor(given: str | None, environment: Mapping[str, str] = os.environ) -> str:
    """Who acts: what was given, else who started the CI job, else the user of this machine."""
    if given:
        return given
    for name in _ACTORS:
        if environment.get(name):
            return environment[name]
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def run_url(environment: Mapping[str, str] = os.environ) -> str:
    """The address of the CI run that this is a part of; "" outside of one."""
    server, repository = environment.get("GITHUB_SERVER_URL", ""), environment.get("GITHUB_REPOSITORY", "")
    if (run := environment.get("GITHUB_RUN_ID", "")) and server and repository:
        return f"{server}/{repository}/actions/runs/{run}"
    project, build = environment.get("SYSTEM_TEAMPROJECT", ""), environment.get("BUILD_BUILDID", "")
    if project and build:
        return f"{environment.get('SYSTEM_COLLECTIONURI', '')}{project}/_build/results?buildId={build}"
    return environment.get("CI_JOB_URL", "")


def commit(plan: Path, environment: Mapping[str, str] = os.environ) -> str:
    """The commit that the plan comes from: what CI says, else what Git says, else ""."""
    for name in _COMMITS:
        if environment.get(name):
            return environment[name]
    return _git(plan if plan.is_dir() else plan.parent, "rev-parse", "HEAD") or ""


def knows_commit(folder: Path, commit: str) -> bool:
    """Whether that commit is in the history of the repository around `folder`, as far as it was fetched."""
    return _git(folder, "cat-file", "-e", f"{commit}^{{commit}}") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    """What Git prints; None where it fails, or is not there."""
    try:
        done = subprocess.run(  # noqa: S603 - fixed commands, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own Git
            capture_output=True,
            text=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
