"""A person's rollback: one write that needs only what the endpoint's tags say."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from rollout.core.actions import Action, Record, SetTraffic
from rollout.core.identity import (
    Ambiguous,
    Changed,
    Known,
    Nobody,
    identified,
    promoted_of,
    what_is_promoted,
)
from rollout.core.observed import Deployment, Endpoint, Observation, Weights, all_to
from rollout.core.person import endpoint_of, record_of, said
from rollout.core.progress import Hold, Progress, Promoted, Quarantined, quarantine, remember
from rollout.core.quarantine import BY_HAND
from rollout.core.release import Release
from rollout.errors import Refused

Actions = tuple[Action, ...]


def rollback(
    release: Release | None,
    seen: Observation,
    who: str,
    why: str,
    *,
    to: Literal["stable", "former"] = "stable",
) -> Actions:
    """All traffic to what is promoted (or to what was, before), the mirror off, the goal not tried again. One write.

    Needs only the endpoint's tags. A person's hold stays; one from outside ends.
    """
    endpoint = endpoint_of(seen)
    progress = record_of(release, endpoint)
    endpoint = identified(endpoint, progress)
    promoted = _promoted(endpoint, progress)
    if to == "former":
        return _back_to_former(endpoint, progress, promoted, seen, said("rolled back to former", who, why))
    stable = endpoint.deployment(promoted.name)
    assert stable is not None, "what is promoted lives, or something else is"
    _must_serve(stable)
    goals = _goals(release, endpoint, progress, promoted)
    if endpoint.weights == all_to(promoted.name) and not goals:
        raise Refused(f"{promoted.name} has all traffic and no run is under way", hint=_former_hint(progress))
    what = said("rolled back", who, why)
    return (_moved(endpoint, _rolled_back(progress, promoted, goals, seen), promoted, seen, what),)


def _back_to_former(
    endpoint: Endpoint, progress: Progress, promoted: Promoted, seen: Observation, what: str
) -> Actions:
    """What was promoted before takes all traffic and is promoted again; the two swap their places."""
    former = progress.former
    found = endpoint.deployment(former.name) if former else None
    if former is None or found is None:
        raise Refused("the former stable does not exist any more", hint="git revert, then rollout apply")
    if found.revision != former.revision:
        raise Refused(f"{former.name} carries another revision by now", hint="git revert, then rollout apply")
    _must_serve(found)
    given_up = (promoted.revision, *((progress.under_way.goal,) if progress.under_way else ()))
    goals = tuple(goal for goal in dict.fromkeys(given_up) if goal != former.revision)
    after = _rolled_back(progress, promoted_of(found), goals, seen)
    after = replace(after, former=promoted)
    return (_moved(endpoint, after, promoted_of(found), seen, what),)


def _promoted(endpoint: Endpoint, progress: Progress) -> Promoted:
    """What a rollback returns to; in an emergency also what was changed since it was promoted."""
    promotion = what_is_promoted(endpoint, progress)
    match promotion:
        case Known(promoted=promoted):
            return promoted
        case Changed() if progress.promoted is not None:
            return progress.promoted
        case Ambiguous(names=names):
            raise Refused(f"{', '.join(names)} share the traffic", hint="say it: rollout adopt --stable NAME")
        case Nobody() | Changed():
            raise Refused("nothing was ever promoted here, so there is nothing to go back to", hint="rollout hold")


def _must_serve(found: Deployment) -> None:
    if not found.ready:
        raise Refused(f"{found.name} is {found.state}, it cannot take traffic", hint="repair it, or adopt another")


def _goals(release: Release | None, endpoint: Endpoint, progress: Progress, promoted: Promoted) -> tuple[str, ...]:
    """What is not tried again: the run's goal, whatever else has traffic, and what the plan wants now."""
    exposed = [d for d in endpoint.deployments if d.name != promoted.name and endpoint.weights.touches(d.name)]
    named = [d.revision for d in exposed if d.revision]
    if progress.under_way is not None:
        named.append(progress.under_way.goal)
    if release is not None and (exposed or any(d.revision == release.goal for d in endpoint.deployments)):
        named.append(release.goal)
    before = {entry.goal for entry in progress.quarantine if entry.key == BY_HAND}
    wanted = (goal for goal in dict.fromkeys(named) if not goal.startswith("~"))
    return tuple(goal for goal in wanted if goal != promoted.revision and goal not in before)


def _rolled_back(progress: Progress, promoted: Promoted, goals: tuple[str, ...], seen: Observation) -> Progress:
    ring = progress.quarantine
    slot = progress.run.slot if progress.run else ""
    for goal in goals:
        ring = quarantine(ring, Quarantined(goal=goal, key=BY_HAND, slot=slot, at=seen.now))
    return replace(
        progress,
        promoted=promoted,
        run=None if progress.run is None else replace(progress.run, ended=True),
        passed=(),
        approvals=(),
        outcome="rolled_back",
        quarantine=ring,
        hold=progress.hold if progress.hold and _stands(progress.hold, seen) else None,
    )


def _stands(hold: Hold, seen: Observation) -> bool:
    """A person's hold that is not over."""
    return hold.kind == "person" and not hold.over(seen.now)


def _moved(endpoint: Endpoint, progress: Progress, to: Promoted, seen: Observation, what: str) -> Action:
    """The record with all traffic to `to`; only a marker where it has all of it already."""
    split: Weights = all_to(to.name)
    after = remember(replace(progress, written=split, since=seen.now), seen.now, what, kind="rolled_back")
    if endpoint.weights == split:
        return Record(reason=what, progress=after)
    return SetTraffic(reason=what, before=endpoint.weights, weights=split, endpoint=None, progress=after)


def _former_hint(progress: Progress) -> str:
    if progress.former is None:
        return "rollout status shows what serves"
    return f"to return to {progress.former.name}, which served before: rollout rollback --to former"
