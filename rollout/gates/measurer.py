"""The one door of this package: a gate in, its verdict out."""

from __future__ import annotations

import contextlib
from typing import Final, assert_never

import msgspec

from rollout.core.decision import Decision, Roles
from rollout.core.gate_bodies import Approval, Bake, Compare, GateBody, Metric, SmokeTest
from rollout.core.observed import Endpoint, Observation
from rollout.core.release import Gate, Role
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import RolloutError
from rollout.gates import bake, compare, evidence, recorded, smoke
from rollout.ports import Clock, ControlPlane, MetricSources, Recordings, Scoring

_NOT_ASKED: Final = Verdict(outcome=Outcome.PASS, reason="its health is not asked")


class Measurer:
    """Takes measurements with real requests. Implements `runner.Measure`; remembers nothing between two calls."""

    def __init__(
        self,
        scoring: Scoring,
        plane: ControlPlane,
        clock: Clock,
        sources: MetricSources,
        recordings: Recordings | None = None,
    ) -> None:
        self._scoring = scoring
        self._plane = plane
        self._clock = clock
        self._sources = sources
        self._recordings = recordings

    async def __call__(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        """Measure `gate` now; a FAIL brings the end of the candidate's container log, where there is one. Raises
        `SignInError` where the data plane refuses our credential."""
        verdict = await self._measure(gate, observation, decision)
        if verdict.outcome is not Outcome.FAIL or observation.endpoint is None or verdict.evidence.get("log"):
            return verdict
        lines = await self._log(observation.endpoint.name, decision.roles.candidate)
        return msgspec.structs.replace(verdict, evidence={**verdict.evidence, "log": lines}) if lines else verdict

    async def _compared(self, test: Compare, endpoint: Endpoint, roles: Roles) -> Verdict:
        if test.assets and roles.stable:  # without a stable nothing is sent, so nothing is read
            if self._recordings is None:
                return Verdict(outcome=Outcome.ERROR, reason="data assets cannot be read here")
            found = await recorded.with_recorded(self._recordings, test)
            if isinstance(found, Verdict):
                return found
            test = found
        return await compare.measure(self._scoring, self._clock, endpoint, roles, test)

    async def _log(self, endpoint: str, deployment: str) -> list[str]:
        """Nothing where it cannot be read: a verdict does not wait for it."""
        with contextlib.suppress(RolloutError):
            return (await self._plane.logs(endpoint, deployment, bake.LOG_LINES)).splitlines()
        return []

    async def _measure(self, gate: Gate, observation: Observation, decision: Decision) -> Verdict:
        body: GateBody = gate.body
        endpoint = observation.endpoint
        if endpoint is None:
            return Verdict(outcome=Outcome.NO_DATA, reason="the endpoint does not exist")
        match body:
            case SmokeTest(deployment=role):
                return await smoke.measure(self._scoring, endpoint, _named(role, decision.roles), body)
            case Compare():
                return await self._compared(body, endpoint, decision.roles)
            case Bake(deployment=role):
                name = _named(role, decision.roles)
                health = await bake.measure(self._scoring, self._plane, self._clock, endpoint, name)
                return await evidence.measure(self._sources, body, observation, decision.roles, health)
            case Metric():
                return await evidence.measure(self._sources, body, observation, decision.roles, _NOT_ASKED)
            case Approval():
                return Verdict(outcome=Outcome.NO_DATA, reason="an approval is given, not measured")
            case _:
                assert_never(body)


def _named(role: Role, roles: Roles) -> str:
    """The deployment that plays the role now (in a first release there is no stable: the candidate)."""
    return roles.candidate if role is Role.CANDIDATE or not roles.stable else roles.stable
