"""One emulator for all end-to-end tests of a worker; each test has an empty workspace and a checkout of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Desk, Emulator


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A real emulator process with scoring processes; stopped at the end, and also when this process dies."""
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture
def desk(emulator: Emulator, tmp_path: Path) -> Iterator[Desk]:
    """A fresh checkout before an empty workspace."""
    emulator.clear()
    yield Desk.laid(tmp_path, emulator)
    emulator.clear()
