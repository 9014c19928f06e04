"""The loop's stage: the emulator's rules as the world, with faults on order, and a book of all that happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rollout.core import actions
from rollout.core.decision import Decision
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Gate, Release
from rollout.core.verdict import Outcome, Verdict
from rollout.emulator.world import Kind
from rollout.errors import AzureError, Refused, RolloutError
from rollout.runner import Event, Limits, Result, Runner
from tests.worlds.history import ALLOWED, HEALTHY
from tests.worlds.plane import NAME, RulesPlane

Judge = Callable[[Gate], Verdict]


class Plane(RulesPlane):
    """The rules, and errors on order: the next looks or writes raise them, before anything happens.

    `looked` and `given` are the observations that were handed out, and those that writes were made on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.look_errors: list[RolloutError] = []
        self.write_errors: list[RolloutError | None] = []
        """None lets one write pass."""
        self.late_errors: list[RolloutError] = []
        """Raised by the next writes after the service has carried them out."""
        self.log = ""
        """What the container of a deployment that fails has said last."""
        self.refusing = False
        """Whether the next deployment that fails was refused (no quota, say)."""
        self.looked: list[Endpoint | None] = []
        self.given: list[Endpoint | None] = []
        self.slept: list[float] = []
        self.woke: list[datetime] = []
        self.settled = 0

    async def observe(self, endpoint: str) -> Observation:
        """A look."""
        if self.look_errors:
            raise self.look_errors.pop(0)
        seen = await super().observe(endpoint)
        self.looked.append(seen.endpoint)
        return seen

    async def apply(self, action: actions.Action, before: Endpoint | None) -> None:
        """A write."""
        if self.write_errors and (error := self.write_errors.pop(0)) is not None:
            raise error
        self.given.append(before)
        await super().apply(action, before)
        if self.late_errors:
            raise self.late_errors.pop(0)

    async def settle(self, endpoint: Endpoint) -> None:
        """Waiting for the service."""
        self.settled += 1
        await super().settle(endpoint)

    async def sleep(self, seconds: float) -> None:
        """Waiting for time."""
        self.slept.append(seconds)
        await super().sleep(seconds)
        self.woke.append(self.now)

    def _raise_if_failed(self, action: actions.Action) -> None:
        try:
            super()._raise_if_failed(action)
        except AzureError as error:
            if self.refusing:
                self.refusing = False
                raise Refused("not enough quota") from error
            raise AzureError(str(error), code=error.code, logs=self.log) from error


class Stage:
    """One world, its plan, and what the loop tells while it works on it."""

    def __init__(self, release: Release) -> None:
        self.release = release
        self.plane = Plane()
        self.told: list[Event] = []
        self.judge: Judge = lambda gate: HEALTHY
        self.measured: list[str] = []

    async def run(self, until: str = "", max_wait: float = 0.0) -> Result:
        """The real loop."""
        runner = Runner(self.release, self.plane, self._measure, self.plane, allowed=ALLOWED, listener=self.told.append)
        return await runner.run(Limits(until=until, max_wait=max_wait))

    async def live(self) -> Endpoint:
        """What is there now."""
        found = (await RulesPlane.observe(self.plane, NAME)).endpoint
        assert found is not None, "the endpoint exists"
        return found

    @property
    def story(self) -> list[str]:
        """The names of the events so far, those of actions with the action's."""
        return [_named(event) for event in self.told]

    @property
    def written(self) -> list[str]:
        """The actions that the service took, by name."""
        return [type(action).__name__ for action in self.plane.written]

    def fail_creates(self, times: int = 1) -> None:
        """The next creates of a deployment end as `Failed`."""
        for _ in range(times):
            self.plane.rules.fail_next(Kind.DEPLOYMENT_CREATE, "ResourceNotReady", "User container has crashed")

    async def _measure(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        self.measured.append(gate.name)
        return self.judge(gate)


def says(outcome: Outcome) -> Judge:
    """Every gate says that."""
    return lambda gate: Verdict(outcome=outcome, reason="so it is")


def _named(event: Event) -> str:
    act = getattr(event, "action", None)
    return f"{type(event).__name__} {type(act).__name__}" if act is not None else type(event).__name__
