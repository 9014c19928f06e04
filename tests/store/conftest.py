"""One server for all of these tests in a process; a database for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from rollout.store.address import Address, parse
from rollout.store.queue import Queue, opened
from rollout.store.schema import setup
from tests.store.postgres import Postgres, running


@pytest.fixture(scope="package")
def postgres() -> Iterator[Postgres]:
    """A server."""
    with running() as server:
        yield server


@pytest.fixture
def url(postgres: Postgres) -> str:
    """A new database, as a user names it."""
    return postgres.database()


@pytest.fixture
async def address(url: str) -> Address:
    """A database with a queue."""
    found = parse(url)
    await setup(found)
    return found


@pytest.fixture
async def queue(address: Address) -> AsyncIterator[Queue]:
    """That queue, open."""
    async with opened(address) as found:
        yield found
