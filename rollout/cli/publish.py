"""`rollout publish comment|status|drift|revert`: what other commands wrote as JSON, brought to people.

A process of its own, so that the forge's token is never in the one that touches Azure.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.publish_options import shared_options
from rollout.cli.publishing import Asked, Shared, asked, told
from rollout.cli.running import run
from rollout.forge.port import Forge
from rollout.forge.sticky import Done
from rollout.forge.surroundings import Job, Kind, job_of, token


@click.group()
def publish() -> None:
    """Tell people on GitHub, Azure DevOps or GitLab how a rollout stands: comments, statuses, issues, pull requests.

    DOCUMENTS are what diff, status, apply and reconcile write with --output json=FILE, or folders of them.
    The token comes from GITHUB_TOKEN (or GH_TOKEN), in Azure Pipelines from SYSTEM_ACCESSTOKEN, in GitLab CI from
    GITLAB_TOKEN, and only from there.
    """


@publish.command()
@shared_options
@options.option("--number", type=click.IntRange(1), help="The pull request; by default the event's or the commit's.")
@options.option("--prune", is_flag=True, help="Fold our comments about plans that no document is about.")
def comment(shared: Shared, number: int | None, prune: bool) -> int:
    """Keep one comment for each plan and environment on its pull request; edited only when it says something new."""
    from rollout.cli.publish_comment import comments

    return _publish(shared, lambda forge, wish: comments(forge, wish, number, prune=prune), always=prune)


@publish.command()
@shared_options
@options.option("--commit", default="", metavar="SHA", help="The commit; by default the event's.")
@options.option("--each-stage", is_flag=True, help="A status for each stage, too.")
def status(shared: Shared, commit: str, each_stage: bool) -> int:
    """Set a commit status for each plan, `rollout/PLAN`, and with --each-stage for each of its stages."""
    from rollout.cli.publish_status import statuses

    return _publish(shared, lambda forge, wish: statuses(forge, wish, commit, each_stage=each_stage))


@publish.command()
@shared_options
def drift(shared: Shared) -> int:
    """Open one issue for each plan that drifts, keep it current, close it when it is over."""
    from rollout.cli.publish_drift import issues

    return _publish(shared, issues)


@publish.command()
@shared_options
@options.option("--patch", type=click.Path(path_type=Path), help="Write the patch to this file, and ask no forge.")
@options.option("--remote", default="", metavar="URL", help="Where to push to; by default the repository.")
def revert(shared: Shared, patch: Path | None, remote: str) -> int:
    """After a rollback: open the pull request that takes the release back, with the evidence.

    It restores the files whose revision is what is promoted: that is tried out in a work tree of its own first.
    """
    from rollout.cli.publish_revert import proposals, write_patch

    if patch is not None:
        return write_patch(shared, patch)
    return _publish(shared, lambda forge, wish: proposals(forge, wish, remote))


@publish.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.option("--repository", default="", metavar="OWNER/NAME", help="By default the job's.")
@options.option("--remote", default="", metavar="URL", help="Where to push to; by default the repository.")
def promotion(file: Path, repository: str, remote: str) -> int:
    """Open the pull request for what `rollout promote-to --output json=FILE` changed, with the evidence.

    One for each plan and content: given again, it is brought up to date; what a person closed stays closed.
    """
    from rollout.cli.publish_promotion import proposed, read_promotion

    found = read_promotion(file)
    job, secret = job_of(os.environ, {}, repository), token(os.environ)

    async def connected_work() -> Sequence[Done]:
        async with connected(job, secret) as forge:
            return await proposed(forge, found, remote or job.clone_url, secret, job.server_url)

    told(run(connected_work()))
    return exits.OK


def connected(job: Job, token: str) -> AbstractAsyncContextManager[Forge]:
    """The job's repository on its forge."""
    match job.kind:
        case Kind.GITHUB:
            from rollout.forge import github

            return github.connected(job.api_url, job.repository, token)
        case Kind.AZURE_DEVOPS:
            from rollout.forge import azure_devops

            return azure_devops.connected(job.api_url, job.repository, token)
        case Kind.GITLAB:
            from rollout.forge import gitlab

            return gitlab.connected(job.api_url, job.repository, token)


def _publish(shared: Shared, work: Callable[[Forge, Asked], Awaitable[Sequence[Done]]], *, always: bool = False) -> int:
    """Sign in, do it, and say what was done. `always`: there is something to do also without any document."""
    wish = asked(shared)
    if not wish.documents and not always:
        click.echo("nothing to publish: no document is about a plan", err=True)
        return exits.OK
    if wish.job.from_fork and not shared.repository:
        click.echo("not published: a pull request from a fork has no permission to write here", err=True)
        return exits.OK

    async def connected_work() -> Sequence[Done]:
        async with connected(wish.job, wish.token) as forge:
            return await work(forge, wish)

    told(run(connected_work()))
    return exits.OK
