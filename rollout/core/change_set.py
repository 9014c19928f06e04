"""The change set: all that the plan would still do, assuming that every gate passes. What people look at and approve.

It is made by asking `decide()` again and again about an imagined world (`core.ahead`), so it cannot disagree with what
will be done.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.core import hazards
from rollout.core.actions import Action, Record
from rollout.core.ahead import Glimpse, ahead, approve
from rollout.core.decide import decide
from rollout.core.decision import Decision, StageState, Status
from rollout.core.differences import Compared, Difference, Same, compared
from rollout.core.digests import digest, essence, plan_digest
from rollout.core.fingerprint import Fingerprint, fingerprint
from rollout.core.going_back import told
from rollout.core.hazards import Hazard
from rollout.core.ignoring import as_managed, ignores_count
from rollout.core.observed import Observation, Weights, all_to
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Gate, GateKind, Release
from rollout.core.scene import scene

LIFETIME: Final = 7200.0
"""Seconds for which a change set may be approved and started."""
PERSON_SECONDS: Final = 86400.0
"""How long an approval gate without a time-out is reckoned to wait for its person."""


class WayBack(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a rollback would do now. `weights` None: there is nothing to go back to."""

    text: str
    weights: Weights | None = None


class Situation(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A world on the way: how many of the actions are `done` by then, and what it looks like."""

    done: int
    looks: Fingerprint


class ChangeSet(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The decision now, every action that would follow, and a digest of them without times and commits.

    `complete` is False where the way does not end converged (a hold, a refusal) even if every gate passes. `hazards`
    are those of all actions; one that is not `allowed` is refused. `pending` is what the plan moved, `drift` what the
    world moved, `unchanged` what is as declared. `situations` are the worlds of the way, the first what was seen
    (`preconditions`). `essences` are the actions as they are approved. `valid_until`: until when it may be started;
    `waits`: how many seconds it may take longer once it is under way.
    """

    decision: Decision
    actions: tuple[Action, ...]
    digest: str
    complete: bool
    hazards: tuple[Hazard, ...] = ()
    pending: tuple[Difference, ...] = ()
    drift: tuple[Difference, ...] = ()
    unchanged: tuple[Same, ...] = ()
    way_back: WayBack = WayBack(text="")
    situations: tuple[Situation, ...] = ()
    essences: tuple[str, ...] = ()
    valid_until: datetime | None = None
    waits: float = 0.0

    @property
    def preconditions(self) -> Fingerprint:
        """What was seen of all that it depends on."""
        return self.situations[0].looks if self.situations else {}

    @property
    def refused(self) -> tuple[Hazard, ...]:
        """The hazards that nobody allowed."""
        return tuple(one for one in self.hazards if not one.allowed)


def change_set(
    release: Release,
    observation: Observation,
    allowed: frozenset[str] = frozenset(),
    *,
    lifetime: float = LIFETIME,
) -> ChangeSet:
    """Look ahead from `observation` to the end; hazards are all let pass on the way, and told."""
    observation = as_managed(release, observation)
    now = decide(release, observation, allowed=allowed)
    everything = allowed | {hazards.ANY}
    way = tuple(ahead(release, observation, everything))
    calm = _without_load(observation)
    approved = way if calm is observation else tuple(ahead(release, calm, everything))
    essences, situations = tuple(map(essence, _actions(approved))), _situations(release, approved)
    differs = _compared(release, observation)
    return ChangeSet(
        decision=msgspec.structs.replace(now, notes=(*now.notes, *_left_alone(release, observation))),
        actions=_with_hazards(way, release, allowed),
        digest=digest(release, essences, situations[0].looks),
        complete=way[-1].decision.status is Status.DONE,
        hazards=_hazards(way, release, allowed),
        pending=differs.pending,
        drift=differs.drift,
        unchanged=differs.unchanged,
        way_back=way_back(now, observation),
        situations=situations,
        essences=essences,
        valid_until=observation.now + timedelta(seconds=lifetime),
        waits=_waits(way),
    )


def ways_hazards(release: Release, observation: Observation, allowed: frozenset[str]) -> tuple[Hazard, ...]:
    """The hazards of all that is ahead."""
    way = tuple(ahead(release, as_managed(release, observation), allowed | {hazards.ANY}))
    return _hazards(way, release, allowed)


def remaining(release: Release, observation: Observation, allowed: frozenset[str]) -> tuple[str, ...]:
    """The essences of what is still to be done, without the load of an autoscaler."""
    calm = _without_load(as_managed(release, observation))
    return tuple(map(essence, _actions(tuple(ahead(release, calm, allowed | {hazards.ANY})))))


def way_back(decision: Decision, observation: Observation) -> WayBack:
    """What a failed gate, or a person's rollback, would do now."""
    stable, endpoint = decision.roles.stable, observation.endpoint
    if endpoint is None or not stable:
        return WayBack(text="nothing serves yet: a failed gate holds and leaves the weights")
    back = all_to(stable)
    recorded = from_tags(endpoint.tags)
    if steps := told(endpoint, recorded if isinstance(recorded, Progress) else None, stable):
        return WayBack(text=steps, weights=back)
    text = f"a failed gate, or `rollout rollback`, gives all traffic back to {stable} in one write"
    return WayBack(text=text, weights=back)


def _actions(way: Sequence[Glimpse]) -> tuple[Action, ...]:
    """All that would be done, markers left out."""
    first = (glimpse.decision.actions[0] for glimpse in way if glimpse.decision.status is Status.ACT)
    return tuple(action for action in first if not isinstance(action, Record))


def _hazards(way: Sequence[Glimpse], release: Release, allowed: frozenset[str]) -> tuple[Hazard, ...]:
    """Each once, weighed as if nothing were let pass."""
    named = hazards.canonical((*allowed, *release.allow_hazards))
    found = (one for action in _actions(way) for one in action.hazards)
    return tuple(dict.fromkeys(hazards.weighed(found, named, frozenset(release.refuse_hazards))))


def _with_hazards(way: Sequence[Glimpse], release: Release, allowed: frozenset[str]) -> tuple[Action, ...]:
    named, refused = hazards.canonical((*allowed, *release.allow_hazards)), frozenset(release.refuse_hazards)
    return tuple(
        msgspec.structs.replace(action, hazards=hazards.weighed(action.hazards, named, refused))
        for action in _actions(way)
    )


def _situations(release: Release, way: Sequence[Glimpse]) -> tuple[Situation, ...]:
    """The worlds of the way, each that looks other than the one before."""
    found: list[Situation] = []
    done = 0
    for glimpse in way:
        here = Situation(done=done, looks=fingerprint(release, glimpse.seen, glimpse.made))
        if not found or found[-1] != here:
            found.append(here)
        decision = glimpse.decision
        done += decision.status is Status.ACT and not isinstance(decision.actions[0], Record)
    return tuple(found)


def _without_load(observation: Observation) -> Observation:
    """The same look with one instance wherever an autoscaler counts: what is approved must not move with the load."""
    endpoint = observation.endpoint
    if endpoint is None or not any(found.autoscaled for found in endpoint.deployments):
        return observation
    calm = tuple(msgspec.structs.replace(d, count=1) if d.autoscaled else d for d in endpoint.deployments)
    return Observation(msgspec.structs.replace(endpoint, deployments=calm), observation.now)


def _left_alone(release: Release, observation: Observation) -> Iterator[str]:
    """What is managed by somebody else: said, so that nobody wonders."""
    endpoint = observation.endpoint
    found = endpoint.deployments if endpoint else ()
    concerned = {*release.slots, *(endpoint.weights.serving if endpoint else ())}
    ours = [one.name for one in found if one.autoscaled and one.name in concerned]
    ignored = {name for name in ours if ignores_count(release, name)}
    for name in ours:
        if name not in ignored:
            yield f"the instance count of {name} is left to its autoscale setting"
    for path in release.ignore:
        yield f"{path} is ignored: neither compared nor written"


def _compared(release: Release, observation: Observation) -> Compared:
    endpoint = observation.endpoint
    recorded = from_tags(endpoint.tags) if endpoint else None
    if endpoint is None or (recorded is not None and not isinstance(recorded, Progress)):
        return Compared()
    return compared(scene(release, endpoint, recorded, observation.now, {}, frozenset()))


def _waits(way: Sequence[Glimpse]) -> float:
    """Seconds: what the stages wait for, with all that their gates may take longer."""
    waits = (way[-1].seen.now - way[0].seen.now).total_seconds()
    for view in way[0].decision.stages:
        if isinstance(view.stage, Gate) and view.state in (StageState.ACTIVE, StageState.PENDING):
            patience = PERSON_SECONDS if view.stage.kind is GateKind.APPROVAL else view.stage.limit
            waits += patience if view.stage.timeout is None else view.stage.timeout
    return waits


__all__ = [
    "ChangeSet",
    "Situation",
    "WayBack",
    "approve",
    "change_set",
    "essence",
    "plan_digest",
    "remaining",
    "ways_hazards",
]
