"""Which commit released what: found in Git, by loading the plan as it was and comparing revisions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from rollout.errors import PlanError, RolloutError, UsageError
from rollout.forge.git import Git
from rollout.plan.layered import overlay_of
from rollout.plan.load import LoadedPlan, load_release
from rollout.render.letters import Restoration

MOST: Final = 50
"""Commits that are looked at, back from the newest one that touched the plan's files."""
_LOCAL: Final = (
    ("model", "path"),
    ("code_configuration", "code"),
    ("environment", "conda_file"),
    ("environment", "build", "path"),
)
"""Where an `az ml` deployment names local files."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A plan in a repository: its path from the root, and from there the overlay's ("" without one)."""

    git: Git
    plan: str
    overlay: str = ""


def place_of(plan: Path, environment: str = "") -> Place:
    """Where the plan is, and its environment's overlay, if it has one. Raises UsageError outside of a repository."""
    git = Git(plan.resolve().parent)
    overlay = overlay_in(plan, environment) if environment else None
    return Place(git=git, plan=relative(git.root, plan), overlay=relative(git.root, overlay) if overlay else "")


def overlay_in(plan: Path, environment: str) -> Path | None:
    """The overlay of that environment for the plan; None: it has none."""
    try:
        return overlay_of(plan, environment)
    except PlanError:
        return None  # an environment of the forge alone


def release_commit(place: Place) -> str:
    """The newest commit that touched what the plan releases; "" where none is known."""
    found = place.git.history(candidate_files(place.git.root, _load(place, place.git.root)), 1)
    return found[0] if found else ""


def fleet_commit(path: Path, environment: str = "") -> str:
    """The same for a fleet: the newest commit that touched its file, or what one of its members releases."""
    from rollout.plan.fleet_files import inspect_fleet  # only where there is one: start-up time

    git = Git(path.resolve().parent)
    found = inspect_fleet(path, overlay_for=lambda plan: overlay_in(plan, environment) if environment else None)
    files = {name for loaded in found.loaded.values() for name in candidate_files(git.root, loaded)}
    commits = git.history(sorted({relative(git.root, path), *files}), 1)
    return commits[0] if commits else ""


def restoration(place: Place, revision: str) -> Restoration:
    """How the plan's goal becomes `revision` again, with as few files as possible; each way is tried before it is told.

    Raises UsageError where history does not tell.
    """
    loaded = _load(place, place.git.root)
    touched = place.git.history(_plan_files(place, place.git.root, loaded), MOST)
    source = source_of(place.git, touched, lambda root: _goal(place, root) == revision)
    if source is None:
        text = f"no commit of the plan's history has the promoted revision {revision[:10]} as its goal"
        raise UsageError(text, hint=no_source(place.git))
    for files in _sets(place, source, loaded):
        if files and fits_with(place.git, source, files, lambda root: _goal(place, root) == revision):
            undone = undone_by(place.git, touched, source)
            return Restoration(source=source, undone=undone, files=tuple(files), revision=revision)
    raise UsageError(
        f"the files of {source[:12]} do not give the revision {revision[:10]} on top of today's",
        hint="write the way back by hand",
    )


def source_of(git: Git, touched: Sequence[str], fits: Callable[[Path], bool]) -> str | None:
    """The newest commit that fits: of those that touched the files, and what was before the oldest."""
    before = git.parent(touched[-1]) if touched else ""
    with git.checkout("HEAD") as tree:
        for commit in [*touched, *([before] if before else [])]:
            git.run("-C", str(tree), "checkout", "--quiet", "--detach", "--force", commit)
            if fits(tree):
                return commit
    return None


def no_source(git: Git) -> str:
    """What to do where history tells of no such commit."""
    return "check out more of it: `fetch-depth: 0`" if git.shallow else "write the way back by hand"


def undone_by(git: Git, touched: Sequence[str], source: str) -> tuple[tuple[str, str], ...]:
    """The commits that a restoration from `source` undoes, with their subjects, newest first."""
    undone = touched[: touched.index(source)] if source in touched else touched
    return tuple((commit, git.subject(commit)) for commit in undone)


def fits_with(git: Git, source: str, files: Sequence[str], fits: Callable[[Path], bool]) -> bool:
    """Whether today's commit, with these files as they were, fits."""
    made = git.restored(git.commit_of("HEAD"), source, files, "try")
    with git.checkout(made) as tree:
        return fits(tree)


def _goal(place: Place, root: Path) -> str | None:
    try:
        return _load(place, root).release.goal
    except (PlanError, RolloutError, OSError):
        return None


def _load(place: Place, root: Path) -> LoadedPlan:
    return load_release(root / place.plan, overlay=root / place.overlay if place.overlay else None)


def _sets(place: Place, source: str, now: LoadedPlan) -> Iterator[list[str]]:
    """Sets of files to restore: the candidate's own, then the plan's with them, then all that changed beside it."""
    git = place.git
    changed = git.changed(source, "HEAD")
    with git.checkout(source) as tree:
        then = _load(place, tree)
        own = {*candidate_files(git.root, now), *candidate_files(tree, then)}
    wide = {*own, place.plan, *([place.overlay] if place.overlay else [])}
    beside = os.path.dirname(place.plan)
    for roots in (own - {place.plan}, wide, {*wide, beside}):
        yield below(changed, roots)


def below(names: Sequence[str], roots: Collection[str]) -> list[str]:
    """Those of the files that are, or lie in, one of these."""
    return [name for name in names if any(_below(name, root) for root in roots)]


def _below(name: str, root: str) -> bool:
    return root in ("", ".") or name == root or name.startswith(f"{root}/")


def _plan_files(place: Place, root: Path, loaded: LoadedPlan) -> list[str]:
    """All files that can change the goal: the candidate's, the plan's and its overlay's."""
    return [*candidate_files(root, loaded), place.plan, *([place.overlay] if place.overlay else [])]


def candidate_files(root: Path, loaded: LoadedPlan) -> list[str]:
    """The candidate's file and the local files and folders that it names, from the root of the repository."""
    spec = loaded.release.candidate
    origin = Path(spec.origin) if spec.origin else loaded.path
    folder = origin.parent
    found = [origin, *(folder / name for name in _local(json.loads(spec.document)))]
    return sorted({name for path in found if not (name := relative(root, path)).startswith("../")})


def _local(document: Any) -> Iterator[str]:
    for keys in _LOCAL:
        found = document
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, str) and ":" not in found:
            yield found


def relative(root: Path, path: Path) -> str:
    """From the root, with `/`; what lies outside begins with `../`, and is in no commit."""
    return Path(os.path.relpath(path.resolve(), root.resolve())).as_posix()
