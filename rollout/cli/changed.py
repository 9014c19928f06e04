"""Which plans and fleets a commit changed: those that mean something else than before, whatever files that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from rollout.core.fleet import FleetPlan
from rollout.core.release import Release
from rollout.errors import PlanError, RolloutError
from rollout.forge.git import Git
from rollout.plan.layered import overlay_for
from rollout.plan.load import Target, find_fleets, find_plans, is_fleet, load_release

Meaning = Mapping[str, FleetPlan | tuple[Release, Target | None]]
"""Of a plan itself under "", of a fleet its members, too."""


def changed(plans: Sequence[Path], since: str, environment: str = "") -> list[Path]:
    """Those among `plans` that are new or different since that commit, or invalid now.

    A commit that is not there (a first push, a rewritten branch) changed them all.
    """
    git = Git(plans[0].resolve().parent if plans else Path.cwd())
    try:
        before = git.commit_of(since)
    except RolloutError:
        return list(plans)
    with git.checkout(before) as tree:
        return [plan for plan in plans if _differs(git.root, tree, plan.resolve(), environment)]


def gone(paths: Sequence[Path], since: str) -> list[Path]:
    """The plans and fleets below `paths` that were there at that commit and are gone; none for an unknown commit."""
    git = Git(Path.cwd())
    try:
        before = git.commit_of(since)
    except RolloutError:
        return []
    with git.checkout(before) as tree:
        # From the same folder of that tree, so that the names are those that people would type here.
        inner = tree / Path.cwd().relative_to(git.root.resolve())
        there = [inner / path for path in paths if not path.is_absolute() and (inner / path).exists()]
        found = dict.fromkeys((*find_plans(there), *find_fleets(there)))
        names = [plan.relative_to(inner) for plan in found]
    return [name for name in names if not name.exists()]


def _differs(root: Path, tree: Path, plan: Path, environment: str) -> bool:
    now = _meaning(plan, environment)
    return now is None or now != _meaning(tree / plan.relative_to(root.resolve()), environment)


def _meaning(path: Path, environment: str) -> Meaning | None:
    """What the plan, or fleet, asks for; None where it is not valid, or not there."""
    try:
        if not is_fleet(path):
            loaded = load_release(path, overlay=overlay_for(path, environment))
            return {"": (_placeless(loaded.release), loaded.target)}
        from rollout.plan.fleet_files import inspect_fleet  # only where there is one: start-up time

        found = inspect_fleet(path, overlay_for=lambda plan: overlay_for(plan, environment))
        members = {name: (_placeless(one.release), one.target) for name, one in found.loaded.items()}
        return {"": found.plan, **members}
    except (PlanError, RolloutError, OSError):
        return None


def _placeless(release: Release) -> Release:
    """Without where its files happen to lie."""
    policy = release.policy.bare if release.policy is not None else None
    return msgspec.structs.replace(
        release, candidate=msgspec.structs.replace(release.candidate, origin=""), policy=policy
    )
