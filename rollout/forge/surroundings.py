"""What a job on GitHub Actions says about itself: repository, commit, pull request, addresses. Values only.

https://docs.github.com/actions/reference/workflows-and-actions/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rollout.errors import SignInError, UsageError

TOKENS: Final = ("GITHUB_TOKEN", "GH_TOKEN")
_API: Final = "https://api.github.com"
_SERVER: Final = "https://github.com"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Where we are. `commit` is the one that people look at: of a pull request its head, not its trial merge."""

    repository: str
    api_url: str
    server_url: str
    commit: str
    number: int | None
    run_url: str
    from_fork: bool


def job_of(environment: Mapping[str, str], event: Mapping[str, Any], repository: str = "") -> Job:
    """From the environment and the event (what `GITHUB_EVENT_PATH` holds). Raises UsageError without a repository."""
    name = repository or environment.get("GITHUB_REPOSITORY", "")
    if name.count("/") != 1 or not all(name.split("/")):
        raise UsageError(
            "which repository? Neither the command line nor GITHUB_REPOSITORY says it", hint="--repository OWNER/NAME"
        )
    server = environment.get("GITHUB_SERVER_URL", _SERVER).rstrip("/")
    run = environment.get("GITHUB_RUN_ID", "")
    pull = event.get("pull_request") or {}
    return Job(
        repository=name,
        api_url=environment.get("GITHUB_API_URL", _API).rstrip("/"),
        server_url=server,
        commit=str((pull.get("head") or {}).get("sha") or environment.get("GITHUB_SHA", "")),
        number=int(pull["number"]) if "number" in pull else None,
        run_url=f"{server}/{name}/actions/runs/{run}" if run else "",
        from_fork=_is_fork(pull, name),
    )


def token(environment: Mapping[str, str]) -> str:
    """The token; only ever from the environment. Raises SignInError."""
    for name in TOKENS:
        if found := environment.get(name, "").strip():
            return found
    raise SignInError(
        "there is no token for GitHub",
        hint="set GITHUB_TOKEN, in a workflow by `env: {GITHUB_TOKEN: '${{ github.token }}'}`; never as an argument",
    )


def _is_fork(pull: Mapping[str, Any], repository: str) -> bool:
    """Whether the pull request comes from another repository (one that was deleted counts)."""
    if not pull:
        return False
    head = (pull.get("head") or {}).get("repo") or {}
    return str(head.get("full_name", "")).lower() != repository.lower()
