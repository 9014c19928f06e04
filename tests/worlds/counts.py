"""The requests of these worlds: 600 a minute by the weights of that minute, and how many of each revision's are bad."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from rollout.core.actions import Action
from rollout.core.evidence.counts import Row
from rollout.core.evidence.grid import MINUTE
from rollout.core.gate_bodies import Source
from rollout.errors import AzureError
from rollout.ports import AlertRules, Counted, CountQuery, MetricSource

if TYPE_CHECKING:
    from tests.worlds.plane import RulesPlane

PER_MINUTE: Final = 600
Served = dict[str, tuple[int, str]]
"""By deployment: its weight, and the model that it carries."""


class Counts:
    """Counts of the plane's past; is a source, and the way to it. `bad` is the share of bad requests by model,
    `failure` why there is no answer at all ("": there is one)."""

    def __init__(self, plane: RulesPlane) -> None:
        self._plane = plane
        self._past: list[tuple[datetime, Served]] = []
        self.bad: dict[str, float] = {}
        self.failure = ""
        plane.seen = self.note

    def note(self, action: Action | None = None) -> None:
        """What serves from now on."""
        world = self._plane.rules.world.endpoints.get("house")
        weights = world.doc["properties"]["traffic"] if world else {}
        served = {
            name: (int(weights.get(name, 0)), str(held.doc["properties"].get("model", "")).rsplit(":", 1)[-1])
            for name, held in (world.deployments.items() if world else ())
        }
        if not self._past or self._past[-1][1] != served:
            self._past.append((self._plane.now, served))

    @property
    def alerts(self) -> AlertRules:
        """No plan here names one."""
        raise NotImplementedError

    def of(self, source: Source) -> MetricSource:
        """Itself."""
        return self

    async def count(self, query: CountQuery) -> Counted:
        """Every minute by what served when it began."""
        if self.failure:
            raise AzureError(self.failure, code="Down")
        self.note()
        return Counted(tuple(self._rows(query)), "what served")

    def _rows(self, query: CountQuery) -> Iterator[Row]:
        count = int((query.end - query.start) / MINUTE)
        place = 0
        for minute in (query.start + number * MINUTE for number in range(count)):
            while place + 1 < len(self._past) and self._past[place + 1][0] <= minute:
                place += 1
            served = self._past[place][1] if self._past and self._past[place][0] <= minute else {}
            for name in query.deployments:
                weight, model = served.get(name, (0, ""))
                requests = PER_MINUTE * weight // 100
                yield Row(minute, name, requests, float(int(requests * self.bad.get(model, 0.002))))
