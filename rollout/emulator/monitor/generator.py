"""Makes up the traffic that was asked for, minute by minute of the service's time, along the weights of each minute."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from rollout.emulator.monitor.records import Scored
from rollout.emulator.monitor.synthetic import Traffic, Weights, minute_of

MINUTE: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=2)
"""No more than so much is made up at once, when time has jumped: as much as metrics are kept."""


class Generator:
    """The traffic in force. `record` takes each request; `route` is told of every change of weights."""

    def __init__(self, record: Callable[[Scored], None]) -> None:
        self._record = record
        self._traffic: dict[str, tuple[Traffic, datetime]] = {}
        self._weights: dict[str, list[tuple[datetime, Weights]]] = {}

    def set(self, traffic: Traffic, now: datetime) -> None:
        """Begin with the next whole minute; replaces the endpoint's earlier traffic, up to which all is made up."""
        self.fill(now)
        self._traffic[traffic.endpoint] = (traffic, _minute(now) + MINUTE)

    def clear(self, endpoint: str | None = None) -> None:
        """Stop the traffic of an endpoint, or of all."""
        self._traffic = {name: one for name, one in self._traffic.items() if endpoint not in (None, name)}

    def gone(self, endpoint: str) -> None:
        """An endpoint was deleted: nobody asks it any more, and its weights are forgotten."""
        self._traffic.pop(endpoint, None)
        self._weights.pop(endpoint, None)

    def listing(self) -> list[Traffic]:
        """The traffic in force."""
        return [traffic for traffic, _ in self._traffic.values()]

    def route(self, endpoint: str, weights: Weights, now: datetime) -> None:
        """The endpoint's weights from now on."""
        known = self._weights.setdefault(endpoint, [])
        if not known or known[-1][1] != weights:
            known.append((now, weights))

    def fill(self, now: datetime) -> None:
        """Make up the minutes that are over."""
        for endpoint, (traffic, due) in tuple(self._traffic.items()):
            start = max(due, _minute(now) - LONGEST)
            for minute in _minutes(start, now):
                weights = self._at(endpoint, minute)
                for line in minute_of(traffic, minute, weights) if weights else ():
                    self._record(line)
                start = minute + MINUTE
            self._traffic[endpoint] = (traffic, start)

    def _at(self, endpoint: str, moment: datetime) -> Weights | None:
        """None: there was no such endpoint."""
        known = self._weights.get(endpoint, [])
        index = bisect_right(known, moment, key=lambda entry: entry[0])
        return known[index - 1][1] if index else None


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def _minutes(start: datetime, now: datetime) -> Iterator[datetime]:
    """The starts of all minutes from `start` that have ended by now."""
    while start + MINUTE <= now:
        yield start
        start += MINUTE
