"""One fast emulator with scoring processes; each life has an empty workspace and a checkout of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.e2e.harness import Desk, Emulator
from tests.reliability.lives import SPEED, Bench, Life

World = Callable[[Life], AbstractContextManager[Bench]]


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A real emulator process."""
    with Emulator(tmp_path_factory.mktemp("emulator"), speed=SPEED, extra=("--no-throttle",)) as running:
        yield running


@pytest.fixture
def world(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Makes the world in which a life's last release starts."""

    @contextmanager
    def made(life: Life) -> Iterator[Bench]:
        emulator.clear()
        root: Path = tmp_path_factory.mktemp("desk")
        bench = Bench(Desk.laid(root, emulator), emulator)
        bench.prepare(life)
        yield bench
        emulator.faults()

    return made
