"""The service's time: it runs `speed` times as fast as the real one, can be moved forward, and never goes back."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime


class ServiceClock:
    """Service time = start + real time since then × speed. `monotonic` gives real seconds (tests pass their own)."""

    def __init__(self, start: datetime, speed: float = 1.0, monotonic: Callable[[], float] = time.monotonic) -> None:
        if speed <= 0:
            raise ValueError("speed must be greater than 0")
        self.speed = speed
        self._start = start
        self._monotonic = monotonic
        self._begun = monotonic()

    @classmethod
    def resumed(cls, floor: datetime | None, speed: float) -> ServiceClock:
        """A clock that starts at the real time, or at `floor` if that is later (the time reached before)."""
        real = datetime.now(UTC)
        return cls(max(floor, real) if floor else real, speed)

    def now(self) -> datetime:
        """The service's time, in UTC."""
        return self._start + timedelta(seconds=(self._monotonic() - self._begun) * self.speed)

    def advance(self, seconds: float) -> datetime:
        """Skip time; negative values are refused. Returns the new time."""
        if seconds < 0:
            raise ValueError("the service's time never goes back")
        self._start += timedelta(seconds=seconds)
        return self.now()

    def real_seconds(self, service_seconds: float) -> float:
        """How long that takes in reality."""
        return service_seconds / self.speed


def http_date(now: datetime) -> str:
    """The value of a `Date` header."""
    return format_datetime(now.astimezone(UTC), usegmt=True)
