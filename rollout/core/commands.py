"""A person's commands: from what is live to the actions that carry the command out, or `Refused` with the way out.

Pure, and repeatable: where one needs two actions, killed after the first it does the rest when it is given again.
Each takes the release where there is one; what must work from the tags alone (`rollback`) takes None too.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from rollout.core import hazards, records
from rollout.core.actions import Action, DeleteDeployment, DeleteEndpoint, Record
from rollout.core.change_set import approve as with_approval
from rollout.core.governing import BROKEN_GLASS
from rollout.core.identity import (
    Ambiguous,
    Changed,
    identified,
    is_unverified,
    promoted_of,
    spec_of,
)
from rollout.core.journey import Step
from rollout.core.observed import CANCELED, FAILED, Observation
from rollout.core.person import endpoint_of, must_be_ours, record_of, said
from rollout.core.place import find_place
from rollout.core.policy_approvals import demanded, objects, starter
from rollout.core.progress import Hold, Progress, from_tags, remember
from rollout.core.proof import Proof, prove
from rollout.core.quarantine import entry_for
from rollout.core.release import Gate, GateKind, Release
from rollout.core.rollback import rollback
from rollout.core.scene import Scene, scene
from rollout.errors import Refused

Actions = tuple[Action, ...]


def hold(
    release: Release | None, seen: Observation, who: str, why: str, *, until: datetime | timedelta | None = None
) -> Actions:
    """Stop until `resume`, or until that moment of the service's time (or so long from now). Works without a plan where
    the endpoint has a record. Raises Refused for a moment that has passed."""
    endpoint = endpoint_of(seen)
    progress = record_of(release, endpoint)
    end = seen.now + until if isinstance(until, timedelta) else until
    if end is not None and end <= seen.now:
        raise Refused(f"{end:%Y-%m-%d %H:%MZ} has passed, the service's time is {seen.now:%Y-%m-%d %H:%MZ}")
    goal = release.goal if release else ""
    note = Hold(kind="person", why=why, who=who, goal=goal, at=seen.now, until=end)
    after = replace(progress, hold=note)
    if progress.written is None:
        after = replace(after, written=endpoint.weights)
    return (
        Record(reason=said("held", who, why), progress=remember(after, seen.now, said("held", who, why), kind="held")),
    )


def resume(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """End a hold, a person's or one from outside: go on from the weights as they are now."""
    endpoint = endpoint_of(seen)
    progress = record_of(release, endpoint)
    moved = progress.written is not None and progress.written != endpoint.weights
    if progress.hold is None and not moved:
        raise Refused(f"{endpoint.name} is not held", hint="rollout status shows what it waits for")
    after = replace(progress, hold=None, written=endpoint.weights, since=seen.now)
    if moved:
        after = replace(after, passed=(), approvals=())
    return (
        Record(
            reason=said("resumed", who, why),
            progress=remember(after, seen.now, said("resumed", who, why), kind="resumed"),
        ),
    )


def retry(release: Release, seen: Observation, who: str, why: str) -> Actions:
    """Try a goal again that failed: a failed create of it is deleted first, then its quarantine ends."""
    view = _scene(release, seen)
    entry = entry_for(view)
    if entry is None:
        raise Refused("this goal has not failed, there is nothing to try again", hint="rollout status")
    ring = tuple(old for old in view.progress.quarantine if old.goal != entry.goal)
    what = said("retry", who, why)
    after = remember(replace(view.progress, quarantine=ring, outcome=""), seen.now, what)
    found = view.endpoint.deployment(entry.slot)
    broken = found is not None and found.state in (FAILED, CANCELED) and found.revision == entry.goal
    if found is None or not broken or view.endpoint.weights.touches(found.name):
        return (Record(reason=what, progress=after),)
    reason = f"{found.name} is {found.state}; it is created anew"
    shown = hazards.declared(hazards.DELETES_DEPLOYMENT, found.name, f"{found.name} is deleted")
    return (
        DeleteDeployment(reason=reason, hazards=(shown,), deployment=found.name),
        Record(reason=what, progress=after),
    )


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
    glass = _must_not_be_demanded(view, rest if full else rest[:1])
    reason = "; ".join(text for text in (glass, why) if text)
    what = said("promoted fully" if full else f"promoted past {rest[0].stage.name}", who, reason)
    progress = records.advanced(view, view.endpoint.weights, (*place.earned, *keys), what)
    return (Record(reason=what, progress=progress),)


def _must_not_be_demanded(view: Scene, skipped: tuple[Step, ...]) -> str:
    """A person lets a gate pass unmeasured; one that the policy demands only where the glass is broken: that, for the
    record."""
    policy = view.release.policy
    found = [why for step in skipped if (why := demanded(policy, view.journey, step))]
    if not found or policy is None:
        return ""
    if not policy.break_glass:
        raise Refused(
            f"refused by policy: {'; '.join(dict.fromkeys(found))}", hint="--break-glass REASON goes on record"
        )
    return f"{BROKEN_GLASS}: {policy.break_glass}"


def adopt(release: Release, seen: Observation, who: str, why: str, *, stable: str) -> Actions:
    """Say which deployment is stable: this plan owns the endpoint, and what is there now is what was meant."""
    endpoint = endpoint_of(seen)
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
    spec = spec_of(release, found.name)
    if spec is not None and is_unverified(found.revision or "~") and prove(spec, found) is not Proof.DIFFERENT:
        found = replace(found, revision=spec.revision)  # a person says that it is what the file means
    what = said(f"adopted {found.name}", who, why)
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
    endpoint = endpoint_of(seen)
    if from_tags(endpoint.tags) is None:
        raise Refused(f"no plan manages {endpoint.name}", hint="there is nothing to give up")
    must_be_ours(release, endpoint)
    return (Record(reason=said("disowned", who, why), progress=None),)


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
    index = view.journey.steps.index(chosen)
    if objection := objects(release.policy, view.journey, index, who, starter(view.candidate)):
        raise Refused(f"{chosen.stage.name}: {objection}", hint="somebody whom the policy names must say yes")
    what = said(f"approved {chosen.stage.name}", who, why)
    progress = with_approval(release, seen, chosen.key, who)
    return (Record(reason=what, progress=remember(progress, seen.now, what, kind="approved")),)


def destroy(release: Release | None, seen: Observation, who: str, why: str) -> Actions:
    """Delete the endpoint and all its deployments."""
    endpoint = endpoint_of(seen)
    must_be_ours(release, endpoint)
    serving = ", ".join(endpoint.weights.serving)
    shown = [hazards.declared(hazards.DELETES_ENDPOINT, endpoint.name, f"{endpoint.name} is deleted")]
    if serving:
        shown.append(hazards.declared(hazards.DELETES_TRAFFIC, serving, f"{serving} serves requests now"))
    return (DeleteEndpoint(reason=said("destroyed", who, why), hazards=tuple(shown), endpoint=endpoint.name),)


def _scene(release: Release, seen: Observation) -> Scene:
    endpoint = endpoint_of(seen)
    recorded = from_tags(endpoint.tags)
    progress = record_of(release, endpoint)
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


__all__ = [
    "adopt",
    "approve",
    "destroy",
    "disown",
    "hold",
    "promote",
    "resume",
    "retry",
    "rollback",
]
