"""The local Azure DevOps for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from rollout.forge.azure_devops import AzureDevOps
from rollout.forge.azure_faults import AZURE_DEVOPS
from rollout.forge.wire import Wire
from tests.azure_devops.rest import ORGANISATION
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench, bench


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A repository with one commit."""
    with bench(tmp_path_factory.mktemp("azure")) as made:
        yield made


@pytest.fixture
def hub(world: Bench) -> Bench:
    """The same, without calls and scripts of another test."""
    world.world.calls.clear()
    world.world.scripted.clear()
    world.world.add_token(TOKEN)
    return world


@pytest.fixture
def clock() -> Clock:
    """A clock for the wire."""
    return Clock()


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[AzureDevOps]:
    """The repository by our client, with the token of a job."""
    url = f"{hub.world.url}/{ORGANISATION}"
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, url, TOKEN, dialect=AZURE_DEVOPS, sleep=clock.sleep, clock=lambda: clock.now)
        yield AzureDevOps(wire, NAME)
