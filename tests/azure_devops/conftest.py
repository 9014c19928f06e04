"""The local Azure DevOps for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from rollout.forge.azure_devops import AzureDevOps
from rollout.forge.azure_faults import AZURE_DEVOPS
from rollout.forge.wire import Wire
from tests.azure_devops.rest import ORGANISATION
from tests.forge.conftest import Clock
from tests.forge.hub import clock, hub, number, world
from tests.github.bench import NAME, TOKEN, Bench

__all__ = ["clock", "forge", "hub", "number", "world"]


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[AzureDevOps]:
    """The repository by our client, with the token of a job."""
    url = f"{hub.world.url}/{ORGANISATION}"
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, url, TOKEN, dialect=AZURE_DEVOPS, sleep=clock.sleep, clock=lambda: clock.now)
        yield AzureDevOps(wire, NAME)
