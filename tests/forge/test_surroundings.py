"""What a job says about itself."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.errors import SignInError, UsageError
from rollout.forge.surroundings import Job, Kind, job_of, token

HERE = {"GITHUB_REPOSITORY": "acme/models", "GITHUB_SHA": "b" * 40, "GITHUB_RUN_ID": "7"}


def pull(full_name: str | None) -> dict[str, Any]:
    """The event of a pull request from that repository (None: it was deleted)."""
    repo = {"full_name": full_name} if full_name else None
    return {"pull_request": {"number": 12, "head": {"sha": "a" * 40, "repo": repo}}}


def test_a_push() -> None:
    """The commit is the pushed one, and there is no pull request."""
    assert job_of(HERE, {}) == Job(
        repository="acme/models",
        api_url="https://api.github.com",
        server_url="https://github.com",
        clone_url="https://github.com/acme/models.git",
        commit="b" * 40,
        number=None,
        run_url="https://github.com/acme/models/actions/runs/7",
        from_fork=False,
    )


def test_a_pull_request() -> None:
    """People look at its head, not at the trial merge that the job runs on."""
    job = job_of(HERE, pull("Acme/Models"))
    assert (job.commit, job.number, job.from_fork) == ("a" * 40, 12, False)


@pytest.mark.parametrize("full_name", ["mallory/models", None])
def test_a_fork(full_name: str | None) -> None:
    """Also one that was deleted since."""
    assert job_of(HERE, pull(full_name)).from_fork


def test_an_own_server() -> None:
    """Addresses as its runner gives them."""
    own = {"GITHUB_API_URL": "https://git.acme.example/api/v3/", "GITHUB_SERVER_URL": "https://git.acme.example"}
    job = job_of({**HERE, **own}, {})
    assert (job.api_url, job.server_url) == ("https://git.acme.example/api/v3", "https://git.acme.example")


@pytest.mark.parametrize("name", ["", "models", "a/b/c", "/models", "acme/"])
def test_no_repository(name: str) -> None:
    """Said with the flag that says it."""
    with pytest.raises(UsageError) as raised:
        job_of({"GITHUB_REPOSITORY": name}, {})
    assert raised.value.hint == "--repository OWNER/NAME"


def test_the_token_comes_from_the_environment() -> None:
    """GITHUB_TOKEN before GH_TOKEN; white space around it (a file's line end) does not count."""
    assert token({"GITHUB_TOKEN": "a\n", "GH_TOKEN": "b"}) == "a"
    assert token({"GITHUB_TOKEN": " ", "GH_TOKEN": "b"}) == "b"
    with pytest.raises(SignInError, match="there is no token for GitHub"):
        token({})


AZURE = {
    "TF_BUILD": "True",
    "SYSTEM_COLLECTIONURI": "https://dev.azure.com/acme-org/",
    "SYSTEM_TEAMPROJECT": "ML team",
    "BUILD_REPOSITORY_PROVIDER": "TfsGit",
    "BUILD_REPOSITORY_NAME": "models",
    "BUILD_SOURCEVERSION": "b" * 40,
    "BUILD_BUILDID": "7",
}


def test_a_run_of_azure_pipelines() -> None:
    """Names may hold spaces; addresses do not."""
    assert job_of(AZURE, {}) == Job(
        kind=Kind.AZURE_DEVOPS,
        repository="ML team/models",
        api_url="https://dev.azure.com/acme-org",
        server_url="https://dev.azure.com/acme-org",
        clone_url="https://dev.azure.com/acme-org/ML%20team/_git/models",
        commit="b" * 40,
        number=None,
        run_url="https://dev.azure.com/acme-org/ML%20team/_build/results?buildId=7",
        from_fork=False,
    )


def test_a_pull_request_of_azure_devops() -> None:
    """Its head is looked at, not the trial merge; a fork is told."""
    pull = {"SYSTEM_PULLREQUEST_PULLREQUESTID": "12", "SYSTEM_PULLREQUEST_SOURCECOMMITID": "a" * 40}
    job = job_of({**AZURE, **pull, "SYSTEM_PULLREQUEST_ISFORK": "False"}, {})
    assert (job.commit, job.number, job.from_fork) == ("a" * 40, 12, False)
    assert job_of({**AZURE, **pull, "SYSTEM_PULLREQUEST_ISFORK": "True"}, {}).from_fork


def test_a_repository_on_github_in_azure_pipelines() -> None:
    """The forge is where the code is."""
    assert job_of({**AZURE, **HERE, "BUILD_REPOSITORY_PROVIDER": "GitHub"}, {}).kind is Kind.GITHUB


def test_what_azure_pipelines_does_not_say() -> None:
    """A command at somebody's desk, say."""
    with pytest.raises(UsageError, match="which organisation"):
        job_of({"TF_BUILD": "True"}, {})
    with pytest.raises(SignInError, match="there is no token for Azure DevOps"):
        token({"TF_BUILD": "True", "GITHUB_TOKEN": "a"})
    assert token({"TF_BUILD": "True", "SYSTEM_ACCESSTOKEN": "a"}) == "a"


GITLAB = {
    "GITLAB_CI": "true",
    "CI_SERVER_URL": "https://gitlab.example.com",
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PROJECT_PATH": "ml/pricing/models",
    "CI_PROJECT_ID": "7",
    "CI_COMMIT_SHA": "b" * 40,
    "CI_JOB_URL": "https://gitlab.example.com/ml/pricing/models/-/jobs/9",
}


def test_a_job_of_gitlab() -> None:
    """A project may be in groups of groups."""
    assert job_of(GITLAB, {}) == Job(
        kind=Kind.GITLAB,
        repository="ml/pricing/models",
        api_url="https://gitlab.example.com/api/v4",
        server_url="https://gitlab.example.com",
        clone_url="https://gitlab.example.com/ml/pricing/models.git",
        commit="b" * 40,
        number=None,
        run_url="https://gitlab.example.com/ml/pricing/models/-/jobs/9",
        from_fork=False,
    )


def test_a_merge_request_of_gitlab() -> None:
    """Of a pipeline for merged results its head is looked at, not the trial merge; a fork is told."""
    projects = {"CI_MERGE_REQUEST_PROJECT_ID": "7", "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7"}
    merge = {"CI_MERGE_REQUEST_IID": "12", **projects}
    job = job_of({**GITLAB, **merge}, {})
    assert (job.commit, job.number, job.from_fork) == ("b" * 40, 12, False)
    assert job_of({**GITLAB, **merge, "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": "a" * 40}, {}).commit == "a" * 40
    assert job_of({**GITLAB, **merge, "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"}, {}).from_fork


def test_what_gitlab_does_not_say() -> None:
    """The job's own token is not enough to talk."""
    with pytest.raises(UsageError, match="which project"):
        job_of({"GITLAB_CI": "true", "CI_PROJECT_PATH": "models"}, {})
    with pytest.raises(SignInError, match="there is no token for GitLab"):
        token({"GITLAB_CI": "true", "CI_JOB_TOKEN": "a", "GITHUB_TOKEN": "b"})
    assert token({"GITLAB_CI": "true", "GITLAB_TOKEN": "a"}) == "a"
