"""Who moved something under our feet: of the writes that the service's log tells, the last that was none of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.core.observed import Endpoint
from rollout.core.progress import Progress, from_tags
from rollout.core.stamp import born_at

OURS_WITHIN: Final = timedelta(minutes=5)
"""A write so soon after one that we have recorded is taken for it: it is logged when accepted and when it ends."""


class Move(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A write that succeeded: when, and by whom ("" where the log does not say)."""

    at: datetime
    who: str = ""


def our_writes(endpoint: Endpoint) -> tuple[datetime, ...]:
    """When we have written, as far as the endpoint's own record tells."""
    record = from_tags(endpoint.tags)
    told = [entry.at for entry in record.history] if isinstance(record, Progress) else []
    born = (born_at(found.born) for found in endpoint.deployments if found.born)
    return tuple(sorted([*told, *(time for time in born if time is not None)]))


def last_foreign(moves: Iterable[Move], ours: Sequence[datetime]) -> Move | None:
    """The newest of the moves that follows none of our own writes closely; None where there is none."""
    foreign = [move for move in moves if not any(timedelta() <= move.at - time <= OURS_WITHIN for time in ours)]
    return max(foreign, key=lambda move: move.at, default=None)
