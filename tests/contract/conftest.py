"""Every test of the contract runs on both benches."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.azure.conftest import Bench as Emulator
from tests.contract.benches import Bench, RulesBench, over_https, served


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """One emulator for the whole suite."""
    with served(tmp_path_factory.mktemp("emulator")) as running:
        yield running


@pytest.fixture(params=["rules", pytest.param("https", marks=pytest.mark.slow)])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """The rules in this process, then the service over HTTPS."""
    if request.param == "rules":
        yield RulesBench()
        return
    async with over_https(request.getfixturevalue("emulator")) as https:
        yield https
