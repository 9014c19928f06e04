"""A person's commands: from what is live to the actions that carry the command out, or `Refused` with the way out.

Pure, and repeatable: where one needs two actions, killed after the first it does the rest when it is given again.
Each takes the release where there is one; what must work from the tags alone (`rollback`) takes None too.
"""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from rollout.core import records
from rollout.core.actions import Action, DeleteDeployment, DeleteEndpoint, Record, SetTraffic
from rollout.core.change_set import approve as with_approval
from rollout.core.identity import (
    Ambiguous,
    Changed,
    Known,
    Nobody,
    identified,
    promoted_of,
    what_is_promoted,
)
from rollout.core.observed import CANCELED, FAILED, Deployment, Endpoint, Observation, Weights, all_to
from rollout.core.place import find_place
from rollout.core.progress import Damaged, Hold, Progress, Promoted, Quarantined, from_tags, quarantine, remember
from rollout.core.quarantine import BY_HAND, entry_for
from rollout.core.release import Gate, GateKind, Release
from rollout.core.scene import Scene, scene
from rollout.errors import Refused

Actions = tuple[Action, ...]


def hold(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """Stop until `resume`. Works without a plan where the endpoint has a record."""
    endpoint = _endpoint(seen)
    progress = _record(release, endpoint)
    note = Hold(kind="person", why=why, who=who, goal=release.goal if release else "", at=seen.now)
    after = replace(progress, hold=note)
    if progress.written is None:
        after = replace(after, written=endpoint.weights)
    return (Record(reason=_said("held", who, why), progress=remember(after, seen.now, _said("held", who, why))),)


def resume(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """End a hold, a person's or one from outside: go on from the weights as they are now."""
    endpoint = _endpoint(seen)
    progress = _record(release, endpoint)
    moved = progress.written is not None and progress.written != endpoint.weights
    if progress.hold is None and not moved:
        raise Refused(f"{endpoint.name} is not held", hint="rollout status shows what it waits for")
    after = replace(progress, hold=None, written=endpoint.weights, since=seen.now)
    if moved:
        after = replace(after, passed=(), approvals=())
    return (Record(reason=_said("resumed", who, why), progress=remember(after, seen.now, _said("resumed", who, why))),)


def retry(release: Release, seen: Observation, who: str, why: str) -> Actions:
    """Try a goal again that failed: a failed create of it is deleted first, then its quarantine ends."""
    view = _scene(release, seen)
    entry = entry_for(view)
    if entry is None:
        raise Refused("this goal has not failed, there is nothing to try again", hint="rollout status")
    ring = tuple(old for old in view.progress.quarantine if old.goal != entry.goal)
    what = _said("retry", who, why)
    after = remember(replace(view.progress, quarantine=ring, outcome=""), seen.now, what)
    found = view.endpoint.deployment(entry.slot)
    broken = found is not None and found.state in (FAILED, CANCELED) and found.revision == entry.goal
    if found is None or not broken or view.endpoint.weights.touches(found.name):
        return (Record(reason=what, progress=after),)
    reason = f"{found.name} is {found.state}; it is created anew"
    hazards = ("deletes-deployment",)
    return (
        DeleteDeployment(reason=reason, hazards=hazards, deployment=found.name),
        Record(reason=what, progress=after),
    )


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
    endpoint = _endpoint(seen)
    progress = _record(release, endpoint)
    endpoint = identified(endpoint, progress)
    promoted = _promoted(endpoint, progress)
    if to == "former":
        return _back_to_former(endpoint, progress, promoted, seen, _said("rolled back to former", who, why))
    _must_serve(endpoint.deployment(promoted.name), promoted.name)
    goals = _goals(release, endpoint, progress, promoted)
    if endpoint.weights == all_to(promoted.name) and not goals:
        raise Refused(f"{promoted.name} has all traffic and no run is under way", hint=_former_hint(progress))
    what = _said("rolled back", who, why)
    return (_moved(endpoint, _rolled_back(progress, promoted, goals, seen), promoted, seen, what),)


def promote(release: Release, seen: Observation, who: str, why: str, *, full: bool = False) -> Actions:
    """Let the gate that is waited for pass without its measurement; with `full` all gates that remain."""
    view = _scene(release, seen)
    _must_be_under_way(view)
    place = find_place(view)
    if place.index is None:
        raise Refused("every stage is passed already", hint="rollout apply finishes the run")
    rest = view.journey.steps[place.index :]
    keys = tuple(step.key for step in (rest if full else rest[:1]) if isinstance(step.stage, Gate))
    if not keys:
        stage = rest[0].stage.name
        raise Refused(f"no gate is waited for; the next stage is {stage}", hint="rollout apply carries on; or --full")
    what = _said("promoted fully" if full else f"promoted past {rest[0].stage.name}", who, why)
    progress = records.advanced(view, view.endpoint.weights, (*place.earned, *keys), what)
    return (Record(reason=what, progress=progress),)


def adopt(release: Release, seen: Observation, who: str, why: str, *, stable: str) -> Actions:
    """Say which deployment is stable: this plan owns the endpoint, and what is there now is what was meant."""
    endpoint = _endpoint(seen)
    recorded = from_tags(endpoint.tags)
    progress = recorded if isinstance(recorded, Progress) else None
    if progress is not None and progress.plan != release.name:
        raise Refused(
            f"{endpoint.name} belongs to the plan {progress.plan}",
            hint="give it up there first: rollout disown",
        )
    found = identified(endpoint, progress).deployment(stable.lower())
    if found is None:
        names = ", ".join(d.name for d in endpoint.deployments) or "none"
        raise Refused(f"{endpoint.name} has no deployment {stable}", hint=f"it has: {names}")
    what = _said(f"adopted {found.name}", who, why)
    after = Progress(
        plan=release.name,
        commit=release.commit,
        promoted=promoted_of(found),
        written=endpoint.weights,
        since=seen.now,
        quarantine=progress.quarantine if progress else (),
        history=progress.history if progress else (),
    )
    return (Record(reason=what, progress=remember(after, seen.now, what)),)


def disown(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """Take our tags off: no plan manages this endpoint any more. What serves stays as it is."""
    endpoint = _endpoint(seen)
    if from_tags(endpoint.tags) is None:
        raise Refused(f"no plan manages {endpoint.name}", hint="there is nothing to give up")
    _must_be_ours(release, endpoint)
    return (Record(reason=_said("disowned", who, why), progress=None),)


def approve(release: Release, seen: Observation, who: str, why: str, *, stage: str = "") -> Actions:
    """Say yes to an approval gate (`stage` names it; by default the next one) and to all that follows it now."""
    view = _scene(release, seen)
    _must_be_under_way(view)
    waiting = [
        step
        for step in view.journey.steps
        if isinstance(step.stage, Gate) and step.stage.kind is GateKind.APPROVAL and step.key not in view.passed
    ]
    chosen = next((step for step in waiting if stage in ("", step.stage.name)), None)
    if chosen is None:
        names = ", ".join(step.stage.name for step in waiting)
        hint = f"these wait for approval: {names}" if names else "rollout status shows what it waits for"
        raise Refused(f"no approval gate {stage} is open" if stage else "nothing waits for approval", hint=hint)
    what = _said(f"approved {chosen.stage.name}", who, why)
    progress = with_approval(release, seen, chosen.key, who)
    return (Record(reason=what, progress=remember(progress, seen.now, what)),)


def destroy(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """Delete the endpoint and all its deployments."""
    endpoint = _endpoint(seen)
    _must_be_ours(release, endpoint)
    hazards = ("deletes-endpoint", *(("deletes-traffic",) if endpoint.weights.serving else ()))
    return (DeleteEndpoint(reason=_said("destroyed", who, why), hazards=hazards, endpoint=endpoint.name),)


def _endpoint(seen: Observation) -> Endpoint:
    if seen.endpoint is None:
        raise Refused("the endpoint does not exist", hint="rollout apply creates it")
    return seen.endpoint


def _record(release: Release | None, endpoint: Endpoint) -> Progress:
    """The endpoint's record; a blank one of this plan where there is none."""
    recorded = from_tags(endpoint.tags)
    if isinstance(recorded, Damaged):
        raise Refused(recorded.reason, hint="say what serves: rollout adopt --stable NAME")
    if recorded is None and release is None:
        raise Refused(f"no plan manages {endpoint.name}", hint="give the plan's file")
    _must_be_ours(release, endpoint)
    return recorded or Progress(plan=release.name if release else "", commit=release.commit if release else "")


def _must_be_ours(release: Release | None, endpoint: Endpoint) -> None:
    recorded = from_tags(endpoint.tags)
    if release is not None and isinstance(recorded, Progress) and recorded.plan != release.name:
        raise Refused(f"{endpoint.name} belongs to the plan {recorded.plan}", hint="give that plan, or --endpoint")


def _scene(release: Release, seen: Observation) -> Scene:
    endpoint = _endpoint(seen)
    recorded = from_tags(endpoint.tags)
    progress = _record(release, endpoint)
    return scene(release, endpoint, progress if recorded else None, seen.now, {}, frozenset())


def _must_be_under_way(view: Scene) -> None:
    held, promoted = view.progress.hold, view.promoted
    if held is not None:
        raise Refused(f"the rollout is held: {held.why}", hint="rollout resume first")
    if entry_for(view) is not None:
        raise Refused("this goal has failed", hint="rollout retry first")
    if promoted is not None and promoted.revision == view.release.goal:
        raise Refused(f"{promoted.name} serves what the plan asks for; no run is under way", hint="rollout status")
    if isinstance(view.promotion, Ambiguous | Changed):
        raise Refused("it is not known what is stable", hint="say it: rollout adopt --stable NAME")


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


def _must_serve(found: Deployment | None, name: str) -> None:
    if found is None:
        raise Refused(f"{name} does not exist any more", hint="rollout adopt --stable NAME says what to return to")
    if not found.ready:
        raise Refused(f"{name} is {found.state}, it cannot take traffic", hint="repair it, or adopt another")


def _goals(release: Release | None, endpoint: Endpoint, progress: Progress, promoted: Promoted) -> tuple[str, ...]:
    """What is not tried again: the run's goal, whatever else has traffic, and what the plan wants now."""
    exposed = [d for d in endpoint.deployments if d.name != promoted.name and endpoint.weights.touches(d.name)]
    named = [d.revision or "" for d in exposed]
    if progress.under_way is not None:
        named.append(progress.under_way.goal)
    if release is not None and (exposed or any(d.revision == release.goal for d in endpoint.deployments)):
        named.append(release.goal)
    before = {entry.goal for entry in progress.quarantine if entry.key == BY_HAND}
    wanted = (goal for goal in dict.fromkeys(named) if goal and not goal.startswith("~"))
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
        hold=progress.hold if progress.hold and progress.hold.kind == "person" else None,
    )


def _moved(endpoint: Endpoint, progress: Progress, to: Promoted, seen: Observation, what: str) -> Action:
    """The record with all traffic to `to`; only a marker where it has all of it already."""
    split: Weights = all_to(to.name)
    after = remember(replace(progress, written=split, since=seen.now), seen.now, what)
    if endpoint.weights == split:
        return Record(reason=what, progress=after)
    return SetTraffic(reason=what, before=endpoint.weights, weights=split, endpoint=None, progress=after)


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
    _must_serve(found, found.name)
    given_up = (promoted.revision, *((progress.under_way.goal,) if progress.under_way else ()))
    goals = tuple(goal for goal in dict.fromkeys(given_up) if goal != former.revision)
    after = _rolled_back(progress, promoted_of(found), goals, seen)
    after = replace(after, former=promoted)
    return (_moved(endpoint, after, promoted_of(found), seen, what),)


def _former_hint(progress: Progress) -> str:
    if progress.former is None:
        return "rollout status shows what serves"
    return f"to return to {progress.former.name}, which served before: rollout rollback --to former"


def _said(what: str, who: str, why: str) -> str:
    by = f" by {who}" if who else ""
    return f"{what}{by}: {why}" if why else f"{what}{by}"
