"""Two worlds with one door: the emulator's rules in this process, and Resource Manager over HTTPS on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from rollout.azure.target import Connection, connect
from rollout.core.observed import Endpoint
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.emulator.world import Kind
from rollout.ports import ControlPlane
from tests.azure.conftest import QUICK
from tests.azure.conftest import Bench as Emulator
from tests.worlds.plane import NAME, RulesPlane

CODE, MESSAGE = "ResourceNotReady", "User container has crashed or terminated"


class Bench(Protocol):
    """A control plane, the name of an endpoint that is not there yet, and another hand at the same service."""

    name: str

    @property
    def plane(self) -> ControlPlane:
        """What is under test."""

    async def hand(self, method: str, body: Mapping[str, Any], deployment: str = "") -> None:
        """PUT or PATCH the endpoint, or one of its deployments, by plain ARM; the operation is left under way."""

    async def fail_next(self, kind: Kind) -> None:
        """The next operation of that kind ends as `Failed`, with `CODE` and `MESSAGE`."""


class RulesBench:
    """The emulator's rules without HTTP."""

    name = NAME

    def __init__(self) -> None:
        self.plane = RulesPlane()

    async def hand(self, method: str, body: Mapping[str, Any], deployment: str = "") -> None:
        """See `Bench`."""
        rules, now = self.plane.rules, self.plane.now
        if deployment:
            write = rules.put_deployment if method == "PUT" else rules.patch_deployment
            answer = write(self.name, deployment, body, now)
        else:
            answer = (rules.put_endpoint if method == "PUT" else rules.patch_endpoint)(self.name, body, now)
        assert answer.status < 300, answer.body

    async def fail_next(self, kind: Kind) -> None:
        """See `Bench`."""
        self.plane.rules.fail_next(kind, CODE, MESSAGE)


class ArmBench:
    """`rollout.azure` against the emulator's server."""

    def __init__(self, emulator: Emulator, connection: Connection) -> None:
        self.name = emulator.name()
        self.plane = connection.control_plane
        self._emulator = emulator

    async def hand(self, method: str, body: Mapping[str, Any], deployment: str = "") -> None:
        """See `Bench`."""
        paths = self._emulator.target.paths
        path = paths.deployment(self.name, deployment) if deployment else paths.endpoint(self.name)
        await self.plane._client.send(method, path, "another hand", dict(body), kind="writes")

    async def fail_next(self, kind: Kind) -> None:
        """See `Bench`."""
        effect = {"kind": "fail", "operation": kind.value, "code": CODE, "message": MESSAGE}
        await self._emulator.faults({"effect": effect})


@contextmanager
def served(state_dir: Path) -> Iterator[Emulator]:
    """A running emulator without scoring processes."""
    with EmulatorServer(state_dir, Options(speed=5000, throttle=False)) as server:
        yield Emulator(server)


@asynccontextmanager
async def over_https(emulator: Emulator) -> AsyncIterator[ArmBench]:
    """A bench on that emulator; no fault is left in force."""
    await emulator.faults()
    async with connect(emulator.target, pace=QUICK) as connection:
        yield ArmBench(emulator, connection)
    await emulator.faults()


async def look(bench: Bench) -> Endpoint:
    """The endpoint, which must exist."""
    found = (await bench.plane.observe(bench.name)).endpoint
    assert found is not None, "the endpoint exists"
    return found
