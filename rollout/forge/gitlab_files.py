"""The files that a project on GitLab needs: the jobs, and where there is none yet, a pipeline that includes them."""

from __future__ import annotations

from typing import Final

from rollout.forge.workflows import Wanted, filled

JOBS: Final = ".gitlab/rollout.yml"
_PIPELINE: Final = f"""\
# Written by `rollout init --ci gitlab`. Where a .gitlab-ci.yml is there already, only these two lines are needed in it.
include:
  - local: {JOBS}
"""


def gitlab_files(wanted: Wanted) -> dict[str, str]:
    """Path and text of each file."""
    values = {
        "PLANS": wanted.plans,
        "ENVIRONMENT": wanted.environment,
        "OVERLAY": wanted.overlay or '""',
        "INSTALL": wanted.requirement,
    }
    return {JOBS: filled("gitlab", "jobs", values), ".gitlab-ci.yml": _PIPELINE}
