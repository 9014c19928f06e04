"""Durations as people write them: `90s`, `1h30m`, `2d`, or ISO 8601 (`PT1H30M`). Never a bare number."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER: Final = r"[0-9]+(?:\.[0-9]+)?"
_PLAIN: Final = re.compile(rf"(?:({_NUMBER})(ms|s|m|h|d|w))")
_ISO: Final = re.compile(
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?\Z"
)

EXPECTED: Final = "a duration such as `90s`, `30m`, `1h30m`, `2d` or `PT30M`"
PATTERN: Final = r"^(?:(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h|d|w))+|P[0-9TWDHMS.]+)$"
"""For editors: close enough for JSON Schema; `parse_duration` has the last word."""


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError, with no message for people, if `text` is no duration."""
    found = _plain(text)
    if found is None:
        found = _iso(text)
    if found is None or found > 366 * 86400:
        raise ValueError(text)
    return found


def show_duration(seconds: float) -> str:
    """`5400.0` → `1h30m`; the shortest form that `parse_duration` reads back."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def _plain(text: str) -> float | None:
    total, end, seen = 0.0, 0, set()
    for match in _PLAIN.finditer(text):
        if match.start() != end or match[2] in seen:
            return None
        total, end = total + float(match[1]) * _UNITS[match[2]], match.end()
        seen.add(match[2])
    return total if seen and end == len(text) else None


def _iso(text: str) -> float | None:
    match = _ISO.match(text)
    if match is None or text.endswith("T") or not any(match.groups()):
        return None
    return sum(float(n) * size for n, size in zip(match.groups(), (604800, 86400, 3600, 60, 1), strict=True) if n)
