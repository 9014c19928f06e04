"""ISO 8601 durations as Resource Manager writes them. Pure."""

from __future__ import annotations

import re
from typing import Final

_DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def seconds(duration: str) -> float:
    """Seconds of a duration. Raises `ValueError`."""
    match = _DURATION.fullmatch(duration)
    if not match:
        raise ValueError(f"not a duration: {duration}")
    days, hours, minutes, rest = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + rest


def milliseconds(duration: str) -> int:
    """Milliseconds of a duration. Raises `ValueError`."""
    return round(1000 * seconds(duration))
