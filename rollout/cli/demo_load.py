"""The demo's load: another process that calls the endpoint all the time, and what it has counted so far."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rollout.cli.session import Session
from rollout.errors import RolloutError

LONGEST: Final = 1800
"""Seconds after which the load ends by itself, whatever becomes of the demo."""
_FIRST_REQUEST: Final = 50
"""How many looks, 0.2 s apart, the first counted request may take."""
_NOTHING: Final[Mapping[str, Any]] = {"sent": 0, "failed": 0, "deployments": {}, "latency_ms": {}, "failures": []}


class Load:
    """`python -m rollout.emulator.load` for one endpoint."""

    def __init__(self, session: Session, folder: Path, rate: float) -> None:
        self._session = session
        self._out = folder / "load.json"
        self._rate = rate
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, endpoint: str, body: Path) -> None:
        """Begin to call the endpoint; returns when the first requests are counted."""
        from rollout.azure.scoring import HttpScoring
        from rollout.emulator.load import KEY_VARIABLE

        seen = await self._session.plane.observe(endpoint)
        scoring = self._session.scoring
        if seen.endpoint is None or not isinstance(scoring, HttpScoring):
            raise RolloutError(f"{endpoint} does not serve", hint="this is a defect of the demo")
        key = await scoring.credential(seen.endpoint)
        command = [sys.executable, "-m", "rollout.emulator.load", "--url", seen.endpoint.scoring_uri]
        command += ["--ca", str(self._session.place.target.ca_bundle), "--rate", str(self._rate)]
        command += ["--seconds", str(LONGEST), "--body", str(body), "--out", str(self._out), "--warm-up", "10"]
        self._process = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, KEY_VARIABLE: key.reveal()}, stdin=subprocess.DEVNULL
        )
        for _ in range(_FIRST_REQUEST):
            if self.report()["sent"] or self._process.returncode is not None:
                return
            await asyncio.sleep(0.2)

    def report(self) -> Mapping[str, Any]:
        """The counts as of half a second ago."""
        try:
            found: Mapping[str, Any] = json.loads(self._out.read_text())
        except (OSError, ValueError):
            return _NOTHING
        return found

    async def stop(self) -> Mapping[str, Any]:
        """End it in order; the final counts."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
        return self.report()
