"""After a rollback: the branch, the pull request and the patch that take the release back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from rollout.cli import exits
from rollout.cli.publish_drift import draft_of
from rollout.cli.publishing import About, Asked, Shared, about
from rollout.cli.released import place_of, restoration
from rollout.core.fleet_members import release_of
from rollout.errors import RolloutError
from rollout.forge.change_requests import propose
from rollout.forge.git import Git, branch_name
from rollout.forge.marker import ROOM, Marker
from rollout.forge.port import Forge
from rollout.forge.sticky import Done
from rollout.render.document import Document, Fleet
from rollout.render.fleet_letters import failed_members, fleet_revert_letter, fleet_revert_message
from rollout.render.letters import Letter, Restoration, revert_letter, revert_message, rolled_back

_NOTHING: Final = "nothing to take back: no plan or fleet was rolled back"


class Back(msgspec.Struct, frozen=True, kw_only=True):
    """A commit that takes a release back, and how it is told: its branch (one for each plan, or fleet, and goal), and
    the letter, which takes the room that there is for it."""

    git: Git
    name: str
    branch: str
    commit: str
    patch: str
    letter: Callable[[int], Letter]


async def proposals(forge: Forge, wish: Asked, remote: str) -> Sequence[Done]:
    """Push the branch and open the pull request, for each plan and fleet that was rolled back."""
    done = []
    for back in _backs(wish.documents, wish.environment):
        url = remote or wish.job.clone_url
        back.git.push(back.commit, back.branch, url, wish.token, wish.job.server_url)
        letter = back.letter(forge.limits.request - ROOM)
        marker = Marker(kind="revert", plan=back.name, environment=wish.environment)
        done.append(await propose(forge, marker, draft_of(letter, forge), back.branch))
    if not done:
        click.echo(_NOTHING, err=True)
    return done


def write_patch(shared: Shared, path: Path) -> int:
    """Only the patches, one after the other, as `git am` takes them."""
    patches = [back.patch for back in _backs(about(shared.documents), shared.environment)]
    if not patches:
        click.echo(_NOTHING, err=True)
        return exits.OK
    try:
        path.write_text("".join(patches), encoding="utf-8")
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"wrote {path}")
    return exits.OK


def _backs(documents: Sequence[About], environment: str) -> list[Back]:
    found = []
    for one in documents:
        if one.fleet is not None and failed_members(one.fleet):
            found.append(_fleet_back(one.name, one.fleet, environment))
        elif one.document is not None and not one.part_of and rolled_back(one.document):
            found.append(_back(one.document, environment))
    return found


def _back(document: Document, environment: str) -> Back:
    place = place_of(Path(document.file), environment)
    found = restoration(place, document.roles.stable_revision)
    commit = _commit(place.git, found, revert_message(document, found))
    patch = place.git.patch(commit)
    return Back(
        git=place.git,
        name=document.plan,
        branch=branch_name(document.plan, document.roles.goal),
        commit=commit,
        patch=patch,
        letter=lambda room: revert_letter(document, environment, found, patch, room),
    )


def _fleet_back(name: str, fleet: Fleet, environment: str) -> Back:
    """`name`: what it is told as."""
    from rollout.cli.released_fleet import fleet_place, fleet_restoration  # only where there is one: start-up time

    place = fleet_place(Path(fleet.file), environment)
    failed = {one.name: one.promoted for one in failed_members(fleet)}
    promoted = {one.name: one.promoted for one in fleet.members if one.promoted}
    found, outcome = fleet_restoration(place, failed, promoted)
    commit = _commit(place.git, found, fleet_revert_message(fleet, found))
    patch = place.git.patch(commit)
    goal = release_of(fleet.fleet, place.goals(place.git.root)).rpartition("@")[2]
    return Back(
        git=place.git,
        name=name,
        branch=branch_name(name, goal),
        commit=commit,
        patch=patch,
        letter=lambda room: fleet_revert_letter(fleet, environment, found, outcome, patch, room),
    )


def _commit(git: Git, found: Restoration, message: str) -> str:
    return git.restored(git.commit_of("HEAD"), found.source, found.files, message)
