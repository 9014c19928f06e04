"""A local GitHub for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from rollout.forge.github import GitHub
from rollout.forge.wire import Wire
from tests.github.bench import NAME, TOKEN, Bench, bench


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Bench]:
    """A repository with one commit."""
    with bench(tmp_path) as made:
        yield made


class Clock:
    """Time that only passes by waiting; `slept` says how long each time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Wait, at once."""
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """A clock for the wire."""
    return Clock()


@pytest.fixture
async def forge(hub: Bench, clock: Clock) -> AsyncIterator[GitHub]:
    """The repository by our client, as the bot of GitHub Actions."""
    async with aiohttp.ClientSession() as session:
        yield GitHub(Wire(session, hub.world.url, TOKEN, sleep=clock.sleep, clock=lambda: clock.now), NAME)
