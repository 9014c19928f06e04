"""One instance of a deployment: a supervised scoring process, or a stub for what is not run here."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

import aiohttp

from rollout.emulator.backend import Container
from rollout.emulator.data_plane_answers import Answer, Ask, from_model, stub
from rollout.emulator.processes import Command, ForkServer, Process, StartError, reserve_port

BACK_OFF: Final = 10.0
"""Service seconds before the first restart of a crashed container; doubled for each further one."""
LONGEST_BACK_OFF: Final = 300.0
STEADY: Final = 600.0
"""A container that ran for so many service seconds starts again with the shortest back-off."""
READY_LIMIT: Final = 310.0
"""Service seconds until a container must be ready: the default probe, 10 s and then 30 times 10 s."""
SHORTEST_READY_LIMIT: Final = 60.0
"""Real seconds that any script gets, however fast the emulator's time runs."""


class NotReadyError(Exception):
    """The instance cannot answer: it is down, or went down while it was asked."""


class Instance(Protocol):
    """What the pool needs of an instance. `busy` counts the requests it works on."""

    container: Container
    ready: bool
    busy: int

    async def start(self) -> bool:
        """Start it; whether it became ready."""

    async def stop(self) -> None:
        """End it for good."""

    async def send(self, ask: Ask) -> Answer:
        """Pass a request on. Raises NotReadyError."""


class Stub:
    """An instance of an MLflow, Triton or custom container, which the emulator does not run."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.ready = False
        self.busy = 0
        self._answer = stub(container.kind, container.endpoint, container.deployment)

    async def start(self) -> bool:
        """Be ready at once."""
        self.ready = True
        return True

    async def stop(self) -> None:
        """Be gone at once."""
        self.ready = False

    async def send(self, ask: Ask) -> Answer:
        """The declared, labelled answer."""
        return self._answer


class ScoringInstance:
    """A process with the user's scoring script, started again with growing pauses when it crashes.

    `changed` is called whenever `ready` changes. `speed` is how many service seconds pass in a real one.
    """

    def __init__(
        self,
        container: Container,
        log: Path,
        server: ForkServer,
        session: aiohttp.ClientSession,
        speed: float,
        changed: Callable[[], None],
    ) -> None:
        self.container = container
        self.ready = False
        self.busy = 0
        self.log = log
        self._server = server
        self._session = session
        self._speed = speed
        self._changed = changed
        self._port_holder = reserve_port()
        self._url = f"http://127.0.0.1:{self._port_holder.getsockname()[1]}"
        self._process: Process | None = None
        self._supervisor: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        """Start the process and wait until it answers, has ended, or the limit is reached."""
        self.ready = await self._boot()
        self._changed()
        self._supervisor = asyncio.create_task(self._supervise())
        return self.ready

    async def stop(self) -> None:
        """End the process and its supervision."""
        self.ready = False
        if self._supervisor is not None:
            self._supervisor.cancel()
            await asyncio.wait({self._supervisor})
        if self._process is not None:
            await self._process.stop()
        self._port_holder.close()

    async def send(self, ask: Ask) -> Answer:
        """Pass a request on, once: the service never retries, so neither do we."""
        try:
            async with self._session.request(
                ask.method, self._url + ask.path, data=ask.body, headers=ask.headers, allow_redirects=False
            ) as response:
                body = await response.read()
                return from_model(
                    response.status, body, response.headers, keep_status=not ask.path.startswith("/score")
                )
        except (aiohttp.ClientError, ConnectionError) as error:
            raise NotReadyError from error

    def _note_crash(self, process: Process) -> None:
        """Say in the container's log what gunicorn's arbiter would have said there."""
        code = process.ended.result()
        what = f"exited with code {code}." if code >= 0 else f"was sent {signal.Signals(-code).name}!"
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"[ERROR] Worker (pid:{process.pid}) {what}\n")

    async def _boot(self) -> bool:
        try:
            self._process = process = await self._server.spawn(self._command())
        except StartError as error:
            self.log.write_text(f"{error}\n", encoding="utf-8")
            return False
        probe = asyncio.create_task(self._answers())
        limit = max(READY_LIMIT / self._speed, SHORTEST_READY_LIMIT)
        try:
            either: set[asyncio.Future[Any]] = {probe, process.ended}
            await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            return probe.done() and not process.ended.done()
        finally:
            probe.cancel()

    def _command(self) -> Command:
        container = self.container
        assert container.code_dir is not None
        assert container.scoring_script is not None
        model = {} if container.model_dir is None else {"AZUREML_MODEL_DIR": str(container.model_dir)}
        return Command(
            app_root=container.code_dir,
            script=container.scoring_script,
            port=self._port_holder.getsockname()[1],
            log=self.log,
            environment={**container.environment, **model, "AML_APP_ROOT": str(container.code_dir),
                         "AZUREML_ENTRY_SCRIPT": container.scoring_script},
        )  # fmt: skip

    async def _answers(self) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                async with self._session.get(self._url + "/") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.02)

    async def _supervise(self) -> None:
        pause = BACK_OFF
        while True:
            since = time.monotonic()
            if self._process is not None and self.ready:
                await asyncio.wait({self._process.ended})  # awaiting it itself would let a cancellation through
                self.ready = False
                self._note_crash(self._process)
                self._changed()
            elif self._process is not None:
                await self._process.stop()
            if (time.monotonic() - since) * self._speed >= STEADY:
                pause = BACK_OFF
            await asyncio.sleep(pause / self._speed)
            pause = min(2 * pause, LONGEST_BACK_OFF)
            self.ready = await self._boot()
            self._changed()
