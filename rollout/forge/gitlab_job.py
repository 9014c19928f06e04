"""What a job of GitLab CI says about itself.

https://docs.gitlab.com/ci/variables/predefined_variables/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollout.errors import UsageError
from rollout.forge.surroundings import Job, Kind

_API: Final = "https://gitlab.com/api/v4"
_SERVER: Final = "https://gitlab.com"


def gitlab_job(environment: Mapping[str, str], repository: str = "") -> Job:
    """From the environment. Raises UsageError without a project (`GROUP/PROJECT`, with as many groups as it has)."""
    name = (repository or environment.get("CI_PROJECT_PATH", "")).strip("/")
    if "/" not in name:
        raise UsageError(
            "which project? Neither the command line nor CI_PROJECT_PATH says it", hint="--repository GROUP/PROJECT"
        )
    server = environment.get("CI_SERVER_URL", _SERVER).rstrip("/")
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    head = environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "")
    source, target = (environment.get(f"CI_MERGE_REQUEST_{key}PROJECT_ID", "") for key in ("SOURCE_", ""))
    return Job(
        kind=Kind.GITLAB,
        repository=name,
        api_url=environment.get("CI_API_V4_URL", _API).rstrip("/"),
        server_url=server,
        clone_url=f"{server}/{name}.git",
        commit=head or environment.get("CI_COMMIT_SHA", ""),
        number=int(number) if number.isdigit() else None,
        run_url=environment.get("CI_JOB_URL", ""),
        from_fork=bool(number) and source != target,
    )
