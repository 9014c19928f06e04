"""The emulator as a process of its own: start, stop, status, environment, logs. What the commands are built on.

A file lock in the state directory says whether one is running; the pid file only says which. So a pid file that a
killed emulator has left behind does no harm.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rollout.emulator import doors
from rollout.emulator.environment import variables
from rollout.emulator.identity import identity
from rollout.errors import Retryable, UsageError

DEFAULT_STATE_DIR: Final = Path(".rollout/emulator")
"""Below the working directory."""
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0


def start(
    state_dir: Path = DEFAULT_STATE_DIR,
    port: int = 0,
    speed: float = 1.0,
    python: str = sys.executable,
    *,
    parent_pid: int | None = None,
    extra: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Start one in the background and return its status when it answers.

    `python` runs the scoring scripts. With `parent_pid` it stops by itself when that process has gone. `extra` are
    further arguments of `python -m rollout.emulator`. Raises `UsageError` if one is running, `Retryable` if it did
    not come up.
    """
    state_dir = state_dir.absolute()
    state_dir.mkdir(parents=True, exist_ok=True)
    if running(state_dir) is not None:
        raise UsageError(
            f"An emulator is already running in {state_dir}.", hint="Stop it with `rollout emulator stop`."
        )
    command = [sys.executable, "-m", "rollout.emulator", "--state-dir", str(state_dir)]
    command += ["--port", str(port), "--speed", str(speed), "--python", python, *extra]
    if parent_pid is not None:
        command += ["--parent-pid", str(parent_pid)]
    with (state_dir / "emulator.log").open("ab") as log:
        child = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    return _wait_until_up(state_dir, child)


def _wait_until_up(state_dir: Path, child: subprocess.Popen[bytes]) -> dict[str, Any]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and child.poll() is None:
        if running(state_dir) == child.pid:
            with contextlib.suppress(OSError):
                return status(state_dir)
        time.sleep(0.03)
    if child.poll() is None:
        child.kill()
    child.wait()
    raise Retryable(
        "The emulator did not start: " + (logs(state_dir, 3).strip() or "it said nothing"),
        hint=f"Look into {state_dir / 'emulator.log'}.",
    )


def stop(state_dir: Path = DEFAULT_STATE_DIR) -> bool:
    """Stop the one that is running, by force if it does not obey. Whether there was one."""
    pid = running(state_dir)
    if pid is None:
        return False
    _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while locked(state_dir):
        if time.monotonic() > deadline:
            _signal(pid, signal.SIGKILL)
            deadline += STOP_SECONDS
        time.sleep(0.03)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def status(state_dir: Path = DEFAULT_STATE_DIR) -> dict[str, Any]:
    """Where it is and what it has served, as it says itself, with its `pid`. Raises `UsageError` if none is running."""
    pid, _ = _required(state_dir)
    told = door(state_dir, "GET", "status")
    return {**told, "pid": pid}


def door(state_dir: Path, method: str, name: str, body: Any = None) -> dict[str, Any]:
    """Use one of its own doors (`/_emulator/NAME`). Raises `UsageError` if none is running, or for what it refuses."""
    _, known = _required(state_dir)
    return doors.use(known["url"], state_dir / "ca.pem", method, name, body)


def env(state_dir: Path = DEFAULT_STATE_DIR) -> dict[str, str]:
    """Variables that make SDKs and curl use it. Holds the client secret: never log it."""
    _, known = _required(state_dir)
    state_dir = state_dir.absolute()
    return variables(identity(state_dir), known["url"], state_dir / "ca.pem")


def logs(state_dir: Path = DEFAULT_STATE_DIR, lines: int = 100) -> str:
    """The last lines of its own log."""
    path = state_dir / "emulator.log"
    if not path.exists():
        return ""
    with path.open(encoding="utf-8", errors="replace") as log:
        return "".join(deque(log, maxlen=lines))


def running(state_dir: Path) -> int | None:
    """The pid of the one that is running and answers; None if there is none."""
    known = _run_file(state_dir)
    return int(known["pid"]) if known is not None and locked(state_dir) else None


def locked(state_dir: Path) -> bool:
    """Whether a process holds the state directory."""
    path = state_dir / "lock"
    if not path.exists():
        return False
    with path.open("rb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@contextlib.contextmanager
def held(state_dir: Path) -> Iterator[None]:
    """Hold the state directory for this process. Raises `UsageError` if another one does."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / "lock").open("wb") as handle:
        _lock(handle.fileno(), state_dir)
        try:
            yield
        finally:
            (state_dir / "run.json").unlink(missing_ok=True)


def _lock(handle: int, state_dir: Path) -> None:
    """Take the lock; a moment's reader (`locked`) is waited for."""
    for _ in range(50):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.01)
        else:
            (state_dir / "run.json").unlink(missing_ok=True)
            return
    raise UsageError(f"Another emulator uses {state_dir}.", hint="Give this one a --state-dir of its own.")


def announce(state_dir: Path, url: str) -> None:
    """Write who is running and where; from now on `running` finds it."""
    fresh = state_dir / "run.json.new"
    fresh.write_text(json.dumps({"pid": os.getpid(), "url": url}))
    fresh.replace(state_dir / "run.json")


def _run_file(state_dir: Path) -> dict[str, Any] | None:
    try:
        known: dict[str, Any] = json.loads((state_dir / "run.json").read_text())
    except (OSError, ValueError):
        return None
    return known


def _required(state_dir: Path) -> tuple[int, dict[str, Any]]:
    pid, known = running(state_dir), _run_file(state_dir)
    if pid is None or known is None:
        raise UsageError(f"No emulator is running in {state_dir}.", hint="Start one: `rollout emulator start`.")
    return pid, known
