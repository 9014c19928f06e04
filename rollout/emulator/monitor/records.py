"""One line of the traffic log for each scoring request, in a ring of bounded length."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import msgspec

KEPT: Final = 100_000
"""So many requests of all endpoints together are kept, the latest ones, in memory: a restart forgets them."""


class Scored(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One answered scoring request.

    `deployment` is "" where the front end answered by itself, `model_status` and `reason` are "" where the model's
    container said nothing. Durations are milliseconds as the client saw them.
    """

    at: datetime
    endpoint: str
    deployment: str
    status: int
    duration_ms: float
    model_status: str = ""
    reason: str = ""
    mirrored: bool = False
    method: str = "POST"
    path: str = "/score"
    auth: str = "Key"
    request_id: str = ""
    client_request_id: str = ""
    user_agent: str = ""
    request_bytes: int = 0
    response_bytes: int = 0

    @property
    def status_class(self) -> str:
        """`2xx` to `5xx`."""
        return f"{self.status // 100}xx"


class TrafficLog:
    """The latest requests, oldest first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[Scored] = deque(maxlen=kept)

    def add(self, line: Scored) -> None:
        """Keep one more; beyond the limit the oldest goes."""
        self._lines.append(line)

    def keep(self, kept: int) -> None:
        """From now on keep so many."""
        self._lines = deque(self._lines, maxlen=kept)

    def lines(self, until: datetime) -> Iterator[Scored]:
        """All that happened by then."""
        return (line for line in self._lines if line.at <= until)
