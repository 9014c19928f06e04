"""Times as a policy writes them: wall-clock times, days, recurrences and zones, each with our own messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from rollout.plan.shapes import refuse

MOST_TEXT: Final = 1000
_WALL: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2})?))?\Z")
_SCHEMA: Final = "^[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?$"
_DAY: Final = re.compile(r"(?:\d{4}-)?\d{2}-\d{2}\Z")
_LEAP: Final = "2000-"
_PARTS: Final = frozenset({"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS"}) | {
    f"BY{part}" for part in ("DAY", "MONTH", "MONTHDAY", "YEARDAY", "WEEKNO")
}
_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_INTERVAL: Final = re.compile(r"[1-9][0-9]{0,2}\Z")
_LONGEST: Final = 300
_YEARS: Final = 20
"""A recurrence that does not come once in so many years is a mistake."""
_FROM, _TO = 2000, 2200
_EXPECTED: Final = "an RRULE of RFC 5545, such as `FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR`"


def wall_time(value: Any) -> datetime:
    """A time on the wall clock, without a zone; a day alone is its midnight."""
    found = _WALL.match(value) if isinstance(value, str) else None
    with suppress(ValueError):
        if found is not None and _FROM <= int(found[1][:4]) <= _TO:
            return datetime.fromisoformat(f"{found[1]}T{found[2] or '00:00'}")
    return refuse(
        "PLAN118", f"`{value}` is no time on the wall clock", expected="`2026-01-05T09:00`; the zone is `zone`"
    )


def day(value: Any) -> str:
    """A day, or a day of every year."""
    if isinstance(value, str) and _DAY.match(value):
        with suppress(ValueError):
            date.fromisoformat(value if len(value) > len("12-24") else _LEAP + value)
            return value
    return refuse("PLAN118", f"`{value}` is no day", expected="`2026-12-24`, or `12-24` for every year")


def recurrence(value: Any) -> str:
    """An RRULE: days and longer, whose parts the recurrence library understands, and that comes again."""
    text = value.upper().removeprefix("RRULE:") if isinstance(value, str) else ""
    given = dict(part.partition("=")[::2] for part in text.split(";"))
    unknown = [name for name in given if name not in _PARTS]
    if len(text) > _LONGEST or unknown or given.get("FREQ") not in _FREQUENCIES:
        said = unknown[0] if unknown and unknown[0] else str(value)
        refuse(
            "PLAN119", f"`{said[:40]}` is not understood here", expected=_EXPECTED, hint="times are `from` and `for`"
        )
    if not _INTERVAL.match(given.get("INTERVAL", "1")):
        refuse("PLAN119", f"an interval of `{given['INTERVAL'][:40]}`", expected="1 to 999")
    try:
        comes = _comes(text, given)
    except (ValueError, TypeError, OverflowError) as error:
        refuse("PLAN119", f"`{text[:80]}`: {error}", expected=_EXPECTED)
    if not comes:
        refuse("PLAN119", f"`{text[:80]}` does not come within {_YEARS} years", expected="one that does")
    return text


def _comes(text: str, given: Mapping[str, str]) -> bool:
    """Whether it comes at all. The library would look for it up to the year 9999, so it is asked about the last years
    before that: a rule from a pull request must not hold anybody up."""
    from dateutil.rrule import rrulestr  # only where a policy has windows: start-up time

    rrulestr(text, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001 - wall clock; raises for what it does not understand
    endless = ";".join(f"{name}={value}" for name, value in given.items() if name not in ("COUNT", "UNTIL"))
    return next(iter(rrulestr(endless, dtstart=datetime(10_000 - _YEARS, 1, 1))), None) is not None  # noqa: DTZ001


def zone(value: Any) -> str:
    """The name of a time zone of the IANA database."""
    from zoneinfo import ZoneInfo

    with suppress(LookupError, ValueError, OSError):
        if isinstance(value, str):
            return ZoneInfo(value).key
    return refuse("PLAN120", f"`{value}` is no time zone", expected="a name such as `Europe/Berlin` or `UTC`")


def _days(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MOST_TEXT:
        refuse("PLAN103", "this must be a list", expected=f"a list of at most {MOST_TEXT} days")
    return tuple(map(day, value))


WallTime = Annotated[datetime, BeforeValidator(wall_time), WithJsonSchema({"type": "string", "pattern": _SCHEMA})]
Days = Annotated[
    tuple[str, ...],
    BeforeValidator(_days),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": "^(?:[0-9]{4}-)?[0-9]{2}-[0-9]{2}$"}}),
]
Recurrence = Annotated[str, BeforeValidator(recurrence), WithJsonSchema({"type": "string"})]
Zone = Annotated[str, BeforeValidator(zone), WithJsonSchema({"type": "string"})]
