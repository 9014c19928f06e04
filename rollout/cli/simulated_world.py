"""The world of a simulation: an emulator in this process whose time leaps, and the runner's clock in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rollout.azure.address import Target
from rollout.cli.place import Place
from rollout.core.decision import Decision
from rollout.core.observed import Observation
from rollout.core.release import Gate
from rollout.core.verdict import Outcome, Verdict
from rollout.emulator import doors
from rollout.runner import Event, Looked, Measure, Measured, Waiting

if TYPE_CHECKING:  # `--help` pays for what is imported here
    from rollout.emulator.server import EmulatorServer

BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""Any day: the same simulation always sees the same time."""
LONG: Final = 3600.0
"""Seconds of waiting that no gate looks at, from which on traffic is not made up."""
MOST_REQUESTS: Final = 1_000_000
"""How many requests the simulation's traffic log holds."""


class World:
    """A running emulator. Time stands still but for leaps."""

    def __init__(self, server: EmulatorServer) -> None:
        self._server = server
        self._traffic: dict[str, Any] | None = None

    @property
    def place(self) -> Place:
        """Where the runner finds it."""
        known = self._server.service.identity
        target = Target(
            subscription_id=known.subscription_id,
            resource_group=known.resource_group,
            workspace=known.workspace,
            arm_url=self._server.url,
            ca_bundle=str(self._server.state_dir / "ca.pem"),
            environment={**os.environ, **self._server.environment(), "ROLLOUT_CREDENTIAL": "client_secret"},
        )
        return Place(target, 1.0, "a simulation")

    @property
    def log_workspace(self) -> str:
        """The id of the Log Analytics workspace that has the traffic log."""
        return self._server.service.log_workspace_id

    async def advance(self, seconds: float, *, unwatched: bool = False) -> None:
        """Let that much time pass at once; `unwatched`: nobody will ask for its requests, so none are made up."""
        if quiet := unwatched and seconds > LONG and self._traffic is not None:
            await self._use("DELETE", "traffic")
        await self._use("POST", "clock", {"advance": seconds})
        if quiet:
            await self._use("POST", "traffic", self._traffic)

    async def traffic(self, wish: dict[str, Any]) -> None:
        """Make up traffic from the next minute on."""
        self._traffic = wish
        await self._use("POST", "traffic", wish)

    async def _use(self, method: str, door: str, body: dict[str, Any] | None = None) -> None:
        bundle = self._server.state_dir / "ca.pem"
        await asyncio.to_thread(doors.use, self._server.url, bundle, method, door, body)


@contextmanager
def world(*, scoring: bool) -> Iterator[World]:
    """An emulator of its own; with `scoring` the plan's scripts are run for real. Stopped at the end."""
    from rollout.emulator.server import EmulatorServer, no_backend, processes
    from rollout.emulator.service import Options

    folder = Path(tempfile.mkdtemp(prefix="rollout-simulation-"))
    options = Options(throttle=False, stands_at=BEGUN, assumes_assets=not scoring, kept_requests=MOST_REQUESTS)
    backend = processes(folder) if scoring else no_backend
    try:
        with EmulatorServer(folder, options, backend) as server:
            yield World(server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class LeapingClock:
    """The runner's clock: waiting is a leap. Looks are `every` seconds apart while something is measured; else it goes
    to the moment that is waited for. Listens to the runner, to know which."""

    def __init__(self, world: World, every: float) -> None:
        self._world = world
        self._every = every
        self._measured = self._waiting = False
        self._left: float | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        match event:
            case Measured():
                self._measured = True
            case Looked(observation=seen, decision=decision):
                until = decision.next_after
                self._left = (until - seen.now).total_seconds() if until else None
            case Waiting():
                self._waiting = True
            case _:
                pass

    async def sleep(self, seconds: float) -> None:
        """Leap: between two looks further than the runner asks, but not beyond what is waited for."""
        unwatched = self._waiting and not self._measured
        if self._waiting:
            left = self._every if self._left is None else self._left
            seconds = max(seconds, min(left, self._every) if self._measured else left)
        self._measured = self._waiting = False
        await self._world.advance(seconds, unwatched=unwatched)


class Assuming:
    """Measures what can be measured here; what cannot is assumed to pass. Implements `runner.Measure`."""

    def __init__(self, measure: Measure, assumed: dict[str, str]) -> None:
        self._measure = measure
        self._assumed = assumed

    async def __call__(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        """The verdict."""
        if (reason := self._assumed.get(gate.digest)) is not None:
            return Verdict(outcome=Outcome.PASS, reason=f"assumed: {reason}")
        return await self._measure(gate, observation, decision)
