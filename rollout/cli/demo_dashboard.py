"""The demo, looked at: `rollout dashboard` in a process of its own, on the demo's emulator and plans."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import click

from rollout.cli.emulated import STATE_DIR_VARIABLE
from rollout.cli.extras import needing
from rollout.errors import RolloutError

_SECONDS: Final = 60.0
"""For the first line, which has the address."""
_MAIN: Final = ("-c", "import sys; from rollout.cli.start import main; sys.exit(main())")


@asynccontextmanager
async def looked_at(folder: Path, plan: str) -> AsyncIterator[str]:
    """Pages about that plan of the demo in `folder`, without buttons, until the block ends. Their address is told on
    stderr, and given.

    Raises RolloutError where the extra is missing, or they do not come up.
    """
    with needing("dashboard"):
        import starlette  # noqa: F401 - found here, so that a missing extra is told in a sentence
        import uvicorn  # noqa: F401
    command = (sys.executable, *_MAIN, "dashboard", f"plans/{plan}", "--target", "emulator")
    process = await asyncio.create_subprocess_exec(
        *command,
        *("--read-only", "--port", "0", "--every", "1s"),
        cwd=folder,
        env={**os.environ, STATE_DIR_VARIABLE: str(folder / "emulator")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        told = await _address(process)
        click.echo(told, err=True)
        yield told.rpartition(" ")[2]
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def until_interrupted() -> None:
    """Wait where somebody sits before it, so that the end can be looked at, too."""
    if not sys.stdin.isatty():
        return
    click.echo("The dashboard stays. Press Ctrl-C to end.", err=True)
    await asyncio.Event().wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None, "asked for above"
    try:
        line = await asyncio.wait_for(process.stdout.readline(), _SECONDS)
    except TimeoutError:
        line = b""
    if not line:
        raise RolloutError("the dashboard does not come up", hint="rollout dashboard plans --target emulator says why")
    return line.decode().strip()
