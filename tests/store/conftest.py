"""A database for each test; the server is that of all tests (`tests/conftest.py`)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from rollout.store.address import Address, parse
from rollout.store.queue import Queue, opened
from rollout.store.schema import setup
from tests.store.postgres import Postgres


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
