"""The only loop: observe → measure → decide → apply one action → look again.

Every pass may be the first ever: nothing is remembered between two passes but the record in the endpoint's tags.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from rollout.core import untaken
from rollout.core.actions import Action, CreateEndpoint, DeleteDeployment, DeployRevision, Record, ScaleDeployment
from rollout.core.decide import decide
from rollout.core.decision import Decision, StageState, Status
from rollout.core.observed import FAILED, Endpoint, Observation
from rollout.core.release import Gate, Release
from rollout.core.run import refused_key
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import AzureError, Refused, Retryable, RolloutError, Stale, Unapproved
from rollout.ports import Clock, ControlPlane

PATIENCE: Final = 8
"""How many times in a row a pass may end in `Stale` or `Retryable` before the error is the user's."""
LOOK_EVERY: Final = 30.0
"""Seconds of service time between two looks while something (a bake's health, an approval) is waited for."""


class Measure(Protocol):
    """Takes the measurement of one gate and judges it. Made by `rollout.gates`."""

    async def __call__(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict: ...


class Looking(msgspec.Struct, frozen=True):
    """A pass begins."""


class Looked(msgspec.Struct, frozen=True):
    """A pass saw this, measured that, and decided so."""

    observation: Observation
    decision: Decision
    verdicts: Mapping[str, Verdict] = {}


class Measuring(msgspec.Struct, frozen=True):
    """A gate is being measured."""

    gate: Gate


class Measured(msgspec.Struct, frozen=True):
    """A gate gave its verdict."""

    gate: Gate
    verdict: Verdict


class Started(msgspec.Struct, frozen=True):
    """An action was sent to the service."""

    action: Action


class Finished(msgspec.Struct, frozen=True):
    """The service has finished the action; `error` says how it failed, if it did."""

    action: Action
    error: str = ""


class Waiting(msgspec.Struct, frozen=True):
    """Nothing to do before `until` (None: a person must act); the loop sleeps `seconds` of service time."""

    reason: str
    until: datetime | None
    seconds: float


class Troubled(msgspec.Struct, frozen=True):
    """A pass failed in a way that the next one may mend."""

    error: str
    seconds: float


Event = Looking | Looked | Measuring | Measured | Started | Finished | Waiting | Troubled
Listener = Callable[[Event], None]


Prove = Callable[[Observation], Awaitable[None]]
"""Raises Refused unless there is room for all that is still to be created; asked once, before the first such write."""


class Guard(Protocol):
    """Says no, by raising Refused or Unapproved, to what nobody has allowed or approved; asked at every look."""

    @property
    def exact(self) -> bool:
        """Whether everything is read once more right before each write, and asked about again."""
        ...

    def __call__(self, seen: Observation, decision: Decision) -> None: ...


class Done(msgspec.Struct, frozen=True):
    """An action that was carried out a moment ago, and the endpoint as it was before."""

    action: Action
    before: Endpoint | None


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """When to stop: at a satisfied stage, and how long to sleep at most (seconds of service time; 0: never)."""

    until: str = ""
    max_wait: float = 0.0


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a run of the loop ended. `failure` is the text of a failed create: sentence, end of its log, hint."""

    decision: Decision
    observation: Observation
    writes: int
    failure: str = ""


class Runner:
    """One release against one control plane. Holds no state of the rollout."""

    def __init__(
        self,
        release: Release,
        plane: ControlPlane,
        measure: Measure,
        clock: Clock,
        *,
        allowed: frozenset[str] = frozenset(),
        listener: Listener = lambda event: None,
        prove: Prove | None = None,
        guard: Guard | None = None,
    ) -> None:
        self._release = release
        self._plane = plane
        self._measure = measure
        self._clock = clock
        self._allowed = allowed
        self._tell = listener
        self._prove = prove
        self._guard = guard

    async def look(
        self, *, measure: bool, until: str = "", done: Done | None = None, seen: Observation | None = None
    ) -> Looked:
        """One look and one decision, without any write. With `measure` the gate that is asked for is measured, unless
        the stage `until` is satisfied without it. `done`: what was done right before, to see what of it was taken.
        `seen`: what the caller has looked at this very moment, instead of another look."""
        self._tell(Looking())
        observation = seen or await self._plane.observe(self._release.endpoint.name)
        known: Mapping[str, Verdict] = untaken.verdicts(done.action, done.before, observation.endpoint) if done else {}
        decision = decide(self._release, observation, known, self._allowed)
        if measure and decision.measure is not None and not _reached(self._release, decision, until):
            gate = decision.measure
            self._tell(Measuring(gate))
            verdict = await self._measure(gate, observation, decision)
            self._tell(Measured(gate, verdict))
            known = {**known, decision.measure_key: verdict}
            decision = decide(self._release, observation, known, self._allowed)
        looked = Looked(observation, decision, known)
        self._tell(looked)
        return looked

    async def run(self, limits: Limits, seen: Observation | None = None) -> Result:
        """Pass after pass until nothing is left to do now. Raises what a second run cannot mend either. `seen`: what
        the caller has looked at this very moment, for the first pass."""
        writes, trouble, waited, failure = 0, 0, 0.0, ""
        done: Done | None = None
        there = seen is not None and seen.endpoint is not None
        while True:
            try:
                first, seen = seen, None
                looked = await self.look(measure=True, until=limits.until, done=done, seen=first)
                done = None
                decision, observation = looked.decision, looked.observation
                there = _still_there(there, observation, self._release.endpoint.name)
                self._ask(observation, decision)
                if _reached(self._release, decision, limits.until):
                    return Result(decision=decision, observation=observation, writes=writes, failure=failure)
                if decision.status is Status.ACT:
                    failure = await self._act(decision, observation) or failure
                    writes += 1
                    done = Done(decision.actions[0], observation.endpoint)
                elif observation.endpoint is not None and observation.endpoint.in_flight:
                    await self._plane.settle(observation.endpoint)
                else:
                    seconds = _pause(decision, observation.now, limits.max_wait - waited)
                    if seconds is None:
                        return Result(decision=decision, observation=observation, writes=writes, failure=failure)
                    self._tell(Waiting(decision.reason, decision.next_after, seconds))
                    await self._clock.sleep(seconds)
                    waited += seconds
                trouble = 0
            except (Stale, Retryable) as error:
                trouble += 1
                if trouble >= PATIENCE or isinstance(error, Unapproved):
                    raise
                await self._recover(error, trouble)

    async def _recover(self, error: RolloutError, attempt: int) -> None:
        after = error.after if isinstance(error, Retryable) else 0.0
        seconds = after if after is not None else min(60.0, 2.0**attempt)
        self._tell(Troubled(str(error), seconds))
        await self._clock.sleep(seconds)

    def _ask(self, seen: Observation, decision: Decision) -> None:
        if self._guard is not None:
            self._guard(seen, decision)

    async def _act(self, decision: Decision, observation: Observation) -> str:
        """Do one action. A create that failed and left its deployment behind is not an error here: the next pass sees
        it and fails the deploy stage; its text is returned."""
        action = decision.actions[0]
        if self._guard is not None and self._guard.exact:
            self._guard(await self._plane.observe(self._release.endpoint.name), decision)
        if self._prove is not None and isinstance(action, CreateEndpoint | DeployRevision | ScaleDeployment):
            await self._prove(observation)
            self._prove = None
        self._tell(Started(action))
        try:
            await self._plane.apply(action, observation.endpoint)
        except AzureError as error:
            self._tell(Finished(action, str(error)))
            if not isinstance(action, DeployRevision) or not await self._left_behind(action):
                raise
            remedy = f"hint: {error.hint}" if error.hint else ""
            return "\n".join(part for part in (str(error), error.logs, remedy) if part)
        except Refused as error:
            self._tell(Finished(action, str(error)))
            if isinstance(action, DeployRevision):
                with contextlib.suppress(RolloutError):
                    await self._take_away(action, str(error))
            raise
        self._tell(Finished(action))
        return ""

    async def _take_away(self, action: DeployRevision, why: str) -> None:
        """Delete what a refused deployment (no quota, say) left behind, if that is what is decided: it tells nothing
        about the goal, and the next run shall start anew instead of finding a candidate that failed."""
        seen = await self._plane.observe(self._release.endpoint.name)
        found = seen.endpoint.deployment(action.deployment) if seen.endpoint else None
        if found is None or (found.state, found.born) != (FAILED, action.born):
            return
        said = {refused_key(action.deployment, action.born): Verdict(outcome=Outcome.ERROR, reason=why)}
        decided = decide(self._release, seen, said, self._allowed).actions
        if not decided or not isinstance(removal := decided[0], DeleteDeployment):
            return
        self._tell(Started(removal))
        await self._plane.apply(removal, seen.endpoint)
        self._tell(Finished(removal))

    async def _left_behind(self, action: DeployRevision) -> bool:
        seen = await self._plane.observe(self._release.endpoint.name)
        found = seen.endpoint.deployment(action.deployment) if seen.endpoint else None
        return found is not None and found.state == FAILED


def _still_there(before: bool, seen: Observation, name: str) -> bool:
    """Whether the endpoint is there. Raises Retryable where it was, in this very run, and is not: more likely than its
    deletion is an old answer, and creating it anew would take all traffic from what serves."""
    if before and seen.endpoint is None:
        raise Retryable(
            f"{name} was there a moment ago, and the service answers that it does not exist",
            hint="If somebody has deleted it, run the same command again: it starts anew.",
        )
    return seen.endpoint is not None


def _reached(release: Release, decision: Decision, until: str) -> bool:
    """Whether that stage of the plan is satisfied and on record. A bootstrap's stage of that name is another one."""
    if decision.actions and isinstance(decision.actions[0], Record):
        return False  # the marker says that it was passed: without it the stage would be measured again
    asked = {id(stage) for stage in release.stages if stage.name == until}
    return any(id(view.stage) in asked and view.state is StageState.SATISFIED for view in decision.stages)


def _pause(decision: Decision, now: datetime, budget: float) -> float | None:
    """How long to sleep before the next look; None: stop here."""
    if decision.status is not Status.WAIT or budget <= 0:
        return None
    until = decision.next_after or now + timedelta(seconds=LOOK_EVERY)
    return min(max((until - now).total_seconds(), 1.0), LOOK_EVERY, max(budget, 1.0))
