"""Serves one state directory over HTTPS on loopback, in this process: in the foreground, or in a thread for tests.

with EmulatorServer(state_dir, options) as server:
    server.url, server.environment()
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from rollout.emulator.app import Front
from rollout.emulator.backend import Backend, NoBackend
from rollout.emulator.clock import ServiceClock
from rollout.emulator.data_plane_faults import FaultHook, hook
from rollout.emulator.environment import variables
from rollout.emulator.identity import Identity, identity, save
from rollout.emulator.protocol import ClosingProtocol
from rollout.emulator.provision import Provisioner
from rollout.emulator.service import Options, Service
from rollout.emulator.tls import certificates

HOST = "127.0.0.1"
"""The only address it ever binds."""


class DataPlane(Backend, Protocol):
    """A backend that also serves requests, and has something to start and stop."""

    faults: FaultHook
    """What a deployment answers in the place of its model."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request to `/{endpoint}/...`."""

    async def start(self) -> None:
        """Make ready."""

    async def stop(self) -> None:
        """Stop all processes."""


MakeBackend = Callable[[ServiceClock], Backend]


def no_backend(clock: ServiceClock) -> Backend:
    """Nothing serves; everything deploys."""
    return NoBackend()


def processes(state_dir: Path, python: str = sys.executable) -> MakeBackend:
    """Scoring processes behind the weighted router."""

    def make(clock: ServiceClock) -> Backend:
        from rollout.emulator.router import Router

        return Router(state_dir, python, clock.now, clock.speed)

    return make


@dataclass(slots=True)
class EmulatorServer:
    """One emulator. `start` and `stop`, or `with`; the port is found when 0 and kept in the state directory.

    Raises `OSError` if the port is taken.
    """

    state_dir: Path
    options: Options = field(default_factory=Options)
    make_backend: MakeBackend = no_backend
    port: int = 0
    service: Service = field(init=False)
    url: str = field(init=False, default="")
    _server: uvicorn.Server = field(init=False)
    _socket: socket.socket = field(init=False)
    _thread: threading.Thread | None = field(init=False, default=None)

    def __enter__(self) -> EmulatorServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Serve in a thread; returns when requests are answered. Raises what went wrong in the thread."""
        ready = threading.Event()
        failed: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self.serve(ready.set))
            except BaseException as error:
                failed.append(error)
                ready.set()

        self._thread = threading.Thread(target=run, name="rollout-emulator", daemon=True)
        self._thread.start()
        ready.wait()
        if failed:
            raise failed[0]

    def stop(self) -> None:
        """Stop serving and wait until all is closed. Fine to call twice."""
        if self._thread is not None:
            self.shut_down()
            self._thread.join()
            self._thread = None

    def shut_down(self) -> None:
        """Ask `serve` to return; safe from any thread."""
        self._server.should_exit = True

    async def serve(self, ready: Callable[[], None]) -> None:
        """Serve until told to stop (`should_exit`, SIGINT, SIGTERM)."""
        self._bind()
        backend = self.service.backend
        data_plane: Any = backend if callable(backend) else None
        if data_plane is not None:
            data_plane.faults = hook(self.service.faults)
            await data_plane.start()
        provisioner = Provisioner(self.service)
        self._server = uvicorn.Server(self._config(Front(self.service, data_plane)))
        beat = asyncio.create_task(_beat(self.service))
        try:
            provisioner.restore()
            await self._run(ready)
        finally:
            beat.cancel()
            await provisioner.stop()
            if data_plane is not None:
                await data_plane.stop()
            self.service.close()

    def environment(self) -> dict[str, str]:
        """Variables for SDKs and curl. Holds the client secret: for child processes and `eval`, never for a log."""
        return variables(self.service.identity, self.url, self.state_dir / "ca.pem")

    def _bind(self) -> None:
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.state_dir = self.state_dir.resolve()
        known = identity(self.state_dir)
        self._socket = _listen(self.port, known)
        self.port = self._socket.getsockname()[1]
        self.url = f"https://{HOST}:{self.port}"
        known = msgspec.structs.replace(known, port=self.port)
        save(self.state_dir, known)
        self.service = Service(self.state_dir, known, self.url, self.options, self.make_backend)

    def _config(self, app: ASGIApp) -> uvicorn.Config:
        server = str(certificates(self.state_dir).server)
        return uvicorn.Config(
            app,
            http=ClosingProtocol,
            ssl_certfile=server,
            ssl_keyfile=server,
            log_level="critical",
            access_log=False,
            server_header=False,
            date_header=False,
            lifespan="off",
            timeout_graceful_shutdown=2,
            timeout_keep_alive=75,
        )

    async def _run(self, ready: Callable[[], None]) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._server.serve(sockets=[self._socket]))
            tasks.create_task(self._announce(ready))

    async def _announce(self, ready: Callable[[], None]) -> None:
        while not self._server.started and not self._server.should_exit:  # noqa: ASYNC110 - uvicorn has no event
            await asyncio.sleep(0.005)
        ready()


def _listen(port: int, known: Identity) -> socket.socket:
    """A listening socket: on the wanted port, or on the last one if it is free, or on any."""
    if port:
        return _socket(port)
    try:
        return _socket(known.port)
    except OSError:
        return _socket(0)


def _socket(port: int) -> socket.socket:
    """Connections inherit no-delay: asyncio sets it only where the protocol number is given, and 40 ms count."""
    made = socket.create_server((HOST, port))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


async def _beat(service: Service) -> None:
    """Let operations end when they are due, also when nobody asks."""
    while True:
        busy = bool(service.rules.world.in_flight)
        await asyncio.sleep(0.02 if busy else 0.1)
        service.leap()
        service.rules.tick(service.now())
        service.generator.fill(service.now())
        service.flush()
