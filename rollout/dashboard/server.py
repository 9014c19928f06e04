"""Serving it: on loopback, until it is told to end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Final

import uvicorn

from rollout.dashboard.app import Dashboard
from rollout.dashboard.guard import Keys
from rollout.errors import RolloutError

HOST: Final = "127.0.0.1"
"""The only address it ever binds."""


class _Server(uvicorn.Server):
    """Signals are the command line's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(dashboard: Dashboard, keys: Keys, port: int, ready: Callable[[str], None]) -> None:
    """Serve until cancelled; `ready` is told the address, with its key, once it answers. Port 0: any that is free.

    Raises RolloutError where the port is taken.
    """
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        raise RolloutError(f"port {port} cannot be used: {error.strerror}", hint="--port 0 takes any") from error
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        dashboard.app(port),
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    watching = asyncio.create_task(dashboard.watch.run())
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        ready(f"http://{HOST}:{port}/?key={keys.entry}")
        await asyncio.wait((watching, serving), return_when=asyncio.FIRST_COMPLETED)
        for task in (watching, serving):
            if task.done():
                task.result()
    finally:
        dashboard.board.close()
        server.should_exit = True
        watching.cancel()
        await asyncio.gather(watching, serving, return_exceptions=True)
