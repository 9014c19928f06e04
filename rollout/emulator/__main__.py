"""`python -m rollout.emulator`: serve in the foreground until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from rollout.emulator.process import DEFAULT_STATE_DIR, announce, held
from rollout.emulator.server import EmulatorServer, no_backend, processes
from rollout.emulator.service import Options
from rollout.emulator.settings import Settings
from rollout.errors import RolloutError, UsageError


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m rollout.emulator", description=__doc__)
    parser.add_argument("--state-dir", type=Path, default=DEFAULT_STATE_DIR)
    parser.add_argument("--port", type=int, default=0, help="0: the one of the last time, or any")
    parser.add_argument("--speed", type=float, default=1.0, help="seconds of the service's time in a real second")
    parser.add_argument("--python", default=sys.executable, help="interpreter of the scoring scripts")
    parser.add_argument("--no-processes", action="store_true", help="deployments succeed and nothing serves")
    parser.add_argument("--no-throttle", action="store_true", help="no limits on requests a second")
    parser.add_argument("--settings", type=Path, help="JSON file with fields of the emulator's settings")
    parser.add_argument("--parent-pid", type=int, help="stop when this process has gone")
    return parser.parse_args(given)


def settings(path: Path | None) -> Settings:
    """The settings of a file; the defaults without one. Raises `UsageError`."""
    if path is None:
        return Settings()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Settings)
    except (OSError, msgspec.DecodeError) as error:
        raise UsageError(f"Cannot use the settings in {path}: {error}") from error


def main() -> int:
    """Serve; 0 when told to stop, 3 for wrong usage."""
    args = arguments()
    state_dir = args.state_dir.absolute()
    backend = no_backend if args.no_processes else processes(state_dir, args.python)
    try:
        options = Options(speed=args.speed, throttle=not args.no_throttle, settings=settings(args.settings))
        server = EmulatorServer(state_dir, options, backend, args.port)
        with held(state_dir):
            asyncio.run(_serve(server, args.parent_pid))
    except RolloutError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a program
        return error.exit_code
    except OSError as error:
        print(f"Cannot listen on port {args.port}: {error}", file=sys.stderr)  # noqa: T201 - this is a program
        return 1
    except KeyboardInterrupt:
        pass
    return 0


async def _serve(server: EmulatorServer, parent_pid: int | None) -> None:
    watch: list[asyncio.Task[None]] = []

    def ready() -> None:
        announce(server.state_dir, server.url)
        print(f"Serving on {server.url}", flush=True)  # noqa: T201 - this is a program
        if parent_pid is not None:
            watch.append(asyncio.create_task(_stop_without(parent_pid, server.shut_down)))

    await server.serve(ready)
    for task in watch:
        task.cancel()


async def _stop_without(parent_pid: int, stop: Callable[[], None]) -> None:
    while True:
        try:
            os.kill(parent_pid, 0)
        except ProcessLookupError:
            stop()
            return
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
