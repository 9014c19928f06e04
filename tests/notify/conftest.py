"""A receiver on loopback, and the emulator that keeps the outbox."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.notify.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that runs while the test does."""
    with receiving() as found:
        yield found
