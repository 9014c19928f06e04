"""Which rollouts may be carried on by a schedule: those that somebody has begun, and those that have nothing to begin.

A merge can wait for its reviewers for days; the schedule must not begin in the meantime what they have not approved.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rollout.cli.running import run
from rollout.cli.session import Doors, doors, place_of
from rollout.cli.sourcing import with_sources
from rollout.core.decide import decide
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import Observation
from rollout.core.progress import Damaged, from_tags
from rollout.errors import RolloutError
from rollout.plan.layered import overlay_for
from rollout.plan.load import load_release

if TYPE_CHECKING:  # only where there is a fleet
    from rollout.cli.fleet_desk import Sight

NOT_BEGUN: Final = "not begun; only apply begins it, when it is approved"
UNSEEN: Final = "cannot be looked at"
_AT_ONCE: Final = 8
_MOST_TOLD: Final = 4
_RELEASES: Final = (Phase.FIRST_RELEASE, Phase.RELEASING, Phase.REVERTING)


def held_back(plans: Sequence[Path], target: str | None, environment: str) -> dict[Path, str]:
    """Those not to be carried on, with the reason. What cannot be looked at is not among them: it fails later."""
    return run(_all(plans, target, environment))


async def _all(plans: Sequence[Path], target: str | None, environment: str) -> dict[Path, str]:
    turns = asyncio.Semaphore(_AT_ONCE)

    async with doors() as shared:

        async def one(plan: Path) -> tuple[Path, str]:
            async with turns:
                try:
                    return plan, await reason(plan, target, environment, shared)
                except RolloutError:
                    return plan, ""

        found = await asyncio.gather(*map(one, plans))
    return {plan: reason for plan, reason in found if reason}


def fleets_held_back(fleets: Sequence[Path], target: str | None, environment: str) -> dict[Path, str]:
    """The same for fleets: somebody must have begun this very release. What cannot be looked at fails later."""
    return run(_fleets(fleets, target, environment))


async def _fleets(fleets: Sequence[Path], target: str | None, environment: str) -> dict[Path, str]:
    from rollout.cli import fleet_desk

    held: dict[Path, str] = {}
    async with doors(bulk=True) as shared:
        for path in fleets:
            with contextlib.suppress(RolloutError):
                fleet = fleet_desk.read(path, target, lambda plan: overlay_for(plan, environment))
                async with fleet_desk.desk(fleet, frozenset(), shared) as desk:
                    sights = await desk.look(fleet.members)
                    if not desk.may_go_on(sights):
                        held[path] = _with_unseen(sights)
    return held


def _with_unseen(sights: Mapping[str, Sight]) -> str:
    """Why a fleet is not begun, and which of its members nobody could look at: they may be waiting, too."""
    unseen = [f"{name} {UNSEEN}: {sight.member.reason}" for name, sight in sights.items() if sight.seen is None]
    return "; ".join([NOT_BEGUN, *unseen[:_MOST_TOLD]])


async def reason(plan: Path, target: str | None, environment: str, doors: Doors) -> str:
    """Why a schedule must not carry that plan on; "" where it may. Raises RolloutError where it cannot be looked at."""
    loaded = load_release(plan, overlay=overlay_for(plan, environment))
    session = await doors.session(place_of(loaded, target))
    seen = await session.plane.observe(loaded.release.endpoint.name)
    loaded = await with_sources(session, loaded, seen)
    return would_begin(decide(loaded.release, seen, {}, frozenset()), seen, loaded.release.goal)


def would_begin(decision: Decision, seen: Observation, goal: str) -> str:
    """Why the next pass must not go on: it would begin a release, or has no endpoint. "" where it may. Pure."""
    if seen.endpoint is None:
        return "its endpoint does not exist; only apply creates one"
    if decision.status not in (Status.ACT, Status.WAIT) or decision.phase not in _RELEASES:
        return ""
    record = from_tags(seen.endpoint.tags)
    under_way = None if record is None or isinstance(record, Damaged) else record.under_way
    return "" if under_way is not None and under_way.goal == goal else NOT_BEGUN
