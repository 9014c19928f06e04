"""An open door to one workspace, and the clock that goes with it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from rollout.cli import options
from rollout.cli.approving import TOOL, Guarding
from rollout.cli.context import actor, commit, run_url
from rollout.cli.place import Place
from rollout.cli.recording import recording
from rollout.cli.room import prover
from rollout.cli.switches import switched
from rollout.cli.targets import resolve
from rollout.core.approval import Approved, approved
from rollout.core.change_set import LIFETIME, change_set
from rollout.core.decision import Decision
from rollout.core.governing import BROKEN_GLASS
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.core.stamp import ACTOR
from rollout.gates.measurer import Measurer
from rollout.plan.load import LoadedPlan, load_release
from rollout.ports import (
    ActivityLog,
    Census,
    ControlPlane,
    Lock,
    MetricSources,
    Notebook,
    Quota,
    Recordings,
    Scoring,
    Telemetry,
)
from rollout.render.report import Report
from rollout.runner import Listener, Runner

if TYPE_CHECKING:  # only who opens a workspace pays for it
    from rollout.azure.allowance import Reserve
    from rollout.azure.target import Shared

CREATES: Final = "creates-endpoint"
LEAST_PAUSE: Final = 0.02
"""Real seconds: however fast the emulator's time passes, waiting is not a busy loop."""


class ServiceClock:
    """Waits in the service's time, which passes `speed` times as fast as ours (1 for the real one)."""

    def __init__(self, speed: float) -> None:
        self._speed = speed

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds of the service's time."""
        await asyncio.sleep(max(seconds / self._speed, LEAST_PAUSE))


class Session(msgspec.Struct, frozen=True):
    """What a command needs of one workspace."""

    plane: ControlPlane
    census: Census
    activity: ActivityLog
    quota: Quota
    scoring: Scoring
    clock: ServiceClock
    place: Place
    sources: MetricSources
    lock: Callable[[str, str], AbstractAsyncContextManager[Lock]]
    telemetry: Telemetry
    recordings: Recordings
    notebook: Callable[[str], AbstractAsyncContextManager[Notebook]]

    def runner(
        self,
        release: Release,
        allowed: frozenset[str],
        listener: Listener,
        given: Approved | None = None,
        *,
        plan: Path | None = None,
    ) -> Runner:
        """The loop for one release here; with `given` it does nothing but what was approved, and with `plan` nothing
        any more once that plan's repository says that the line is stopped."""
        return Runner(
            release,
            self.plane,
            Measurer(self.scoring, self.plane, self.clock, self.sources, self.recordings),
            self.clock,
            allowed=allowed,
            listener=recording(listener, release, allowed, self.endpoint_id(release.endpoint.name)),
            prove=prover(release, self.quota, allowed),
            guard=Guarding(release, allowed, given, plan),
        )

    def endpoint_id(self, name: str) -> str:
        """The ARM id of an endpoint here."""
        return self.place.target.paths.endpoint(name)

    async def settled(self, endpoint: str) -> Observation:
        """A look at a moment when the service is not working on the endpoint."""
        seen = await self.plane.observe(endpoint)
        while seen.endpoint is not None and seen.endpoint.in_flight:
            await self.plane.settle(seen.endpoint)
            seen = await self.plane.observe(endpoint)
        return seen


class Doors:
    """Doors to any number of workspaces through one set of connections; each session counts its own requests.

    With `bulk`, requests keep below the service's limits, and reads are the cheapest that there are.
    """

    def __init__(self, shared: Shared, *, bulk: bool) -> None:
        self._shared = shared
        self._bulk = bulk
        self._common: dict[str, Session] = {}

    async def session(self, place: Place) -> Session:
        """A door to that workspace; no request is made before the first use."""
        from rollout.azure.telemetry import AzureTelemetry
        from rollout.cli.sources import Sources

        speed = place.speed if self._bulk else None
        connection = await self._shared.connection(place.target, autoscale=True, speed=speed)
        plane = connection.control_plane
        return Session(
            plane,
            plane,
            plane,
            plane,
            connection.scoring,
            ServiceClock(place.speed),
            place,
            Sources(connection.monitor, connection.alerts),
            connection.lock,
            AzureTelemetry(connection.monitor),
            connection.recordings,
            connection.notebook,
        )

    async def common(self, place: Place) -> Session:
        """One door to that workspace for all who only look, and tell no requests of their own."""
        if (known := self._common.get(place.label)) is None:
            known = self._common[place.label] = await self.session(place)
        return known

    def expect(self, place: Place, endpoint: str) -> None:
        """That endpoint is going to be looked at: its workspace may then be read by list."""
        if self._bulk:
            self._shared.expect(place.target, endpoint)


@asynccontextmanager
async def doors(*, bulk: bool = False, reserve: Reserve | None = None) -> AsyncIterator[Doors]:
    """Doors for many plans; the connections are closed at the end. `reserve`: see `Shared`."""
    from rollout.azure.target import Shared

    shared = Shared(bulk=bulk, reserve=reserve)
    try:
        yield Doors(shared, bulk=bulk)
    finally:
        await shared.close()


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Session]:
    """Connect to one workspace; the connections are closed at the end."""
    async with doors() as one:
        yield await one.session(place)


def load(
    path: Path, overlay: Path | None = None, approved: str = "", comes_from: Callable[[Path], str] = commit
) -> LoadedPlan:
    """The plan, signed with the commit it comes from, who runs this and where, and the digest of what was approved."""
    loaded = load_release(path, commit=comes_from(path), overlay=overlay or options.overlay_for(path))
    return signed(loaded, approved)


def signed(loaded: LoadedPlan, approved: str = "") -> LoadedPlan:
    """The plan with its provenance, for what it creates."""
    release = loaded.release
    who = actor(os.environ.get("ROLLOUT_WHO"))
    told = {"plan": release.name, "commit": release.commit, ACTOR: who, "run": run_url(), "approved": approved}
    told |= {BROKEN_GLASS: options.broken_glass()}
    release = msgspec.structs.replace(release, provenance={key: value for key, value in told.items() if value})
    release = switched(release, who)
    return msgspec.structs.replace(loaded, release=release)


def place_of(loaded: LoadedPlan, flag: str | None) -> Place:
    """Where the plan's endpoint lives."""
    return resolve(flag, loaded.target)


def report_on(
    session: Session,
    loaded: LoadedPlan,
    seen: Observation,
    allowed: frozenset[str],
    lifetime: float = LIFETIME,
) -> Report:
    """What is to be told about a plan after that look."""
    changes = change_set(loaded.release, seen, allowed, lifetime=lifetime)
    decision = waiting_bake(changes.decision)
    decision = msgspec.structs.replace(decision, notes=(*decision.notes, *map(str, loaded.variables)))
    return Report(
        release=loaded.release,
        file=str(loaded.path),
        observation=seen,
        changes=msgspec.structs.replace(changes, decision=decision),
        requests=session.plane.requests,
        approval=approved(
            changes,
            loaded.release,
            endpoint=session.endpoint_id(loaded.release.endpoint.name),
            created=seen.now,
            file=str(loaded.path),
            overlay=str(options.overlay_for(loaded.path) or ""),
            allowed=allowed,
            tool=TOOL,
        ),
    )


def waiting_bake(decision: Decision) -> Decision:
    """The decision with the end of the bake that is waited for; who only looks does not measure its health."""
    gate = decision.measure
    if gate is None or decision.next_after is None:
        return decision
    reason = f"{gate.name}: its time is not over"
    return msgspec.structs.replace(decision, reason=reason, measure=None, measure_key="")
