"""What to do next, and why. The rules of docs/decisions.md, in their order; the first that answers decides.

Pure: the same inputs give the same decision. Each rule is a function from the scene to a decision or None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from rollout.core import hazardous, hazards, records, untaken
from rollout.core.actions import CreateEndpoint, Record, SetTraffic
from rollout.core.complete import complete
from rollout.core.decision import Decision, Phase, Roles, StageState, StageView, Status
from rollout.core.going_back import going_back, repaired
from rollout.core.governing import governed
from rollout.core.hazards import RELEASES_UNVERIFIED, Hazard
from rollout.core.identity import Ambiguous, Changed, Known, is_unverified, spec_of
from rollout.core.observed import CANCELED, FAILED, Observation, Weights, all_to
from rollout.core.place import find_place, stage_views
from rollout.core.progress import Damaged, Hold, Progress, from_tags, remember
from rollout.core.proof import Proof, prove, unprovable
from rollout.core.quarantine import entry_for, quarantined
from rollout.core.quarantine import views as failed_views
from rollout.core.release import Release
from rollout.core.run import advance, fail
from rollout.core.scene import Scene, scene
from rollout.core.settings import endpoint_changes, revision_changes
from rollout.core.stamp import ACTOR
from rollout.core.verdict import Verdict

Rule = Callable[[Scene], Decision | None]


def decide(
    release: Release,
    observation: Observation,
    verdicts: Mapping[str, Verdict] | None = None,
    allowed: frozenset[str] = hazards.NOTHING,
) -> Decision:
    """Say what to do next.

    `verdicts` are the measurements of this pass by gate key; `allowed` the hazards that a person allows, by canonical
    names (`creates-endpoint`, `takes-unmanaged-traffic:NAME`, ...).
    """
    if release.allow_hazards:
        allowed = hazards.canonical((*allowed, *release.allow_hazards))
    live = observation.endpoint
    if live is None:
        return governed(release, observation, _absent(release, observation, allowed), None, allowed)
    progress = from_tags(live.tags)
    if isinstance(progress, Damaged):
        return _damaged(progress)
    if progress is not None and progress.plan != release.name:
        return _not_ours(progress)
    if live.in_flight:
        return Decision(
            status=Status.WAIT,
            phase=Phase.RELEASING,
            reason=f"the service is still working on {', '.join(live.in_flight)}",
            stages=_unknown(release),
        )
    view = scene(release, live, progress, observation.now, verdicts or {}, allowed)
    for rule in RULES:
        decision = rule(view)
        if decision is not None:
            decision = _weighed(view, decision)
            whole = msgspec.structs.replace(
                decision,
                roles=_roles(view),
                stages=decision.stages or _stages(view),
                notes=tuple(dict.fromkeys((*decision.notes, *untaken.notes(view.verdicts)))),
            )
            return governed(release, observation, whole, view, allowed)
    raise AssertionError("the last rule always answers")


def _weighed(view: Scene, decision: Decision) -> Decision:
    """The decision with the hazards of its action; refused if one of them is neither declared nor allowed."""
    if decision.status is not Status.ACT:
        return decision
    action = decision.actions[0]
    found = hazardous.hazards_of(view, action)
    if not found:
        return decision
    if refusal := hazards.refusal(found):
        return Decision(status=Status.REFUSE, phase=Phase.REFUSED, reason=refusal)
    return msgspec.structs.replace(decision, actions=(msgspec.structs.replace(action, hazards=found),))


def _absent(release: Release, observation: Observation, allowed: frozenset[str]) -> Decision:
    """There is no endpoint: create it, where somebody allowed that."""
    if hazards.CREATES_ENDPOINT not in allowed:
        return Decision(
            status=Status.HOLD,
            phase=Phase.HELD,
            reason=f"the endpoint {release.endpoint.name} does not exist; only `rollout apply` creates it",
            stages=_unknown(release),
        )
    record = Progress(plan=release.name, commit=release.commit, written=Weights(), since=observation.now)
    action = CreateEndpoint(
        reason="the endpoint does not exist",
        hazards=(_created(release.endpoint.name),),
        endpoint=release.endpoint,
        progress=records.declaring(
            remember(record, observation.now, "endpoint created", release.provenance.get(ACTOR, "")), release.endpoint
        ),
    )
    return Decision(
        status=Status.ACT,
        phase=Phase.FIRST_RELEASE,
        reason=action.reason,
        actions=(action,),
        stages=_unknown(release),
    )


def _created(name: str) -> Hazard:
    why = f"the endpoint {name} is created"
    return Hazard(name=hazards.CREATES_ENDPOINT, target=name, why=why, allowed=True)


def _damaged(record: Damaged) -> Decision:
    """Our tags cannot be believed: write nothing."""
    way_out = "upgrade rollout" if record.newer else "say what serves: rollout adopt --stable NAME"
    return Decision(
        status=Status.REFUSE if record.newer else Status.HOLD,
        phase=Phase.REFUSED if record.newer else Phase.HELD,
        reason=f"{record.reason}; {way_out}",
    )


def _not_ours(progress: Progress) -> Decision:
    return Decision(
        status=Status.REFUSE,
        phase=Phase.REFUSED,
        reason=f"the endpoint belongs to the plan {progress.plan}; `rollout disown` there first, or rename this plan",
    )


def held_by_person(view: Scene) -> Decision | None:
    """A person's hold: `resume` ends it, or the time that the person gave."""
    hold = view.progress.hold
    if hold is None or hold.kind != "person" or hold.over(view.now):
        return None
    by = f" by {hold.who}" if hold.who else ""
    end = f" until {hold.until:%Y-%m-%d %H:%MZ}" if hold.until else ""
    held = _hold(f"held{by}{end}: {hold.why or 'no reason given'} (rollout resume)")
    return msgspec.structs.replace(held, next_after=hold.until)


def endpoint_failed(view: Scene) -> Decision | None:
    """The endpoint itself is `Failed`. Never created: it must go. Our last write did not take: write it again."""
    endpoint, written = view.endpoint, view.progress.written
    if endpoint.state not in (FAILED, CANCELED):
        return None
    if not endpoint.deployments and not endpoint.scoring_uri:
        return _hold(
            f"the endpoint was never created successfully ({endpoint.state}); rollout destroy, then apply again"
        )
    if written is None or written == endpoint.weights:
        return None
    action = SetTraffic(
        reason="the last write of the weights failed; repeat it",
        before=endpoint.weights,
        weights=written,
        endpoint=None,
        progress=view.progress,
    )
    return _act(Phase.RELEASING, action)


def who_is_stable(view: Scene) -> Decision | None:
    """It cannot be told what is promoted."""
    match view.promotion:
        case Ambiguous(names):
            return _hold(
                f"{', '.join(names)} share the traffic and no record says which is stable;"
                " say it: rollout adopt --stable NAME"
            )
        case Changed(name):
            return _changed_outside(view, name)
        case _:
            return None


def _changed_outside(view: Scene, name: str) -> Decision:
    """Says which declared fields are other than their file says, where that file is what was promoted."""
    spec, found, recorded = spec_of(view.release, name), view.endpoint.deployment(name), view.progress.promoted
    same_file = spec is not None and recorded is not None and recorded.revision == spec.revision
    changes = revision_changes(spec, found) if spec is not None and same_file else ()
    fields = f" ({', '.join(change.path for change in changes)})" if changes else ""
    hold = _hold(f"{name} is promoted but was changed outside{fields}; rollout adopt --stable {name}, or deploy anew")
    return msgspec.structs.replace(hold, drift=changes)


def stable_not_ready(view: Scene) -> Decision | None:
    """What is promoted is not `Succeeded`: write nothing that names it."""
    stable = view.stable
    if stable is None or stable.ready:
        return None
    if (again := _with_failed(view, repaired(view))) is not None:
        return again
    return _hold(
        f"{stable.name} is promoted but {stable.state}; it must be repaired first"
        " (rollout adopt another, or the portal)"
    )


def candidate_broken(view: Scene) -> Decision | None:
    """The run's candidate has weight that we gave it, and is `Failed` or carries what the run did not give it."""
    run, candidate = view.progress.under_way, None
    if run is not None:
        candidate = view.endpoint.deployment(run.slot)
    if run is None or candidate is None or view.promoted is None or _moved_by_hand(view):
        return None
    if run.slot == view.promoted.name or not view.endpoint.weights.live(run.slot):
        return None
    if run.goal == view.journey.goal and candidate.revision == run.goal and not candidate.ready:
        return fail(view, view.journey.steps[0].key, f"{candidate.name} is {candidate.state} while it has traffic")
    if candidate.revision == run.goal:
        return None
    why = f"{candidate.name} was changed outside while it had traffic"
    weights = all_to(view.promoted.name)
    action = SetTraffic(
        reason=f"{why}; all traffic back to {view.promoted.name}",
        before=view.endpoint.weights,
        weights=weights,
        endpoint=None,
        progress=records.held_outside(view, weights, why),
    )
    return _act(Phase.HELD, action)


def moved_by_hand(view: Scene) -> Decision | None:
    """The weights are not those we last wrote: a person's hand is stronger. Record it, never undo it."""
    if not _moved_by_hand(view):
        return None
    why = f"the weights were changed outside: {_said(view.endpoint.weights)}"
    return _act(Phase.HELD, Record(reason=why, progress=records.held_outside(view, view.endpoint.weights, why)))


def held_outside(view: Scene) -> Decision | None:
    """A recorded hand holds until `resume`, `rollback` or `adopt`; a new goal ends it if stable has all traffic."""
    hold: Hold | None = view.progress.hold
    if hold is None or hold.kind != "outside":
        return None
    calm = view.promoted is not None and view.endpoint.weights == all_to(view.promoted.name)
    if hold.goal != view.release.goal and calm:
        return None
    return _hold(f"{hold.why} (rollout resume, rollback or adopt)")


def on_the_way_back(view: Scene) -> Decision | None:
    """A failed candidate still has weight that stable could not bear."""
    return _with_failed(view, going_back(view))


def _with_failed(view: Scene, decision: Decision | None) -> Decision | None:
    """The decision with the stages as they stand where that goal has failed."""
    entry = entry_for(view)
    if decision is None or entry is None:
        return decision
    return msgspec.structs.replace(decision, stages=failed_views(view, entry))


def superseded(view: Scene) -> Decision | None:
    """Weight on what is not (any more) the goal: it goes back to stable in one write."""
    if view.promoted is None:
        return None
    run, weights = view.progress.run, view.endpoint.weights
    slots = {view.journey.slot, run.slot if run else view.journey.slot} - {view.promoted.name}
    strangers = [
        name
        for name in sorted(slots)
        if weights.touches(name) and (found := view.endpoint.deployment(name)) and found.revision != view.journey.goal
    ]
    if not strangers and run and run.goal != view.journey.goal and weights.touches(run.slot):
        strangers = sorted({run.slot} - {view.promoted.name})
    if not strangers:
        return None
    what = f"{', '.join(strangers)} is not the goal any more"
    back = all_to(view.promoted.name)
    action = SetTraffic(
        reason=f"{what}; its traffic goes back to {view.promoted.name}",
        before=weights,
        weights=back,
        endpoint=view.managed,
        progress=records.declaring(records.given_back(view, back, what), view.managed),
        changes=endpoint_changes(view.managed, view.endpoint),
    )
    return _act(Phase.RELEASING, action)


def adopted_anew(view: Scene) -> Decision | None:
    """The recorded promoted deployment is gone; what took its place is written down before anything else."""
    promotion, recorded = view.promotion, view.progress.promoted
    if recorded is None or not isinstance(promotion, Known) or not promotion.adopted:
        return None
    why = f"{recorded.name} is gone; {promotion.promoted.name} serves"
    return _act(Phase.RELEASING, Record(reason=why, progress=records.settled(view, why)))


def literal_mismatch(view: Scene) -> Decision | None:
    """A literal plan holds unless what is promoted is one of its two names, and the file of what serves is as it is."""
    form, promoted = view.release.literal, view.promoted
    if form is None or promoted is None:
        return None
    if promoted.name not in (form.stable, form.candidate):
        return _hold(f"{promoted.name} serves, but the plan only knows {form.stable} and {form.candidate}")
    mine = view.release.candidate if promoted.name == form.candidate else form.stable_spec
    unproven = promoted.revision.startswith("~")
    if mine is None or mine.revision == promoted.revision or (unproven and promoted.name == form.stable):
        return None
    return _hold(
        f"the file of {promoted.name} was edited while it serves; deploy the change under the other name, or use the"
        " roles form (candidate and slots)"
    )


def unverified(view: Scene) -> Decision | None:
    """What was adopted may or may not be what the file says: never redeployed for that, a person says which it is."""
    promotion, stable, spec = view.promotion, view.stable, view.release.candidate
    if stable is None or not isinstance(promotion, Known) or not promotion.adopted or view.release.literal is not None:
        return None
    if not is_unverified(promotion.promoted.revision) or view.carries_goal or RELEASES_UNVERIFIED in view.allowed:
        return None
    names = unprovable(spec, stable)
    if not names or prove(spec, stable) is not Proof.UNKNOWN:
        return None
    return _hold(
        f"{stable.name} serves, and whether it is what the file declares cannot be told ({', '.join(names)}): say that"
        f" it is (rollout adopt --stable {stable.name}), or release the file (--allow-hazard {RELEASES_UNVERIFIED})"
    )


def go_on(view: Scene) -> Decision:
    """The run goes on, or starts."""
    return advance(view, find_place(view))


RULES: Final[tuple[Rule, ...]] = (
    held_by_person,
    endpoint_failed,
    who_is_stable,
    stable_not_ready,
    candidate_broken,
    moved_by_hand,
    held_outside,
    on_the_way_back,
    adopted_anew,
    superseded,
    literal_mismatch,
    unverified,
    complete,
    quarantined,
    go_on,
)


def _moved_by_hand(view: Scene) -> bool:
    return view.progress.written is not None and view.progress.written != view.endpoint.weights


def _hold(reason: str) -> Decision:
    return Decision(status=Status.HOLD, phase=Phase.HELD, reason=reason)


def _act(phase: Phase, action: Record | SetTraffic) -> Decision:
    return Decision(status=Status.ACT, phase=phase, reason=action.reason, actions=(action,))


def _said(split: Weights) -> str:
    live = " ".join(f"{name}={weight}" for name, weight in split.traffic) or "none"
    copied = " ".join(f"{name}={weight}" for name, weight in split.mirror)
    return f"{live}, mirror {copied}" if copied else live


def _roles(view: Scene) -> Roles:
    return Roles(
        stable=view.promoted.name if view.promoted else "",
        stable_revision=view.promoted.revision if view.promoted else "",
        candidate=view.journey.slot,
        goal=view.journey.goal,
    )


def _stages(view: Scene) -> tuple[StageView, ...]:
    return stage_views(view, find_place(view))


def _unknown(release: Release) -> tuple[StageView, ...]:
    return tuple(StageView(stage=stage, state=StageState.PENDING) for stage in release.stages)
