"""The environments of `rollout.yaml` as the commands need them: plan, overlay, and what must be shown there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from rollout.plan.repository import Repository


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with its overlay; for how many seconds its goal must be promoted there before it goes on, and the kinds of
    gate that it must have passed."""

    plan: Path
    overlay: Path | None = None
    baked: float = 0.0
    gates: tuple[str, ...] = ()


def environments(repository: Repository) -> Mapping[str, Environment]:
    """By name, in the order in which a goal goes through them; paths as people would write them from here."""
    home = repository.file.parent if repository.file else Path()
    return {
        one.name: Environment(
            plan=_near(home / one.plan),
            overlay=_near(home / one.overlay) if one.overlay else None,
            baked=one.require.baked,
            gates=one.require.gates,
        )
        for one in repository.environments
    }


def _near(path: Path) -> Path:
    return Path(os.path.relpath(path))
