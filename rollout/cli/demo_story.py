"""What the demo tells: the measured split of every traffic stage, the time of each, and the sum of it all."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rollout.cli.demo_load import Load
from rollout.core.actions import SetTraffic
from rollout.core.decision import StageState, Status
from rollout.core.observed import Weights
from rollout.ports import RequestCount
from rollout.render import words
from rollout.render.styled import Line, Meaning, line, spans
from rollout.runner import Event, Finished, Looked, Started

_SETTLED: Final = 0.8
"""Seconds after a change of weights from which on the load's report counts under the new ones only."""
_FEWEST: Final = 30
"""Fewer requests than this say nothing about a split."""


class StageTime(msgspec.Struct, frozen=True):
    """How long one stage was the active one: in the service's time and in ours (seconds)."""

    name: str
    service: float
    real: float


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One release of the demo, as it ended."""

    version: str
    status: Status
    writes: int
    stages: tuple[StageTime, ...]


class Diary:
    """A listener that notes how long each stage took and what split was measured under each weight."""

    def __init__(self, load: Load) -> None:
        self.measured: list[str] = []
        self._load = load
        self._times: dict[str, tuple[float, float]] = {}
        self._last: tuple[str, datetime, float] | None = None
        self._weights: Weights | None = None
        self._from: Mapping[str, int] | None = None
        self._since = 0.0

    def __call__(self, event: Event) -> None:
        """Take one event."""
        self._take_snapshot()
        match event:
            case Looked(observation=seen, decision=decision):
                active = (v.stage.name for v in decision.stages if v.state is StageState.ACTIVE)
                self._turn_page(next(active, "endpoint"), seen.now)
            case Started(action=SetTraffic()):
                self._measure()
            case Finished(action=SetTraffic(weights=weights), error=""):
                self._weights, self._from, self._since = weights, None, time.monotonic()
            case _:
                pass

    def stages(self) -> tuple[StageTime, ...]:
        """Every stage in the order in which it became active."""
        return tuple(StageTime(name, *spent) for name, spent in self._times.items())

    def _turn_page(self, stage: str, now: datetime) -> None:
        if self._last is not None:
            name, then, real = self._last
            service, ours = self._times.get(name, (0.0, 0.0))
            passed = (now - then).total_seconds()
            self._times[name] = (service + passed, ours + time.monotonic() - real)
        self._last = (stage, now, time.monotonic())

    def _take_snapshot(self) -> None:
        """Remember the counts once the requests that were under way at the change have been counted."""
        if self._weights is not None and self._from is None and time.monotonic() - self._since >= _SETTLED:
            self._from = self._load.report()["deployments"]

    def _measure(self) -> None:
        """What share each deployment got since the snapshot, beside what it should have got."""
        if self._weights is None or self._from is None or len(self._weights.traffic) < 2:
            return
        now = self._load.report()["deployments"]
        counts = {name: now.get(name, 0) - self._from.get(name, 0) for name, _ in self._weights.traffic}
        total = sum(counts.values())
        if total >= _FEWEST:
            shares = ", ".join(f"{name} {100 * count / total:.1f} %" for name, count in counts.items())
            self.measured.append(f"asked for {words.split(self._weights)}; measured {shares} of {total} requests")


def summary(acts: list[Act], report: Mapping[str, Any], requests: RequestCount) -> Iterator[Line]:
    """The end of the demo."""
    yield line()
    yield line("Summary", "title")
    for act in acts:
        ended = "converged" if act.status is Status.DONE else act.status.value
        meaning: Meaning = "good" if act.status is Status.DONE else "bad"
        yield spans((f"  {act.version}  ", ""), (ended, meaning), (f"  {act.writes} writes", ""))
        for stage in act.stages:
            if stage.service >= 1:
                yield line(f"      {stage.name:16} {words.span(stage.service):>8}  (here {stage.real:.1f} s)", "dim")
    failed = report["failed"]
    yield spans(
        (f"  requests   {report['sent']} sent, ", ""),
        (f"{failed} failed", "bad" if failed else "good"),
        ("".join(f", {name} {ms} ms" for name, ms in report["latency_ms"].items() if ms is not None), "dim"),
    )
    for failure in report["failures"]:
        yield line(f"      {failure}", "bad")
    yield line(f"  control    {requests.reads} reads, {requests.writes} writes, {requests.polls} polls")
