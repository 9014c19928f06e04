"""A source of counts that a test scripts, and an endpoint in the middle of a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from rollout.core.decision import Roles
from rollout.core.evidence.alerts import Rule
from rollout.core.evidence.counts import Row
from rollout.core.evidence.grid import MINUTE
from rollout.core.gate_bodies import Asked, Bake, ErrorRate, Evidence, Source
from rollout.core.observed import Deployment, Endpoint, Observation, weights
from rollout.core.progress import Progress, Run, to_tags
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import AzureError, RolloutError
from rollout.ports import AlertRules, Counted, CountQuery, MetricSource

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROLES = Roles(stable="blue", candidate="green")
HEALTHY = Verdict(outcome=Outcome.PASS, reason="green is healthy")
Rates = Callable[[datetime, str], tuple[float, float]]
"""Minute and deployment → requests and bad ones."""


class ScriptedRules:
    """Alert rules by name; one that is not there cannot be read."""

    def __init__(self, *rules: Rule) -> None:
        self._rules = {rule.id: rule for rule in rules}

    async def look(self, rule: str) -> Rule:
        """The rule of that name."""
        if rule not in self._rules:
            raise AzureError(f"read the alert rule {rule}: not found", code="ResourceNotFound")
        return self._rules[rule]


class Scripted:
    """Counts by a function; remembers what it was asked. Is a source, and the way to it."""

    def __init__(self, rates: Rates, failure: RolloutError | None = None) -> None:
        self._rates = rates
        self._failure = failure
        self.asked: list[CountQuery] = []
        self.rules = ScriptedRules()

    @property
    def alerts(self) -> AlertRules:
        """The scripted alert rules."""
        return self.rules

    def of(self, source: Source) -> MetricSource:
        """Itself."""
        return self

    async def count(self, query: CountQuery) -> Counted:
        """Every minute of the query, also those before the exposure."""
        self.asked.append(query)
        if self._failure is not None:
            raise self._failure
        count = int((query.end - query.start) / MINUTE)
        rows = [
            Row(minute, name, *self._rates(minute, name))
            for minute in (query.start + number * MINUTE for number in range(count))
            for name in query.deployments
        ]
        return Counted(tuple(rows), "what was asked")


def steady(candidate_bad: float = 0, stable_bad: float = 1, candidate: float = 30, stable: float = 270) -> Rates:
    """The same counts in every minute from noon on; stable alone before."""

    def rates(minute: datetime, name: str) -> tuple[float, float]:
        if name == "green":
            return (candidate, candidate_bad) if minute >= NOON else (0, 0)
        return stable, stable_bad

    return rates


def running(minutes: float, *, exposed: float | None = 0, since: float = 0, split: int = 10) -> Observation:
    """So many minutes after noon; green has `split` percent. `exposed` and `since` are minutes after noon."""
    run = Run(goal="v2", slot="green", exposed=None if exposed is None else at(exposed))
    live = weights({"blue": 100 - split, "green": split})
    record = Progress(plan="house", run=run, since=at(since), written=live)
    deployments = tuple(Deployment(name=name, state="Succeeded", count=1) for name in ("blue", "green"))
    endpoint = Endpoint(
        name="house", id="/endpoints/house", deployments=deployments, weights=live, tags=to_tags(record)
    )
    return Observation(endpoint, at(minutes))


def at(minutes: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=minutes)


def bake(**evidence: object) -> Bake:
    """Half an hour with a check of the error rate; one point worse is good enough."""
    checks = (Asked(name="error_rate", question=ErrorRate(), tolerate=0.01),)
    return Bake(seconds=1800, evidence=Evidence(**{"checks": checks, **evidence}))  # type: ignore[arg-type]
