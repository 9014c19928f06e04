"""What tests of several parts stand on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.store.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of a process that want one; each takes a database of its own."""
    from tests.store.postgres import running  # only where it is wanted: it brings a whole Postgres

    with running() as server:
        yield server
