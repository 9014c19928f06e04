"""Carry a person's command out: look, work out its actions, do them, each on a fresh look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from rollout.cli import exits
from rollout.cli.context import actor
from rollout.cli.place import Place
from rollout.cli.printing import say
from rollout.cli.recording import commanded
from rollout.cli.session import Session, load, opened, place_of
from rollout.cli.targets import resolve_endpoint
from rollout.core.actions import Action
from rollout.core.commands import Actions
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import Retryable, Stale, UsageError
from rollout.render import words

ATTEMPTS: Final = 6
"""How often a command is begun again because somebody else wrote, or the service was busy."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """On which endpoint, by which plan (None: only the tags), by whom and why."""

    release: Release | None
    endpoint: str
    place: Place
    who: str
    why: str


def asked(plan: Path | None, endpoint: str | None, target: str | None, who: str | None, why: str) -> Asked:
    """From the command line. Raises UsageError unless exactly one of plan and endpoint is given."""
    if (plan is None) == (endpoint is None):
        raise UsageError("say what it is about: a plan's path, or --endpoint ID")
    if plan is not None:
        loaded = load(plan)
        name, place = loaded.release.endpoint.name, place_of(loaded, target)
        return Asked(release=loaded.release, endpoint=name, place=place, who=actor(who), why=why)
    assert endpoint is not None, "checked above"
    place, name = resolve_endpoint(endpoint, target)
    return Asked(release=None, endpoint=name, place=place, who=actor(who), why=why)


async def carry_out(wish: Asked, command: Callable[[Observation], Actions], tell: Callable[[str], None] = say) -> int:
    """Do it; tells (on stdout) what was done. Begins again where somebody else wrote in between."""
    async with opened(wish.place) as session:
        for attempt in range(ATTEMPTS):
            try:
                await _once(session, wish, command, tell)
                break
            except (Stale, Retryable) as error:
                if attempt == ATTEMPTS - 1:
                    raise
                say(f"{error}; once more", err=True)
                after = error.after if isinstance(error, Retryable) else None
                await asyncio.sleep(min(30.0, 2.0**attempt) if after is None else after)
    return exits.OK


async def _once(
    session: Session, wish: Asked, command: Callable[[Observation], Actions], tell: Callable[[str], None]
) -> None:
    endpoint = wish.endpoint
    seen = await session.settled(endpoint)
    actions = command(seen)
    for index, action in enumerate(actions):
        if index:
            seen = await session.settled(endpoint)
        with commanded(wish, action, seen, session.endpoint_id(endpoint)):
            await session.plane.apply(action, seen.endpoint)
        tell(told(action, endpoint))


def told(action: Action, endpoint: str) -> str:
    """What an action does, and why."""
    return f"{words.target_of(action) or endpoint}: {words.action_text(action)} ({action.reason})"
