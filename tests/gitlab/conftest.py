"""The local GitLab for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from rollout.forge.gitlab import GitLab
from rollout.forge.gitlab_faults import GITLAB
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench, bench
from tests.gitlab.rest import API


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A project with one commit."""
    with bench(tmp_path_factory.mktemp("gitlab")) as made:
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
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[GitLab]:
    """The project by our client, with a project access token."""
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, hub.world.url + API, TOKEN, dialect=GITLAB, sleep=clock.sleep, clock=lambda: clock.now)
        yield GitLab(wire, NAME)
