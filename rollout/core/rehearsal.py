"""A plan walked to its end without any service: what would be done, after how long, and what if a gate fails. Pure.

The world is imagined and does what it is asked; how long that takes is what was recorded of the real service. It shows
what the plan means, not whether the candidate is any good.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeployRevision,
    Record,
    ScaleDeployment,
    SetTraffic,
    UpdateEndpoint,
)
from rollout.core.ahead import Glimpse, Judge, ahead, all_pass
from rollout.core.decision import Decision, Phase, Status
from rollout.core.hazards import ANY, CREATES_ENDPOINT
from rollout.core.observed import Endpoint, Observation, Weights
from rollout.core.release import Gate, Release
from rollout.core.verdict import Outcome, Verdict

CREATE_ENDPOINT, CREATE_DEPLOYMENT, CHANGE_ENDPOINT = 90.0, 570.0, 20.0
"""Seconds, recorded of the real service (October 2022, one region): creating an endpoint, a deployment, and a PUT."""
SCALE, DELETE = 300.0, 120.0
"""Seconds; guesses, as the emulator has them to be guessed."""
_EVERYTHING: Final = frozenset({ANY, CREATES_ENDPOINT})
_EARLIER: Final = "an earlier release"


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that would happen: `at` seconds after the start; an action, or a gate with its verdict. `weights` are
    those before it, `instances` how many there are of all deployments."""

    at: float
    action: Action | None = None
    gate: Gate | None = None
    verdict: Verdict | None = None
    weights: Weights
    instances: int


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """The whole walk. `seconds` until its end, `last` what is decided there, `weights` how traffic ends. `settled`:
    when the goal was promoted or rolled back; what comes behind (deletes, clean-up) keeps nobody waiting."""

    moments: tuple[Moment, ...]
    last: Decision
    seconds: float
    weights: Weights
    settled: float

    @property
    def writes(self) -> int:
        """How many changes of Azure resources that takes; markers in the tags are counted, too."""
        return sum(moment.action is not None for moment in self.moments)

    @property
    def most_instances(self) -> int:
        """How many instances there are at most at once."""
        return max((moment.instances for moment in self.moments), default=0)


def rehearse(release: Release, start: Observation, failing: str = "") -> Rehearsal:
    """Walk from `start` to the end; every gate passes but the one with that name."""
    begun, busy, moments = start.now, 0.0, []
    judge = _but(failing) if failing else all_pass
    glimpse: Glimpse | None = None
    settled: float | None = None
    for glimpse in ahead(release, start, _EVERYTHING, judge):
        at = (glimpse.seen.now - begun).total_seconds() + busy
        moments += list(_moments(glimpse, at, judge))
        if settled is None and glimpse.decision.phase in (Phase.COMPLETE, Phase.ROLLED_BACK):
            settled = at
        if glimpse.decision.status is Status.ACT:
            busy += _seconds(glimpse.decision.actions[0]) - 1  # the look ahead lets a second pass itself
    assert glimpse is not None, "a look ahead has at least one look"
    end = (glimpse.seen.now - begun).total_seconds() + busy
    weights = glimpse.seen.endpoint.weights if glimpse.seen.endpoint else Weights()
    return Rehearsal(
        moments=tuple(moments),
        last=glimpse.decision,
        seconds=end,
        weights=weights,
        settled=end if settled is None else settled,
    )


def nothing(now: datetime) -> Observation:
    """A world without the endpoint."""
    return Observation(None, now)


def served_before(release: Release, now: datetime) -> Observation:
    """A world in which an earlier release of a plan in roles form serves: the same deployment with another content."""
    fields = {**release.candidate.fields, "model": _EARLIER}
    earlier = replace(release, candidate=replace(release.candidate, revision="0" * 64, fields=fields))
    *_, last = ahead(earlier, nothing(now - timedelta(days=30)), _EVERYTHING)
    return Observation(last.seen.endpoint, now)


def _but(failing: str) -> Judge:
    def judge(gate: Gate) -> Verdict:
        failed = Verdict(outcome=Outcome.FAIL, reason="assumed to fail")
        return failed if gate.name == failing else all_pass(gate)

    return judge


def _moments(glimpse: Glimpse, at: float, judge: Judge) -> Iterator[Moment]:
    endpoint, decision = glimpse.seen.endpoint, glimpse.decision
    here = Moment(at=at, weights=endpoint.weights if endpoint else Weights(), instances=_instances(endpoint))
    if decision.status is Status.ACT:
        yield replace(here, action=decision.actions[0])
    elif decision.measure is not None:
        yield replace(here, gate=decision.measure, verdict=judge(decision.measure))


def _instances(endpoint: Endpoint | None) -> int:
    return sum(found.count for found in endpoint.deployments) if endpoint else 0


def _seconds(action: Action) -> float:
    match action:
        case CreateEndpoint():
            return CREATE_ENDPOINT
        case DeployRevision():
            return CREATE_DEPLOYMENT
        case SetTraffic() | UpdateEndpoint() | Record():
            return CHANGE_ENDPOINT
        case ScaleDeployment():
            return SCALE
        case DeleteDeployment():
            return DELETE
        case _:
            return CHANGE_ENDPOINT
