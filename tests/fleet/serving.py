"""`python -m tests.fleet.serving FOLDER SPEED PID`: an emulator that runs scoring scripts in its own process.

Scoring processes for sixty endpoints would need more memory than a small machine has; the scripts, the router's split,
keys and headers are the same.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from rollout.emulator.data_plane_faults import FaultHook, no_fault
from rollout.emulator.process import announce, held
from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from rollout.emulator.settings import Settings
from tests.reliability.alone.scripts import Scripts


class Plane(Scripts):
    """Those scripts, as the server wants a data plane."""

    faults: FaultHook = staticmethod(no_fault)

    async def start(self) -> None:
        """Nothing has to be made ready."""

    async def stop(self) -> None:
        """Nothing runs."""


def main(folder: Path, speed: float, parent: int) -> None:
    """Serve until told to stop, or until the parent has gone."""
    server = EmulatorServer(
        folder, Options(speed=speed, throttle=False, settings=Settings(cores=5_000)), lambda clock: Plane()
    )

    async def serve() -> None:
        watch = asyncio.create_task(orphaned())
        await server.serve(lambda: announce(folder, server.url))
        watch.cancel()

    async def orphaned() -> None:
        while os.getppid() == parent:  # noqa: ASYNC110 - nobody tells a process that its parent has gone
            await asyncio.sleep(0.5)
        server.shut_down()

    with held(folder):
        asyncio.run(serve())


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), float(sys.argv[2]), int(sys.argv[3]))
