"""The emulator as a target: found by its state directory, told by its own status."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from rollout.azure.address import Target
from rollout.cli.place import Place
from rollout.emulator import process
from rollout.errors import RolloutError, UsageError

STATE_DIR_VARIABLE: Final = "ROLLOUT_STATE_DIR"


def state_dir(given: Path | None = None) -> Path:
    """What was given, else the variable, else the place below the working directory."""
    return (given or Path(os.environ.get(STATE_DIR_VARIABLE) or process.DEFAULT_STATE_DIR)).absolute()


def running_emulator(given: Path | None = None) -> Place:
    """The emulator that is running. Raises UsageError if none is, RolloutError if it does not answer."""
    folder = state_dir(given)
    if process.running(folder) is None:
        raise UsageError(
            f"no emulator is running in {folder}",
            hint=f"rollout emulator start --detach; or say where it runs: {STATE_DIR_VARIABLE}=DIR",
        )
    try:
        status = process.status(folder)
    except OSError as error:
        raise RolloutError(
            f"the emulator in {folder} does not answer: {error}", hint="rollout emulator stop, then start it again"
        ) from error
    target = Target(
        subscription_id=status["subscription_id"],
        resource_group=status["resource_group"],
        workspace=status["workspace"],
        arm_url=status["url"],
        ca_bundle=status["ca_bundle"],
        environment={**os.environ, **process.env(folder), "ROLLOUT_CREDENTIAL": "client_secret"},
    )
    return Place(target, float(status["speed"]), f"the emulator at {status['url']}")
