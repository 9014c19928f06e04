"""What a job says about itself, on whichever forge: repository, commit, change request, addresses. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

from rollout.errors import SignInError, UsageError


class Kind(StrEnum):
    """The forges, by the words of `rollout init --ci`."""

    GITHUB = "github"
    AZURE_DEVOPS = "azure-devops"
    GITLAB = "gitlab"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Where we are. `commit` is the one that people look at: of a change request its head, not its trial merge.

    `api_url`: without a slash at its end. `server_url`: what the token for git is good for.
    """

    kind: Kind = Kind.GITHUB
    repository: str
    api_url: str
    server_url: str
    clone_url: str = ""
    commit: str
    number: int | None
    run_url: str
    from_fork: bool


def kind_of(environment: Mapping[str, str]) -> Kind:
    """Where the code is: a job of Azure Pipelines may also be about a repository on GitHub."""
    if environment.get("GITLAB_CI"):
        return Kind.GITLAB
    elsewhere = environment.get("BUILD_REPOSITORY_PROVIDER", "TfsGit") != "TfsGit"
    return Kind.AZURE_DEVOPS if environment.get("TF_BUILD") and not elsewhere else Kind.GITHUB


def job_of(environment: Mapping[str, str], event: Mapping[str, Any], repository: str = "") -> Job:
    """From the environment and the event (what `GITHUB_EVENT_PATH` holds). Raises UsageError where it is silent."""
    match kind_of(environment):
        case Kind.GITHUB:
            from rollout.forge.github_job import github_job

            return github_job(environment, event, repository)
        case Kind.AZURE_DEVOPS:
            from rollout.forge.azure_job import azure_job

            return azure_job(environment, repository)
        case Kind.GITLAB:
            from rollout.forge.gitlab_job import gitlab_job

            return gitlab_job(environment, repository)


def token(environment: Mapping[str, str]) -> str:
    """The token for the forge; only ever from the environment. Raises SignInError."""
    names, name, hint = _TOKENS[kind_of(environment)]
    for variable in names:
        if found := environment.get(variable, "").strip():
            return found
    raise SignInError(f"there is no token for {name}", hint=f"{hint}; never as an argument")


_TOKENS = {
    Kind.GITHUB: (
        ("GITHUB_TOKEN", "GH_TOKEN"),
        "GitHub",
        "set GITHUB_TOKEN, in a workflow by `env: {GITHUB_TOKEN: '${{ github.token }}'}`",
    ),
    Kind.AZURE_DEVOPS: (
        ("SYSTEM_ACCESSTOKEN", "AZURE_DEVOPS_EXT_PAT"),
        "Azure DevOps",
        "set SYSTEM_ACCESSTOKEN, in a pipeline by `env: {SYSTEM_ACCESSTOKEN: $(System.AccessToken)}`",
    ),
    Kind.GITLAB: (("GITLAB_TOKEN",), "GitLab", "set GITLAB_TOKEN to a project access token with the scope `api`"),
}


def name_of(given: str, known: str, variable: str, form: str) -> str:
    """A repository's name in two parts. Raises UsageError without one."""
    name = given or known
    if name.count("/") != 1 or not all(name.split("/")):
        raise UsageError(
            f"which repository? Neither the command line nor {variable} says it", hint=f"--repository {form}"
        )
    return name
