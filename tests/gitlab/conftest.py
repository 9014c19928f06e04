"""The local GitLab for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from rollout.forge.gitlab import GitLab
from rollout.forge.gitlab_faults import GITLAB
from rollout.forge.wire import Wire
from tests.forge.conftest import Clock
from tests.forge.hub import clock, hub, number, world
from tests.github.bench import NAME, TOKEN, Bench
from tests.gitlab.rest import API

__all__ = ["clock", "forge", "hub", "number", "world"]


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[GitLab]:
    """The project by our client, with a project access token."""
    async with aiohttp.ClientSession() as session:
        wire = Wire(session, hub.world.url + API, TOKEN, dialect=GITLAB, sleep=clock.sleep, clock=lambda: clock.now)
        yield GitLab(wire, NAME)
