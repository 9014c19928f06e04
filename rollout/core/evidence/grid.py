"""The grid of blocks: fixed instants, so that every runner judges the same blocks whenever it looks.

A block ends at a whole minute of the clock and is judged when the source's watermark has passed its end: from then on
its counts do not change any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from rollout.core.evidence.counts import Arm, Block, Row

MINUTE: Final = timedelta(minutes=1)
SETTLING: Final = timedelta(minutes=2)
"""How long a write of the weights may take to be in force everywhere (recorded: 20 s). So long after a change the
minutes are not asked which split is the real one, and prove nothing."""
BASELINE: Final = timedelta(minutes=60)
"""So much of stable's time before the first exposure tells how it behaves by itself."""


def floor(moment: datetime) -> datetime:
    """The whole minute at or before `moment`."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def ceiling(moment: datetime) -> datetime:
    """The whole minute at or after `moment`."""
    down = floor(moment)
    return down if down == moment else down + MINUTE


def horizon(now: datetime, lag: float) -> datetime:
    """The end of the last block that is behind the watermark of a source whose counts are final after `lag` seconds."""
    return floor(now - timedelta(seconds=lag))


def blocks(rows: Iterable[Row], stable: str, candidate: str, start: datetime, end: datetime) -> tuple[Block, ...]:
    """The blocks of [start, end), one for each minute, also for those of which the source says nothing.

    A row that is given twice counts once (the later one). `start` and `end` are whole minutes.
    """
    found = {(floor(row.minute), row.deployment.lower()): Arm(row.requests, row.bad) for row in rows}
    count = max(0, int((end - start) / MINUTE))
    return tuple(
        Block(
            minute,
            stable=found.get((minute, stable.lower()), Arm()),
            candidate=found.get((minute, candidate.lower()), Arm()),
        )
        for minute in (start + number * MINUTE for number in range(count))
    )
