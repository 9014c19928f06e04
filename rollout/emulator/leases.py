"""Leases of blobs, as the Blob service's `Lease Blob` operation documents them. Pure: time is an argument, in seconds.

A lease lives for 15 to 60 seconds after it was acquired or renewed, or for ever (-1). Who knows its id renews, releases
and writes; anybody breaks it. One that has run out may still be renewed by its id, unless the blob was leased again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

FOR_EVER: Final = -1
SHORTEST, LONGEST = 15, 60
"""Seconds."""
_MISMATCH: Final = "The lease ID specified did not match the lease ID for the blob."


class LeaseRefusedError(Exception):
    """The service's refusal: HTTP status, `x-ms-error-code`, sentence."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True, slots=True)
class Lease:
    """One lease: its id, its duration in seconds, until when it holds, and whether it was broken."""

    id: str
    duration: int
    until: float
    broken: bool = False

    def holds(self, now: float) -> bool:
        """Whether it keeps others out."""
        return now < self.until


class Leases:
    """The leases of all blobs. A blob is named by container and name."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, str], Lease] = {}

    def acquire(self, blob: tuple[str, str], lease_id: str, duration: int, now: float) -> Lease:
        """Take it, or take it again under the same id. Raises LeaseRefusedError."""
        if duration != FOR_EVER and not SHORTEST <= duration <= LONGEST:
            raise LeaseRefusedError(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not valid.")
        held = self._held.get(blob)
        if held is not None and held.holds(now) and (held.broken or held.id != lease_id):
            raise LeaseRefusedError(409, "LeaseAlreadyPresent", "There is already a lease present.")
        return self._keep(blob, Lease(lease_id, duration, _until(duration, now)))

    def renew(self, blob: tuple[str, str], lease_id: str, now: float) -> Lease:
        """Let it live as long again. Raises LeaseRefusedError."""
        held = self._mine(blob, lease_id)
        if held.broken:
            raise LeaseRefusedError(
                409, "LeaseIsBrokenAndCannotBeRenewed", "The lease ID matched, but the lease has been broken."
            )
        return self._keep(blob, replace(held, until=_until(held.duration, now)))

    def release(self, blob: tuple[str, str], lease_id: str) -> None:
        """Give it up at once. Raises LeaseRefusedError."""
        self._mine(blob, lease_id)
        del self._held[blob]

    def take_away(self, blob: tuple[str, str], period: int | None, now: float) -> int:
        """Break it: nobody holds it after `period` seconds at most. How many are left. Raises LeaseRefusedError."""
        held = self._held.get(blob)
        if held is None:
            raise LeaseRefusedError(409, "LeaseNotPresentWithLeaseOperation", "There is no lease on the blob.")
        left = max(0.0, held.until - now)
        if held.duration == FOR_EVER:
            left = 0.0
        if period is not None:
            left = min(left, period) if held.duration != FOR_EVER else float(period)
        self._keep(blob, replace(held, until=now + left, broken=True))
        return math.ceil(left)

    def check_write(self, blob: tuple[str, str], lease_id: str, now: float) -> None:
        """Whether a write with that lease id ("" for none) may go on. Raises LeaseRefusedError."""
        held = self._held.get(blob)
        if held is None or not held.holds(now):
            if lease_id:
                raise LeaseRefusedError(412, "LeaseLost", "A lease ID was specified, but the lease has expired.")
        elif not lease_id:
            raise LeaseRefusedError(412, "LeaseIdMissing", "There is a lease on the blob and no lease ID was given.")
        elif held.id != lease_id:
            raise LeaseRefusedError(
                412,
                "LeaseIdMismatchWithBlobOperation",
                _MISMATCH,
            )

    def state(self, blob: tuple[str, str], now: float) -> str:
        """`available`, `leased`, `breaking`, `broken` or `expired`."""
        held = self._held.get(blob)
        if held is None:
            return "available"
        if held.broken:
            return "breaking" if held.holds(now) else "broken"
        return "leased" if held.holds(now) else "expired"

    def _mine(self, blob: tuple[str, str], lease_id: str) -> Lease:
        held = self._held.get(blob)
        if held is None or held.id != lease_id:
            raise LeaseRefusedError(
                409,
                "LeaseIdMismatchWithLeaseOperation",
                _MISMATCH,
            )
        return held

    def _keep(self, blob: tuple[str, str], lease: Lease) -> Lease:
        self._held[blob] = lease
        return lease


def _until(duration: int, now: float) -> float:
    return math.inf if duration == FOR_EVER else now + duration
