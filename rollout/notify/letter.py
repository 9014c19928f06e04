"""One message, and what a way of sending it looks like."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from rollout.errors import RolloutError

SECONDS: Final = 10.0
"""How long one receiver may take for one message."""


class Undelivered(RolloutError):
    """A receiver could not be told; never says its address."""


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One message: the notice's id, its event and source, the words for people and the data for programs."""

    id: str
    event: str
    source: str
    plan: str
    at: datetime
    subject: str
    body: str
    data: Mapping[str, Any]
    bad: bool = False


class Sender(Protocol):
    """A way to one receiver."""

    async def send(self, letter: Letter) -> str:
        """Send it; what came back, in a few words. Raises Undelivered."""
