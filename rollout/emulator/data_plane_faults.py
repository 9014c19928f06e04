"""Faults behind the split: what a deployment answers in the place of its model, counted as its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from rollout.emulator.data_plane_answers import Answer
from rollout.emulator.faults import Delay, Faults, Status

FaultHook = Callable[[str, str], Awaitable[Answer | None]]
"""From endpoint and deployment to the answer in the place of the model's; None: let it answer."""
MODEL_STATUS: Final = "ms-azureml-model-error-statuscode"


async def no_fault(endpoint: str, deployment: str) -> Answer | None:
    """No faults are asked for."""
    return None


def hook(faults: Faults) -> FaultHook:
    """Those of a list: a delay is waited for, a status is the answer."""

    async def fault(endpoint: str, deployment: str) -> Answer | None:
        for effect in faults.behind(endpoint, deployment):
            if isinstance(effect, Delay):
                await asyncio.sleep(effect.seconds)
            elif isinstance(effect, Status):
                return _answer(effect)
        return None

    return fault


def _answer(effect: Status) -> Answer:
    body = effect.message if effect.text is None else effect.text
    headers = {"content-type": "text/plain", **effect.headers}
    if effect.retry_after is not None:
        headers["retry-after"] = str(effect.retry_after)
    return Answer(status=effect.status, body=body.encode(), headers=headers, model_status=headers.get(MODEL_STATUS, ""))
