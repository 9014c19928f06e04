"""What the tests of every forge behind the port begin with: a local forge, a clock, a change request, our client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from rollout.forge.azure_devops import AzureDevOps
from rollout.forge.azure_faults import AZURE_DEVOPS
from rollout.forge.dialect import Dialect
from rollout.forge.faults import GITHUB
from rollout.forge.github import GitHub
from rollout.forge.gitlab import GitLab
from rollout.forge.gitlab_faults import GITLAB
from rollout.forge.port import Forge
from rollout.forge.wire import Wire
from tests.azure_devops.rest import ORGANISATION
from tests.forge.conftest import Clock
from tests.github.bench import NAME, TOKEN, Bench, bench
from tests.gitlab.rest import API

CLIENTS: dict[str, tuple[str, Dialect, Callable[[Wire, str], Forge]]] = {
    "github": ("", GITHUB, GitHub),
    "azure-devops": (f"/{ORGANISATION}", AZURE_DEVOPS, AzureDevOps),
    "gitlab": (API, GITLAB, GitLab),
}


@asynccontextmanager
async def spoken(hub: Bench, kind: str, clock: Clock | None = None) -> AsyncIterator[Forge]:
    """That forge by our client, with the token of a job."""
    path, dialect, client = CLIENTS[kind]
    time = clock or Clock()
    async with aiohttp.ClientSession() as session:
        url = hub.world.url + path
        yield client(Wire(session, url, TOKEN, dialect=dialect, sleep=time.sleep, clock=lambda: time.now), NAME)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A repository with one commit."""
    with bench(tmp_path_factory.mktemp("forge")) as made:
        yield made


@pytest.fixture
def hub(world: Bench) -> Bench:
    """The same, without what another test has published, called and scripted."""
    repo = world.repo
    for kept in (world.world.calls, world.world.scripted, repo.comments, repo.statuses, repo.folded, repo.reviews):
        kept.clear()
    for number in [number for number, item in repo.items.items() if "head" not in item]:
        del repo.items[number]
    world.world.add_token(TOKEN)
    return world


@pytest.fixture
def number(hub: Bench, request: pytest.FixtureRequest) -> int:
    """An open change request of its own."""
    branch = "".join(letter if letter.isalnum() else "-" for letter in request.node.name).strip("-")
    hub.commit("release", branch, **{f"{branch}.txt": "1"})
    hub.world.calls.clear()
    return hub.pull(branch, "Release v2")


__all__ = ["hub", "number", "spoken", "world"]
