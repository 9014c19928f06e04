"""The pull request that hands a candidate on to the next environment: one for each plan and content."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from rollout.cli.promoting import Promotion, markdown
from rollout.errors import UsageError
from rollout.forge.change_requests import propose
from rollout.forge.git import Git, branch_name
from rollout.forge.marker import Marker
from rollout.forge.port import Draft, Forge
from rollout.forge.sticky import Done
from rollout.render import harmless


def read_promotion(file: Path) -> Promotion:
    """What `rollout promote-to --output json=FILE` wrote. Raises UsageError where it is something else."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Promotion)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "rollout promote-to NEXT --from PLAN --output json=FILE"
        raise UsageError(f"{file} is no promotion: {error}", hint=hint) from error


class _Change(msgspec.Struct, frozen=True):
    """A file as it shall be: its path from the root of its repository."""

    git: Git
    name: str
    content: bytes


async def proposed(forge: Forge, found: Promotion, remote: str, token: str, server: str) -> Sequence[Done]:
    """Push the branch and open the pull request, or bring it up to date; nothing where HEAD has that content."""
    change = _change(found)
    git, head = change.git, change.git.commit_of("HEAD")
    title = harmless.line(f"{found.plan}: what is promoted by {found.evidence.plan}", forge.limits.title)
    commit = git.written(head, change.name, change.content, f"{title}\n\ngoal {found.evidence.goal}\n")
    if not git.changed(head, commit):
        click.echo(f"nothing to promote: {change.name} has it already", err=True)
        return ()
    branch = branch_name(found.plan, hashlib.sha256(change.content).hexdigest(), "promote")
    git.push(commit, branch, remote, token, server)
    marker = Marker(kind="promotion", plan=found.plan)
    return [await propose(forge, marker, Draft(title=title, body=markdown(found)), branch)]


def _change(found: Promotion) -> _Change:
    path = Path(found.file).resolve()
    git = Git(path.parent)
    return _Change(git, Path(os.path.relpath(path, git.root.resolve())).as_posix(), path.read_bytes())
