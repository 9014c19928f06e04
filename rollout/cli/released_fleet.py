"""How a fleet is taken back: the commit at which its members had the goals that are promoted on them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from rollout.cli.released import (
    MOST,
    below,
    candidate_files,
    fits_with,
    no_source,
    overlay_in,
    relative,
    source_of,
    undone_by,
)
from rollout.errors import RolloutError, UsageError
from rollout.forge.git import Git
from rollout.plan.fleet_files import inspect_fleet, plans_of
from rollout.plan.load import LoadedPlan
from rollout.render.fleet_letters import FleetRestoration
from rollout.render.letters import Restoration


class FleetPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet in a repository: its path from the root, and the environment whose overlays its plans have."""

    git: Git
    fleet: str
    environment: str = ""

    def members(self, root: Path) -> Mapping[str, LoadedPlan]:
        """The members as the files below `root` have them. Raises PlanError."""

        def overlay_for(plan: Path) -> Path | None:
            return overlay_in(plan, self.environment) if self.environment else None

        return inspect_fleet(root / self.fleet, overlay_for=overlay_for).loaded

    def goals(self, root: Path) -> dict[str, str]:
        """By member its goal; nothing where the files below `root` are no fleet."""
        try:
            return {name: loaded.release.goal for name, loaded in self.members(root).items()}
        except (RolloutError, OSError):
            return {}

    def files(self, root: Path) -> tuple[set[str], set[str]]:
        """What its members release, and the files that say so: the fleet's, those of its plans and their overlays."""
        own = {name for loaded in self.members(root).values() for name in candidate_files(root, loaded)}
        plans = plans_of(root / self.fleet)
        overlays = [overlay_in(plan, self.environment) for plan in plans] if self.environment else []
        return own, {self.fleet, *(relative(root, path) for path in (*plans, *overlays) if path is not None)}


def fleet_place(fleet: Path, environment: str = "") -> FleetPlace:
    """Where the fleet is. Raises UsageError outside of a repository."""
    git = Git(fleet.resolve().parent)
    return FleetPlace(git=git, fleet=relative(git.root, fleet), environment=environment)


def fleet_restoration(
    place: FleetPlace, failed: Mapping[str, str], promoted: Mapping[str, str]
) -> tuple[Restoration, FleetRestoration]:
    """How the fleet becomes again what it was when the goals of the `failed` members were what is promoted on them now,
    with as few files as possible; tried before it is told. `promoted`: by member the revision, of all that have one.

    Raises UsageError where history does not tell.
    """
    git = place.git
    own, files = place.files(git.root)
    touched = git.history(sorted({*own, *files}), MOST)

    def was(root: Path) -> bool:
        goals = place.goals(root)
        return all(goals.get(name) == revision for name, revision in failed.items())

    source = source_of(git, touched, was)
    if source is None:
        told = ", ".join(f"{name} {failed[name][:10]}" for name in sorted(failed)[:4])
        text = f"no commit of the fleet's history has what is promoted on its failed members as their goals: {told}"
        raise UsageError(text, hint=no_source(git))
    with git.checkout(source) as tree:
        then = place.goals(tree)
    for names in _sets(place, source, own, files):
        if names and fits_with(git, source, names, lambda root: place.goals(root) == then):
            undone = undone_by(git, touched, source)
            return (
                Restoration(source=source, undone=undone, files=tuple(names), revision=""),
                _outcome(then, promoted),
            )
    raise UsageError(
        f"the files of {source[:12]} do not give the fleet of that time on top of today's",
        hint="write the way back by hand",
    )


def _outcome(then: Mapping[str, str], promoted: Mapping[str, str]) -> FleetRestoration:
    """What the merge means for each member."""
    calm = tuple(name for name, goal in then.items() if promoted.get(name) == goal)
    return FleetRestoration(calm=calm, moved={name: goal for name, goal in then.items() if name not in calm})


def _sets(place: FleetPlace, source: str, own: set[str], files: set[str]) -> Iterator[list[str]]:
    """Sets of files to restore: what the members release, then what says so with it, then all that lies beside it."""
    changed = place.git.changed(source, "HEAD")
    with place.git.checkout(source) as tree:
        own_then, files_then = place.files(tree)
    wide = {*own, *own_then, *files, *files_then}
    for roots in ((own | own_then) - files - files_then, wide, {*wide, os.path.dirname(place.fleet)}):
        yield below(changed, roots)
