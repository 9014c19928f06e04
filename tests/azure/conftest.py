"""An emulator on loopback and the way to it: the same `connect` that leads to Azure."""

from __future__ import annotations

import asyncio
import itertools
import ssl
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollout.azure.operations import Pace
from rollout.azure.target import Connection, Target, connect
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.emulator.settings import Settings

_NUMBERS = itertools.count(1)
QUICK = Pace(first=0.05, slowest=0.5)
ROOM = Settings(cores=10_000, endpoints=1_000)
"""No test takes another one's."""


class Bench:
    """One running emulator, its target, and its doors for faults and for what it has served."""

    def __init__(self, server: EmulatorServer) -> None:
        self.server = server
        known = server.service.identity
        self.target = Target(
            subscription_id=known.subscription_id,
            resource_group=known.resource_group,
            workspace=known.workspace,
            arm_url=server.url,
            ca_bundle=str(server.state_dir / "ca.pem"),
            environment=server.environment(),
        )
        self._tls = ssl.create_default_context(cafile=self.target.ca_bundle)

    def name(self) -> str:
        """An endpoint's name that no other test uses."""
        return f"house-{next(_NUMBERS)}"

    async def faults(self, *rules: dict[str, Any]) -> None:
        """Replace the faults in force."""
        await asyncio.to_thread(self._ask, "PUT", "faults", list(rules))

    async def served(self) -> dict[str, int]:
        """Reads, writes and polls that the emulator has counted."""
        status = await asyncio.to_thread(self._ask, "GET", "status", None)
        return {key: status["requests"][key] for key in ("reads", "writes", "polls")}

    def _ask(self, method: str, door: str, body: Any) -> Any:
        data = None if body is None else msgspec.json.encode(body)
        request = urllib.request.Request(f"{self.server.url}/_emulator/{door}", data, method=method)
        with urllib.request.urlopen(request, context=self._tls, timeout=10) as answer:
            return msgspec.json.decode(answer.read())


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The emulator without scoring processes, fast, for the whole session."""
    state_dir: Path = tmp_path_factory.mktemp("emulator")
    with EmulatorServer(state_dir, Options(speed=5000, throttle=False, settings=ROOM)) as server:
        yield Bench(server)


@pytest.fixture
async def bench(running: Bench) -> AsyncIterator[Bench]:
    """The emulator, without faults before and after."""
    await running.faults()
    yield running
    await running.faults()


@pytest.fixture
async def connection(bench: Bench) -> AsyncIterator[Connection]:
    """A connection to it."""
    async with connect(bench.target, pace=QUICK) as opened:
        yield opened
