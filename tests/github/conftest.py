"""One emulator with scoring processes for all tests here; a team and a repository of its own for each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollout.emulator import process
from tests.github.office import Office, office


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The state directory of one that is running, its clock three hundred times as fast."""
    folder = tmp_path_factory.mktemp("emulator")
    process.start(folder, speed=300.0, extra=("--no-throttle",))
    yield folder
    process.stop(folder)


@pytest.fixture
def team(tmp_path: Path, emulator: Path, request: pytest.FixtureRequest) -> Iterator[Office]:
    """An endpoint named after the test, so that tests do not meet."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_"))[:30].strip("-")
    with office(tmp_path, emulator, name) as made:
        yield made
