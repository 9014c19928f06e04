"""Metric alert rules, and when they fired: worked out from the metrics again at every look. Pure.

A rule looks at whole multiples of its frequency, each time at the window that ends then. Its alert is over at the third
look in a row that finds the condition not met (how-to: "stateful … resolved when the condition isn't met for three
consecutive checks"); with `autoMitigate: false` each look that finds it met is an alert of its own, and none ends.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from rollout.emulator.answers import Rejected, plain
from rollout.emulator.monitor.metric_samples import Sample
from rollout.emulator.monitor.moments import BadMoment, duration

HEALTHY: Final = 3
"""So many looks in a row must be good before an alert is over."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FREQUENCIES: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
_WINDOWS: Final = (*_FREQUENCIES, timedelta(hours=6), timedelta(hours=12), timedelta(days=1))
_HOW: Final[Mapping[str, Callable[[Sequence[float]], float]]] = {
    "average": lambda values: sum(values) / len(values),
    "minimum": min,
    "maximum": max,
    "total": sum,
    "count": len,
}
_OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "greaterthan": operator.gt,
    "greaterthanorequal": operator.ge,
    "lessthan": operator.lt,
    "lessthanorequal": operator.le,
}


class Dimension(msgspec.Struct, frozen=True):
    """Which values of a dimension are looked at; `*` is any of them."""

    name: str
    values: tuple[str, ...]
    operator: str = "Include"

    def holds(self, given: Mapping[str, str]) -> bool:
        """Whether a sample is among them."""
        value = next((value for name, value in given.items() if name.lower() == self.name.lower()), "")
        named = "*" in self.values or value.lower() in (one.lower() for one in self.values)
        return named == (self.operator.lower() == "include")


class Criterion(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One condition on one metric."""

    metric_name: str
    operator: str
    threshold: float
    time_aggregation: str
    dimensions: tuple[Dimension, ...] = ()

    def met(self, samples: Sequence[Sample]) -> bool:
        """Whether the samples of a window meet it; nothing measured meets nothing."""
        values = [one.value for one in samples if all(each.holds(one.dimensions) for each in self.dimensions)]
        if not values:
            return False
        return _OPERATORS[self.operator.lower()](_HOW[self.time_aggregation.lower()](values), self.threshold)


class AlertRule(msgspec.Struct, frozen=True):
    """A metric alert rule on one resource: all its criteria at once."""

    scope: str
    every: timedelta
    window: timedelta
    criteria: tuple[Criterion, ...]
    enabled: bool = True
    stateful: bool = True


def read(body: Any) -> AlertRule:
    """The rule of a request's body. Raises `Rejected` (400)."""
    inner = body.get("properties") if isinstance(body, dict) else None
    if not isinstance(inner, dict) or not isinstance(inner.get("scopes"), list) or len(inner["scopes"]) != 1:
        raise _bad("'scopes' must name one resource")
    try:
        every, window = (duration(str(inner.get(name))) for name in ("evaluationFrequency", "windowSize"))
        criteria = msgspec.convert((inner.get("criteria") or {}).get("allOf"), tuple[Criterion, ...])
    except BadMoment as error:
        raise _bad(f"{error} is no duration") from error
    except msgspec.ValidationError as error:
        raise _bad(f"criteria: {error}") from error
    if every not in _FREQUENCIES or window not in _WINDOWS or window < every:
        raise _bad("evaluationFrequency and windowSize are not among the supported ones")
    known = all(c.operator.lower() in _OPERATORS and c.time_aggregation.lower() in _HOW for c in criteria)
    if not criteria or not known:
        raise _bad("criteria: one static condition at least, with a known operator and aggregation")
    enabled, stateful = inner.get("enabled") is not False, inner.get("autoMitigate") is not False
    return AlertRule(str(inner["scopes"][0]), every, window, criteria, enabled, stateful)


def firings(
    rule: AlertRule, samples: Sequence[Sequence[Sample]], start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime | None]]:
    """When it fired, and when that was over (None: it goes on), by the looks from `start` to `end`. `samples` are those
    of each criterion's metric; all up to `end` must be known."""
    began: datetime | None = None
    good = 0
    for at in _looks(rule, start, end):
        met = all(
            one.met([s for s in known if at - rule.window <= s.minute < at])
            for one, known in zip(rule.criteria, samples, strict=True)
        )
        good = 0 if met else good + 1
        if met and not rule.stateful:
            yield at, None
        elif met and began is None:
            began = at
        elif began is not None and good == HEALTHY:
            yield began, at
            began = None
    if began is not None:
        yield began, None


def _looks(rule: AlertRule, start: datetime, end: datetime) -> Iterator[datetime]:
    at = _EPOCH + ((start - _EPOCH) // rule.every + 1) * rule.every
    while at <= end:
        yield at
        at += rule.every


def _bad(message: str) -> Rejected:
    return plain(400, "BadRequest", f"The alert rule is not valid: {message}")
