"""Closes the poller's server after the last test that used it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.polled import bench


@pytest.fixture(scope="session", autouse=True)
def _close() -> Iterator[None]:
    yield
    if bench.cache_info().currsize:
        bench().close()
        bench.cache_clear()
