"""Moments, durations and spans of time as Azure Monitor writes them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_DURATION: Final = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)


class BadMoment(ValueError):
    """That is no time."""


def moment(text: str) -> datetime:
    """An ISO 8601 moment, in UTC where it does not say; its seventh decimal is cut. Raises `BadMoment`."""
    try:
        found = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.strip().replace(" ", "+")))
    except ValueError as error:
        raise BadMoment(text) from error
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes and seconds. Raises `BadMoment`."""
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise BadMoment(text)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def span(text: str, now: datetime) -> tuple[datetime, datetime]:
    """`START/END`, `START/DURATION`, or a duration that ends now. Raises `BadMoment`."""
    first, slash, second = text.partition("/")
    if not slash:
        return now - duration(first), now
    if first.startswith("P"):
        end = moment(second)
        return end - duration(first), end
    start = moment(first)
    return (start, start + duration(second)) if second.startswith("P") else (start, moment(second))


def stamp(at: datetime) -> str:
    """As Azure Monitor writes it: UTC, whole seconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
