"""After a rollback: the branch, the pull request and the patch that take the release back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from rollout.cli import exits
from rollout.cli.publish_drift import draft_of
from rollout.cli.publishing import About, Asked, Shared, about
from rollout.cli.released import place_of, restoration
from rollout.errors import RolloutError
from rollout.forge.change_requests import propose
from rollout.forge.git import Git, branch_name
from rollout.forge.marker import ROOM, Marker
from rollout.forge.port import Forge
from rollout.forge.sticky import Done
from rollout.render.document import Document
from rollout.render.letters import Restoration, revert_letter, revert_message, rolled_back


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that takes a release back, and what it is made of."""

    git: Git
    document: Document
    restoration: Restoration
    commit: str
    patch: str

    @property
    def branch(self) -> str:
        """Its branch: one for each plan and goal."""
        return branch_name(self.document.plan, self.document.roles.goal)


async def proposals(forge: Forge, wish: Asked, remote: str) -> Sequence[Done]:
    """Push the branch and open the pull request, for each plan that was rolled back."""
    done = []
    for back in _backs(wish.documents, wish.environment):
        url = remote or wish.job.clone_url
        back.git.push(back.commit, back.branch, url, wish.token, wish.job.server_url)
        room = forge.limits.request - ROOM
        letter = revert_letter(back.document, wish.environment, back.restoration, back.patch, room)
        marker = Marker(kind="revert", plan=back.document.plan, environment=wish.environment)
        done.append(await propose(forge, marker, draft_of(letter, forge), back.branch))
    if not done:
        click.echo("nothing to take back: no plan was rolled back", err=True)
    return done


def write_patch(shared: Shared, path: Path) -> int:
    """Only the patches, one after the other, as `git am` takes them."""
    patches = [back.patch for back in _backs(about(shared.documents), shared.environment)]
    if not patches:
        click.echo("nothing to take back: no plan was rolled back", err=True)
        return exits.OK
    try:
        path.write_text("".join(patches), encoding="utf-8")
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"wrote {path}")
    return exits.OK


def _backs(documents: Sequence[About], environment: str) -> list[Back]:
    found = [
        one.document for one in documents if one.document is not None and not one.part_of and rolled_back(one.document)
    ]
    return [_back(document, environment) for document in found]


def _back(document: Document, environment: str) -> Back:
    place = place_of(Path(document.file), environment)
    found = restoration(place, document.roles.stable_revision)
    head = place.git.commit_of("HEAD")
    commit = place.git.restored(head, found.source, found.files, revert_message(document, found))
    return Back(git=place.git, document=document, restoration=found, commit=commit, patch=place.git.patch(commit))
