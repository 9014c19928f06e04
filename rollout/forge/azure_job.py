"""What a job of Azure Pipelines says about itself.

https://learn.microsoft.com/azure/devops/pipelines/build/variables
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from rollout.errors import UsageError
from rollout.forge.surroundings import Job, Kind, name_of


def azure_job(environment: Mapping[str, str], repository: str = "") -> Job:
    """From the environment. Raises UsageError without an organisation or a repository (`PROJECT/REPOSITORY`)."""
    collection = environment.get("SYSTEM_COLLECTIONURI", "").rstrip("/")
    if not collection:
        raise UsageError("which organisation? SYSTEM_COLLECTIONURI does not say it", hint="it is set in every job")
    project = environment.get("SYSTEM_TEAMPROJECT", "")
    known = f"{project}/{environment.get('BUILD_REPOSITORY_NAME', '')}"
    name = name_of(repository, known, "BUILD_REPOSITORY_NAME", "PROJECT/REPOSITORY")
    owner, _, short = name.partition("/")
    number, build = environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID", ""), environment.get("BUILD_BUILDID", "")
    head = environment.get("SYSTEM_PULLREQUEST_SOURCECOMMITID", "")
    return Job(
        kind=Kind.AZURE_DEVOPS,
        repository=name,
        api_url=collection,
        server_url=collection,
        clone_url=f"{collection}/{quote(owner)}/_git/{quote(short)}",
        commit=head or environment.get("BUILD_SOURCEVERSION", ""),
        number=int(number) if number.isdigit() else None,
        run_url=f"{collection}/{quote(project)}/_build/results?buildId={build}" if build else "",
        from_fork=environment.get("SYSTEM_PULLREQUEST_ISFORK", "").lower() == "true",
    )
