"""Holding an endpoint's lock while a job works on it, and `rollout unlock`."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.carry_out import asked
from rollout.cli.context import actor
from rollout.cli.running import run
from rollout.cli.session import Session, opened
from rollout.core.actions import Action
from rollout.core.observed import Endpoint, Observation
from rollout.ports import ControlPlane, Lock, RequestCount


class Fenced:
    """A control plane that writes only while the lock is held; reading needs none."""

    def __init__(self, plane: ControlPlane, lock: Lock) -> None:
        self._plane = plane
        self._lock = lock

    @property
    def requests(self) -> RequestCount:
        """See `ControlPlane`."""
        return self._plane.requests

    async def observe(self, endpoint: str) -> Observation:
        """See `ControlPlane`."""
        return await self._plane.observe(endpoint)

    async def apply(self, action: Action, before: Endpoint | None) -> None:
        """See `ControlPlane`. Raises Locked when the lock has been lost."""
        self._lock.check()
        await self._plane.apply(action, before)

    async def settle(self, endpoint: Endpoint) -> None:
        """See `ControlPlane`."""
        await self._plane.settle(endpoint)

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """See `ControlPlane`."""
        return await self._plane.logs(endpoint, deployment, lines)


@asynccontextmanager
async def locked(session: Session, endpoint: str) -> AsyncIterator[Session]:
    """The session, fenced by the endpoint's lock where --lock wishes for one. Raises Locked (exit 8)."""
    wait = options.lock_wish()
    if wait is None:
        yield session
        return
    async with session.lock(endpoint, actor(os.environ.get("ROLLOUT_WHO"))) as lock, lock.held(wait):
        yield msgspec.structs.replace(session, plane=Fenced(session.plane, lock))


@click.command()
@options.plan_argument(required=False)
@options.endpoint_id
@options.target
@options.option("--id", "lock_id", required=True, metavar="ID", help="The lock's id, as the refused command told it.")
def unlock(plan: Path | None, endpoint: str | None, target: str | None, lock_id: str) -> int:
    """Take the lock of an endpoint away from a holder that is gone. It would end by itself within a minute."""
    wish = asked(plan, endpoint, target, None, "")

    async def end() -> int:
        async with opened(wish.place) as session, session.lock(wish.endpoint, wish.who) as lock:
            click.echo(f"{wish.endpoint}: the lock was {await lock.end(lock_id)}")
        return exits.OK

    return run(end())
