"""Commands without their start: a process that has imported what they import forks one for each of them.

A command is a process of its own all the same, with its own folder, variables, outputs and end. Starting one from
nothing costs a second, and three more where it deploys (`azure.ai.ml`). How a command starts is held by
tests/cli/test_start.py; and what tests/e2e kills or signals, it starts from nothing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

REPOSITORY: Final = Path(__file__).parents[2]
PACKAGES: Final = ("rollout.azure", "rollout.cli", "rollout.gates", "rollout.plan", "rollout.render")
_LONGEST: Final = 1 << 17
"""The most bytes of a command's arguments and variables."""


class Running:
    """A command that runs. Use it in a `with` block: it does not outlive it."""

    def __init__(self, asked: socket.socket, out: IO[bytes], err: IO[bytes]) -> None:
        self._asked, self._out, self._err = asked, out, err
        self._pid = int(asked.recv(16))
        self._code: int | None = None

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        for one in (self._asked, self._out, self._err):
            one.close()

    def ended(self, timeout: float) -> tuple[int, str, str]:
        """Its exit code and what it printed; minus a signal's number where that ended it.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        self._asked.settimeout(timeout)
        try:
            self._code = int(self._asked.recv(16))
        except TimeoutError as error:
            raise subprocess.TimeoutExpired("rollout", timeout) from error
        return self._code, _all_of(self._out), _all_of(self._err)


class Starter:
    """Starts commands; ends with the process that has it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._door, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.e2e.warm", str(theirs.fileno())]
            self._process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def start(self, arguments: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> Running:
        """`rollout …` in that folder, with these variables and no others."""
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - `Running` closes them
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            wanted = json.dumps([arguments, str(folder), dict(environment)]).encode()
            socket.send_fds(self._door, [wanted], [out.fileno(), err.fileno(), theirs.fileno()])
        return Running(ours, out, err)


@cache
def starter() -> Starter:
    """The one of this process."""
    return Starter({name: value for name, value in os.environ.items() if not name.startswith("PYTHONDONT")})


def _all_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


def _warm() -> None:
    """Import what any command may import. None of that starts a thread: a fork would not have it."""
    importlib.import_module("azure.ai.ml")
    for package in PACKAGES:
        for found in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            importlib.import_module(found.name)
    assert threading.active_count() == 1, threading.enumerate()
    gc.collect()
    gc.freeze()


def _serve(door: socket.socket) -> Any:
    """Fork for each command. Returns in the process of a command, with that; ends when nobody can ask any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        wanted, files, _, _ = socket.recv_fds(door, _LONGEST, 3)
        if not wanted:
            sys.exit(0)
        if not os.fork():
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            door.close()
            out, err, asked = files
            if not (command := os.fork()):
                os.close(asked)
                os.dup2(out, 1)
                os.dup2(err, 2)
                return json.loads(wanted)
            os.write(asked, str(command).encode())
            _, status = os.waitpid(command, 0)
            os.write(asked, str(os.waitstatus_to_exitcode(status)).encode())
            os._exit(0)
        for file in files:
            os.close(file)


def main() -> int:
    """Be the process that forks, and in a forked one the command."""
    _warm()
    arguments, folder, environment = _serve(socket.socket(fileno=int(sys.argv[1])))
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["rollout", *arguments]
    from rollout.cli.start import main as command

    return command()


if __name__ == "__main__":
    sys.exit(main())
