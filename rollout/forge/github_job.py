"""What a job on GitHub Actions says about itself.

https://docs.github.com/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout.forge.surroundings import Job, Kind, name_of

_API: Final = "https://api.github.com"
_SERVER: Final = "https://github.com"


def github_job(environment: Mapping[str, str], event: Mapping[str, Any], repository: str = "") -> Job:
    """From the environment and the event. Raises UsageError without a repository."""
    name = name_of(repository, environment.get("GITHUB_REPOSITORY", ""), "GITHUB_REPOSITORY", "OWNER/NAME")
    server = environment.get("GITHUB_SERVER_URL", _SERVER).rstrip("/")
    run = environment.get("GITHUB_RUN_ID", "")
    pull = event.get("pull_request") or {}
    return Job(
        kind=Kind.GITHUB,
        repository=name,
        api_url=environment.get("GITHUB_API_URL", _API).rstrip("/"),
        server_url=server,
        clone_url=f"{server}/{name}.git",
        commit=str((pull.get("head") or {}).get("sha") or environment.get("GITHUB_SHA", "")),
        number=int(pull["number"]) if "number" in pull else None,
        run_url=f"{server}/{name}/actions/runs/{run}" if run else "",
        from_fork=_is_fork(pull, name),
    )


def _is_fork(pull: Mapping[str, Any], repository: str) -> bool:
    """Whether the pull request comes from another repository (one that was deleted counts)."""
    if not pull:
        return False
    head = (pull.get("head") or {}).get("repo") or {}
    return str(head.get("full_name", "")).lower() != repository.lower()
