"""The `born` stamp: when we created (or updated in place) a deployment, in the service's time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

REVISION_TAG: Final = "rollout.revision"
BORN_TAG: Final = "rollout.born"
_FORMAT: Final = "%Y%m%dT%H%M%SZ"


def born_stamp(now: datetime) -> str:
    """The stamp for a creation at `now`, to the second (the service's Date has no more)."""
    return now.astimezone(UTC).strftime(_FORMAT)


def born_at(stamp: str) -> datetime | None:
    """The time in a stamp; None if it is not one of ours."""
    try:
        return datetime.strptime(stamp, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
