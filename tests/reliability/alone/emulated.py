"""The emulator in this process, behind the network in memory; the end-to-end tests' view of it, unchanged."""

from __future__ import annotations

import os
import shutil
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from rollout.azure.target import Target
from rollout.cli.place import Place
from rollout.emulator.app import Front
from rollout.emulator.blobs import Blobs
from rollout.emulator.clock import ServiceClock
from rollout.emulator.environment import variables
from rollout.emulator.identity import identity
from rollout.emulator.provision import Provisioner
from rollout.emulator.server import HOST
from rollout.emulator.service import Options, Service
from rollout.emulator.store import Store
from tests.e2e.harness import Emulator
from tests.reliability.alone.instant import Instant
from tests.reliability.alone.network import Network
from tests.reliability.alone.scripts import Scripts

URL: Final = f"https://{HOST}:4433"
SELDOM: Final = 300.0
"""Seconds between two polls of an operation, as the service asks for them."""


class _Provisioner(Provisioner):
    """Each job is done before the request that asked for it is answered; its operation still takes its time."""

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            work.send(None)
        except StopIteration:
            return
        raise AssertionError("no job of these worlds waits")


class Alone(Emulator):
    """The emulator of this process. `copied` gives a forked process files of its own."""

    service: Service
    network: Network

    def environment(self) -> dict[str, str]:
        """The variables of `rollout emulator env`."""
        return variables(self.service.identity, URL, self.state_dir / "ca.pem")

    def begin(self, instant: Instant) -> None:
        """Start a service in that time, with everything in memory but what is uploaded."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rollout.emulator.service.Store", lambda path: Store(Path(":memory:")))
            patch.setattr("rollout.emulator.service.ServiceClock", _Clock.of(instant))
            options = Options(throttle=False)
            self.service = Service(self.state_dir, identity(self.state_dir), URL, options, lambda clock: Scripts())
        world = self.service.rules.world
        world.settings = replace(world.settings, poll_hint=SELDOM)
        _Provisioner(self.service)
        front = Front(self.service, self.service.backend)  # type: ignore[arg-type]
        self.network = Network(partial(_served, self.service, front))
        self.url, scope = URL, self.service.scope
        self._root = f"{URL}{scope.workspace_path}/"
        self.session.trust_env = False

    def arm(self, method: str, path: str, body: Any = None) -> requests.Response:
        """See `Emulator`; hours may have passed since the last one."""
        self._sign_in()
        return super().arm(method, path, body)

    def place(self) -> Place:
        """Where the command line finds it."""
        scope, known = self.service.scope, self.environment()
        target = Target(
            subscription_id=scope.subscription_id,
            resource_group=scope.resource_group,
            workspace=scope.workspace,
            arm_url=URL,
            environment={**os.environ, **known, "ROLLOUT_CREDENTIAL": "client_secret"},
        )
        return Place(target, 1.0, f"the emulator at {URL}")

    @property
    def faulty(self) -> bool:
        """Whether a fault still waits for its request."""
        return bool(self.service.faults.report(self.service.rules.world)) or self.network.late > 0

    def copied(self, folder: Path) -> None:
        """From now on files are written there: they begin as they are. Nobody here writes into a file: each is new."""
        shutil.copytree(self.state_dir, folder, copy_function=os.link, dirs_exist_ok=True)
        self.state_dir = self.service.state_dir = folder
        self.service.blobs = Blobs(folder / "blobs")


class _Clock(ServiceClock):
    """The service's clock in a world where time is a number."""

    instant: Instant

    @classmethod
    def of(cls, instant: Instant) -> type[_Clock]:
        """A class of clocks for that world."""
        return type("_Clock", (cls,), {"instant": instant})

    @classmethod
    def resumed(cls, floor: datetime | None, speed: float) -> _Clock:
        """See `ServiceClock`."""
        return cls(datetime.fromtimestamp(cls.instant.time(), UTC), speed, cls.instant.monotonic)


async def _served(service: Service, front: Front, scope: Any, receive: Any, send: Any) -> None:
    """A request, after what was due before it."""
    service.rules.tick(service.now())
    service.generator.fill(service.now())
    service.flush()
    await front(scope, receive, send)


@contextmanager
def found(emulator: Alone) -> Iterator[None]:
    """While the block runs, `--target emulator` is that one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rollout.cli.emulated.running_emulator", emulator.place)
        yield
