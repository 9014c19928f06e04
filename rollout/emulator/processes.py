"""Scoring processes as the emulator sees them: a client of the fork server, and what a process needs to start.

Everything dies with the emulator, also by `kill -9`: the fork server's stdin ends, and it takes its children
along.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from asyncio.subprocess import PIPE
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INHERITED = frozenset({"HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ", "VIRTUAL_ENV"})
"""All that a scoring script sees of the emulator's own environment; the rest may hold secrets."""

_WORKER = Path(__file__).with_name("worker.py")
_WARM_UP_SECONDS = 60.0


class StartError(RuntimeError):
    """The fork server could not be started, or ended before it had started the process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a scoring process runs: a script inside `app_root`, on `port`, its output appended to `log`."""

    app_root: Path
    script: str
    port: int
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def message(self, ticket: int) -> bytes:
        """The request line for the fork server."""
        request = {
            "ticket": ticket,
            "app_root": str(self.app_root),
            "script": self.script,
            "port": self.port,
            "log": str(self.log),
            "environment": dict(self.environment),
        }
        return json.dumps(request).encode() + b"\n"


class Process:
    """One running scoring server (the leader of its process group). `ended` gives its exit code."""

    def __init__(self, pid: int, ended: asyncio.Future[int]) -> None:
        self.pid = pid
        self.ended = ended

    def send(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens when it has ended."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    async def stop(self, grace: float = 3.0) -> None:
        """Ask it to end, and after `grace` seconds see to it."""
        self.send(signal.SIGTERM)
        if not (await asyncio.wait({self.ended}, timeout=grace))[0]:
            self.send(signal.SIGKILL)
            await asyncio.wait({self.ended}, timeout=grace)


class ForkServer:
    """A pre-warmed interpreter from which all scoring processes are forked. Started again when it has died."""

    def __init__(self, python: str, log: Path) -> None:
        self._python = python
        self._log = log
        self._server: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._closed = False
        self._tickets = 0
        self._started: dict[int, asyncio.Future[Process]] = {}
        self._running: dict[int, Process] = {}

    async def spawn(self, command: Command) -> Process:
        """Start one scoring process. Raises StartError if the interpreter does not start."""
        async with self._starting:
            server = await self._ensure()
        assert server.stdin is not None
        self._tickets += 1
        answer: asyncio.Future[Process] = asyncio.get_running_loop().create_future()
        self._started[self._tickets] = answer
        try:
            server.stdin.write(command.message(self._tickets))
            await server.stdin.drain()
        except ConnectionError as error:
            raise StartError("the fork server has gone") from error
        return await answer

    async def stop(self) -> None:
        """End the fork server and with it all that it started, for good."""
        self._closed = True
        if self._server is None or self._reader is None or self._server.stdin is None:
            return
        self._server.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait(), 5.0)
        if self._server.returncode is None:
            self._server.kill()
            await self._server.wait()
        await self._reader
        self._server = None

    async def _ensure(self) -> asyncio.subprocess.Process:
        if self._closed:
            raise StartError("the emulator is being stopped")
        if self._server is not None and self._server.returncode is None and not self._reader_done():
            return self._server
        self._server = server = await self._launch()
        assert server.stdout is not None
        try:
            hello = await asyncio.wait_for(server.stdout.readline(), _WARM_UP_SECONDS)
        except TimeoutError:
            hello = b""
        if not hello:
            raise StartError(f"{self._python} did not start; see {self._log}")
        self._reader = asyncio.create_task(self._read(server.stdout))
        return server

    def _reader_done(self) -> bool:
        return self._reader is None or self._reader.done()

    async def _launch(self) -> asyncio.subprocess.Process:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        environment = {name: value for name, value in os.environ.items() if name in INHERITED}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a code asset is not ours to write into
        with self._log.open("ab") as log:
            try:
                return await asyncio.create_subprocess_exec(
                    self._python, "-u", str(_WORKER),
                    stdin=PIPE, stdout=PIPE, stderr=log, env=environment, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise StartError(f"{self._python} cannot be started: {error.strerror}") from error

    async def _read(self, stream: asyncio.StreamReader) -> None:
        async for line in stream:
            self._take(json.loads(line))
        for answer in self._started.values():
            answer.set_exception(StartError("the fork server ended"))
        for process in self._running.values():
            process.ended.set_result(-signal.SIGTERM)
        self._started.clear()
        self._running.clear()

    def _take(self, message: dict[str, Any]) -> None:
        if "started" in message:
            ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            process = self._running[message["started"]] = Process(message["started"], ended)
            if not (answer := self._started.pop(message["ticket"])).done():
                answer.set_result(process)
            else:
                process.send(signal.SIGKILL)  # whoever asked for it was cancelled
        elif "exited" in message and (gone := self._running.pop(message["exited"], None)):
            gone.ended.set_result(message["code"])


def reserve_port() -> socket.socket:
    """A bound, not listening socket on a free loopback port: it keeps the port ours until the server has it.

    Linux lets a second socket with SO_REUSEADDR bind the same port as long as nobody listens.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    return holder
