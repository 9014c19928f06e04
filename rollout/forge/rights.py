"""Whether a token may do what the jobs do with it, told without changing anything; and what the jobs do with it.

None of the forges says it in one way. GitHub tells nobody a job token's permissions: requests that lack what they would
need to change anything are refused as invalid where the permission is there, and as forbidden where it is not. GitLab
tells the role in the project, Azure DevOps evaluates permissions of Git (https://learn.microsoft.com/rest/api/azure/devops/security/permissions).
Tried on local stand-ins only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rollout.errors import Retryable, RolloutError, SignInError
from rollout.forge.dialect import Call
from rollout.forge.port import Task
from rollout.forge.wire import Wire

JOBS: Final = (".github/workflows/*.y*ml", ".azure-pipelines/*.y*ml", ".gitlab/*.y*ml", ".gitlab-ci.yml")
"""Where `rollout init` writes jobs."""
_TASKS: Final = {
    "comment": Task.COMMENT,
    "status": Task.STATUS,
    "drift": Task.ISSUE,
    "revert": Task.REQUEST,
    "promotion": Task.REQUEST,
}
_SAID: Final = re.compile(r"publish:?((?: +(?:comment|status|drift|revert|promotion)\b)+)", re.IGNORECASE)
_INVALID: Final = "(HTTP 422)"
_SETTING: Final = "not permitted to create or approve pull requests"
_NOBODY: Final = "0" * 40
_GIT: Final = "2e9eb7ed-3c0a-47d4-87c1-0ffdd275fd87"
"""The security namespace of Git repositories."""
_BITS: Final = {
    Task.COMMENT: (16384, "Contribute to pull requests"),
    Task.STATUS: (16384, "Contribute to pull requests"),
    Task.REQUEST: (16, "Create branch"),
}
_REPORTER, _DEVELOPER = 20, 30
_ROLES: Final = {
    Task.COMMENT: (_REPORTER, "Reporter"),
    Task.STATUS: (_DEVELOPER, "Developer"),
    Task.ISSUE: (_REPORTER, "Reporter"),
    Task.REQUEST: (_DEVELOPER, "Developer"),
}
_TRIALS: Final = {
    Task.COMMENT: ("/pulls", "write a comment", "pull-requests: write"),
    Task.STATUS: (f"/statuses/{_NOBODY}", "set a status of a commit", "statuses: write"),
    Task.ISSUE: ("/issues", "open an issue", "issues: write"),
    Task.REQUEST: ("/pulls", "open a pull request", "pull-requests: write"),
}


def tasks_of(root: Path) -> tuple[Task, ...]:
    """What the repository's jobs give the token to `rollout publish` for, in their own words; empty: nothing."""
    return tuple(task for task in Task if task in set(_said(root)))


def _said(root: Path) -> Iterator[Task]:
    for pattern in JOBS:
        for file in sorted(root.glob(pattern)):
            text = re.sub(r"(^|\s)#.*", "", file.read_text(errors="replace"), flags=re.MULTILINE)
            for found in _SAID.finditer(text):
                yield from (_TASKS[word.lower()] for word in found[1].split())


async def github_refusal(wire: Wire, root: str, task: Task) -> str | None:
    """See `Forge.refusal`: a request without its required members."""
    path, what, needs = _TRIALS[task]
    try:
        await wire.json(Call(method="POST", path=root + path, what=what, needs=needs), {})
    except Retryable:
        raise
    except SignInError as error:
        return "" if task is Task.COMMENT and _SETTING in str(error) else f"{error}; {error.hint}"
    except RolloutError as error:
        return "" if _INVALID in str(error) else f"{error}; {error.hint}".rstrip("; ")
    return None


async def gitlab_refusal(wire: Wire, root: str, task: Task) -> str | None:
    """See `Forge.refusal`: the role that the token has in the project or its group."""
    call = Call(method="GET", path=root, what="read the project", needs="Reporter")
    granted = (await wire.json(call)).get("permissions") or {}
    levels = [int(one["access_level"]) for one in granted.values() if isinstance(one, Mapping)]
    least, role = _ROLES[task]
    if not levels and not granted:
        return None
    return "" if max(levels, default=0) >= least else f"the token has not the role {role} in the project"


async def azure_refusal(wire: Wire, root: str, task: Task, version: str) -> str | None:
    """See `Forge.refusal`: what the service evaluates for whoever asks. Of Azure Boards it cannot be told."""
    if task not in _BITS:
        return None
    call = Call(method="GET", path=root, what="read the repository", needs="Read")
    found: Mapping[str, Any] = await wire.json(call, query={"api-version": version})
    bit, name = _BITS[task]
    token = f"repoV2/{found['project']['id']}/{found['id']}"
    asked = Call(method="GET", path=f"/_apis/permissions/{_GIT}/{bit}", what="ask what it may", needs="Read")
    answer = await wire.json(asked, query={"api-version": version, "tokens": token})
    return "" if answer["value"] == [True] else f"the token has not the permission `{name}` on the repository"
