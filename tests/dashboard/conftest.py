"""One emulator, one dashboard and one rollout at 10 % for the quick tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dashboard.bench import Site, Visitor, dashboard, site


@pytest.fixture(scope="session")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`house` at 10 % under its checks, `churn` about to begin."""
    with site(tmp_path_factory.mktemp("dashboard")) as found:
        found.at_ten("house")
        found.write("churn")
        yield found


@pytest.fixture(scope="session")
def address(stand: Site) -> Iterator[str]:
    """The dashboard's address, with its key."""
    with dashboard(stand) as found:
        yield found


@pytest.fixture
def visitor(address: str) -> Visitor:
    """Somebody who has opened it."""
    return Visitor(address)
