"""Which plans a commit changed: those that mean something else than before, whatever files that took."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from rollout.core.release import Release
from rollout.errors import PlanError, RolloutError
from rollout.forge.git import Git
from rollout.plan.layered import overlay_of
from rollout.plan.load import find_plans, load_release


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
    """The plans below `paths` that were there at that commit and are not any more; none for an unknown commit."""
    git = Git(Path.cwd())
    try:
        before = git.commit_of(since)
    except RolloutError:
        return []
    with git.checkout(before) as tree:
        # From the same folder of that tree, so that the names are those that people would type here.
        inner = tree / Path.cwd().relative_to(git.root.resolve())
        there = [inner / path for path in paths if not path.is_absolute() and (inner / path).exists()]
        names = [plan.relative_to(inner) for plan in find_plans(there)]
    return [name for name in names if not name.exists()]


def _differs(root: Path, tree: Path, plan: Path, environment: str) -> bool:
    now = _meaning(plan, environment)
    return now is None or now != _meaning(tree / plan.relative_to(root.resolve()), environment)


def _meaning(plan: Path, environment: str) -> Release | None:
    """What the plan asks for, without where its files happen to lie; None where it is not valid, or not there."""
    try:
        overlay = overlay_of(plan, environment) if environment else None
        release = load_release(plan, overlay=overlay).release
    except (PlanError, RolloutError, OSError):
        return None
    policy = release.policy.bare if release.policy is not None else None
    return msgspec.structs.replace(
        release, candidate=msgspec.structs.replace(release.candidate, origin=""), policy=policy
    )
