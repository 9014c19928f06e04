"""Which rollouts may be carried on by a schedule: those that somebody has begun, and those that have nothing to begin.

A merge can wait for its reviewers for days; the schedule must not begin in the meantime what they have not approved.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rollout.cli.running import run
from rollout.cli.session import opened, place_of
from rollout.core.decide import decide
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import Observation
from rollout.core.progress import Damaged, from_tags
from rollout.errors import RolloutError
from rollout.plan.layered import overlay_of
from rollout.plan.load import load_release

_AT_ONCE: Final = 8
_RELEASES: Final = (Phase.FIRST_RELEASE, Phase.RELEASING, Phase.REVERTING)


def split(plans: Sequence[Path], target: str | None, environment: str) -> tuple[list[Path], list[Path]]:
    """Those to carry on, and those whose release nobody has begun. What cannot be looked at fails when carried on."""
    fresh = run(_all(plans, target, environment))
    return [plan for plan in plans if plan not in fresh], [plan for plan in plans if plan in fresh]


async def _all(plans: Sequence[Path], target: str | None, environment: str) -> set[Path]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(plan: Path) -> Path | None:
        async with turns:
            try:
                return plan if await _is_fresh(plan, target, environment) else None
            except RolloutError:
                return None

    return {plan for plan in await asyncio.gather(*map(one, plans)) if plan is not None}


async def _is_fresh(plan: Path, target: str | None, environment: str) -> bool:
    loaded = load_release(plan, overlay=overlay_of(plan, environment) if environment else None)
    async with opened(place_of(loaded, target)) as session:
        seen = await session.plane.observe(loaded.release.endpoint.name)
    return would_begin(decide(loaded.release, seen, {}, frozenset()), seen, loaded.release.goal)


def would_begin(decision: Decision, seen: Observation, goal: str) -> bool:
    """Whether the next pass would begin a release of that goal, or of an endpoint. Pure."""
    if decision.status not in (Status.ACT, Status.WAIT) or decision.phase not in _RELEASES:
        return False
    record = from_tags(seen.endpoint.tags) if seen.endpoint else None
    if record is None or isinstance(record, Damaged):
        return True
    under_way = record.under_way
    return under_way is None or under_way.goal != goal
