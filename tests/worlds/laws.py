"""The laws of design §5, watched at every write by somebody who does not know how decisions are made."""

from __future__ import annotations

from typing import Any

from rollout.core import actions
from rollout.core.decision import Decision
from rollout.core.journey import Step, first, normal
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Gate, GateKind, Release, Traffic
from rollout.ports import RequestCount
from tests.worlds.plane import RulesPlane


class BrokenLawError(AssertionError):
    """A law was broken; the text says which."""


class Watch:
    """A control plane around the plane of the world, that raises `BrokenLawError` before a lawless write is made.

    It keeps its own book of which gates passed for which creation of which deployment.
    """

    def __init__(self, plane: RulesPlane) -> None:
        self.plane = plane
        self.release: Release | None = None
        self.requests: RequestCount = plane.requests
        self.errors: list[str] = []
        self.forgiven = False
        """Set when a person said `promote`: from then on the book of passed gates is not the whole story."""
        self._book: set[tuple[str, str, str]] = set()
        self._seen: Endpoint | None = None

    async def observe(self, endpoint: str) -> Observation:
        """Pass through, and remember what was seen."""
        seen = await self.plane.observe(endpoint)
        self._seen = seen.endpoint
        return seen

    async def settle(self, endpoint: Endpoint) -> None:
        """Pass through."""
        await self.plane.settle(endpoint)

    async def logs(self, endpoint: str, deployment: str, lines: int = 40) -> str:
        """Pass through."""
        return await self.plane.logs(endpoint, deployment, lines)

    async def apply(self, action: actions.Action, before: Endpoint | None) -> None:
        """Check, then pass through."""
        if isinstance(action, actions.SetTraffic) and before is not None:
            self._sums(action, before)
            self._raises_only_the_proven(action, before)
            self._follows_the_load(action, before)
        if before is not None:
            self._leaves_traffic_alone(action, before)
        await self.plane.apply(action, before)
        self._states()

    def passed(self, gate: Gate, decision: Decision) -> None:
        """A gate measured PASS for what now lives in the candidate's slot."""
        found = self._seen.deployment(decision.roles.candidate) if self._seen else None
        if found is not None:
            self._book.add((found.name, _creation(found), gate.digest))

    def _follows_the_load(self, action: actions.SetTraffic, before: Endpoint) -> None:
        """What scales the promoted deployment scales whatever takes weight from it."""
        progress = from_tags(before.tags)
        promoted = progress.promoted.name if isinstance(progress, Progress) and progress.promoted else ""
        stable = before.deployment(promoted)
        if stable is None or stable.scaling is None or self.forgiven:
            return
        for found in before.deployments:
            rises = action.weights.live(found.name) > before.weights.live(found.name)
            if rises and found.name != promoted and not found.autoscaled:
                raise BrokenLawError(f"law 2: {found.name} takes weight and does not follow the load")

    def _sums(self, action: actions.SetTraffic, before: Endpoint) -> None:
        total = sum(weight for _, weight in action.weights.traffic)
        was = sum(weight for _, weight in before.weights.traffic)
        if total != 100 and not (total == 0 and was == 0):
            raise BrokenLawError(f"law 1: the weights sum to {total}")

    def _raises_only_the_proven(self, action: actions.SetTraffic, before: Endpoint) -> None:
        assert self.release is not None, "somebody decides"
        progress = from_tags(before.tags)
        record = progress if isinstance(progress, Progress) else None
        for name, weight in action.weights.traffic:
            if weight > before.weights.live(name) and not self._may_rise(name, weight, before, record):
                raise BrokenLawError(f"law 2: {name} rises to {weight} unproven")

    def _may_rise(self, name: str, weight: int, before: Endpoint, record: Progress | None) -> bool:
        found = before.deployment(name)
        promoted = record.promoted.name if record and record.promoted else ""
        if not promoted and len(before.weights.serving) == 1:
            promoted = before.weights.serving[0]
        if name == promoted or self.forgiven:
            return True
        if found is None or not found.ready:
            return False
        former = record.former if record else None
        again = former is not None and (former.revision, former.born) == (self.release_goal, found.born or "")
        gates = self._gates(weight, before, again=again)
        return all((name, _creation(found), gate.digest) in self._book for gate in gates)

    @property
    def release_goal(self) -> str:
        """What the plan asks for."""
        assert self.release is not None, "somebody decides"
        return self.release.goal

    def _gates(self, weight: int, before: Endpoint, *, again: bool) -> list[Gate]:
        """The measured gates that must have passed before that weight; `again`: for what was promoted once."""
        assert self.release is not None, "somebody decides"
        if not before.weights.serving:
            return _measured(first(self.release, "any").steps)
        if again:
            return [gate for gate in _measured(normal(self.release, "any").steps) if gate.kind is GateKind.SMOKE_TEST]
        steps = []
        for step in normal(self.release, "any").steps:
            if isinstance(step.stage, Traffic) and step.stage.weight >= weight:
                break
            steps.append(step)
        return _measured(tuple(steps))

    def _leaves_traffic_alone(self, action: actions.Action, before: Endpoint) -> None:
        match action:
            case actions.DeleteDeployment(deployment=name) | actions.DeployRevision(deployment=name):
                if before.weights.touches(name):
                    raise BrokenLawError(f"law 3: {name} has traffic")
            case actions.ScaleDeployment(deployment=name, before=was, count=count):
                if before.weights.touches(name) and count < was:
                    raise BrokenLawError(f"law 3: {name} has traffic and shrinks")
            case actions.DropAutoscale(deployment=name):
                if before.weights.touches(name):
                    raise BrokenLawError(f"law 3: {name} has traffic and does not follow it any more")
            case _:
                pass

    def _states(self) -> None:
        """Every committed state since the last look sums to 100 or 0."""
        for snapshot in self.plane.rules.history:
            doc: Any = snapshot.endpoint
            total = sum(doc["properties"]["traffic"].values()) if doc else 0
            if total not in (0, 100):
                raise BrokenLawError(f"law 1: {doc['properties']['traffic']} at {snapshot.time}")
        self.plane.rules.history.clear()


def _creation(found: Any) -> str:
    return f"{found.born}:{found.content}"


def _measured(steps: tuple[Step, ...]) -> list[Gate]:
    return [s.stage for s in steps if isinstance(s.stage, Gate) and s.stage.kind is not GateKind.APPROVAL]
