"""The last word on a decision: what the repository's policy says of it, now. Rolling back is never asked about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from rollout.core import hazards
from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeployRevision,
    Record,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.decision import Decision, Phase, Status, gives_back
from rollout.core.journey import Journey
from rollout.core.observed import Observation
from rollout.core.policy import Activity, Policy, Rule
from rollout.core.policy_check import hazard_refused, type_allowed
from rollout.core.policy_fit import bakes
from rollout.core.policy_windows import Closed, closed, shown
from rollout.core.progress import from_tags, remember, to_tags
from rollout.core.promoted_from import refusals
from rollout.core.release import AnyStage, Deploy, Mirror, Release, Traffic
from rollout.core.scene import Scene

BROKEN_GLASS: Final = "break-glass"
"""How the line of history begins that says who went on all the same."""


def governed(
    release: Release, seen: Observation, decision: Decision, view: Scene | None, allowed: frozenset[str]
) -> Decision:
    """The decision under the release's policy: as it is, refused (also: the line is stopped), or waiting for a window.

    `view` is None where there is no endpoint. A look ahead that lets every hazard pass (`hazards.ANY`) is not refused:
    it shows what would be done.
    """
    policy = release.policy
    if policy is None or decision.status is not Status.ACT or _is_way_back(decision):
        return decision
    action = decision.actions[0]
    if _keeps_record(action, view):
        return decision
    unshown = tuple(refusals(release, seen.endpoint))
    if hazards.ANY not in allowed and (no := _said_no(policy, action) or _not_promoted(policy, unshown)):
        return replace(decision, status=Status.REFUSE, phase=Phase.REFUSED, reason=no, actions=())
    activity = activity_of(decision)
    shut = closed(policy, activity, seen.now, _length(view.journey, action) if view else 0.0)
    if shut is not None and not policy.break_glass:
        return _waiting(decision, activity, shut)
    if policy.break_glass and (shut is not None or policy.stopped or unshown):
        return _recorded(release, seen, decision, view)
    return decision


def _said_no(policy: Policy, action: Action) -> str:
    """Why it is refused, whatever the time."""
    if no := refusal(policy, action):
        return f"refused by policy: {no}"
    return f"the line is stopped: {policy.stopped}" if policy.stopped and not policy.break_glass else ""


def _not_promoted(policy: Policy, unshown: Sequence[tuple[Rule, str]]) -> str:
    """What must come from another environment and does not, with the way out; "" where nobody asks for it, or the
    glass is broken."""
    if not unshown or policy.break_glass:
        return ""
    told = "; ".join(f"{why} ({named(rule)})" for rule, why in unshown)
    return f"refused by policy: {told}; release it there first, then `rollout promote-to`"


def refusal(policy: Policy, action: Action) -> str:
    """What the rules say against that action: the plan as a whole, or what it comes to now; "" for nothing."""
    return "; ".join(
        [*policy.broken, *(f"{why} ({named(rule)})" for rule in policy.rules for why in _no(rule, action))]
    )


def named(rule: Rule) -> str:
    """A rule's name and place."""
    return f"rule `{rule.name}`, {rule.where}" if rule.where else f"rule `{rule.name}`"


def activity_of(decision: Decision) -> Activity:
    """What windows call the decision's first action: the first writes of a run, its deletes, all others."""
    action = decision.actions[0]
    if isinstance(action, DeleteDeployment):
        return "delete" if decision.phase is Phase.COMPLETE else "start"
    return "start" if isinstance(action, CreateEndpoint | DeployRevision) else "advance"


def _no(rule: Rule, action: Action) -> Iterator[str]:
    """What only shows when it is done: capacity that follows another deployment, deletes and hazards nobody planned."""
    limits, most = rule.limits, rule.limits.instances
    if most is not None and isinstance(action, DeployRevision | ScaleDeployment) and action.count > most:
        yield f"{action.deployment} would have {action.count} instances, at most {most} are allowed"
    if isinstance(action, DeployRevision) and not type_allowed(limits, action.spec.instance_type):
        yield f"{action.deployment} would run on {action.spec.instance_type}"
    if isinstance(action, DeleteDeployment) and not limits.deletes:
        yield f"{action.deployment} would be deleted"
    for hazard in action.hazards:
        if hazard_refused(limits, hazard.name):
            yield f"{hazard.name}: {hazard.why}"


def _is_way_back(decision: Decision) -> bool:
    """All traffic to what is promoted, the record of a failure, and the clean-up of the candidate behind it."""
    action = decision.actions[0]
    if isinstance(action, DeleteDeployment | ScaleDeployment) and action.deployment == decision.roles.stable:
        return False
    return gives_back(decision) and not isinstance(action, UpdateEndpoint | UpdateDeployment)


def _keeps_record(action: Action, view: Scene | None) -> bool:
    """A marker that changes neither what serves nor what is promoted. It is written in every window: without the record
    of the gates that passed nobody would watch a candidate that has traffic."""
    promoted = view.promoted if view else None
    return isinstance(action, Record) and action.progress is not None and action.progress.promoted == promoted


def _length(journey: Journey, action: Action) -> float:
    """Seconds: the bakes that stand behind what is done now, up to the next change of traffic."""
    for index, step in enumerate(journey.steps):
        if _does(journey, step.stage, action):
            return bakes(behind.stage for behind in journey.steps[index + 1 :])
    return 0.0


def _does(journey: Journey, stage: AnyStage, action: Action) -> bool:
    match stage, action:
        case Deploy(), DeployRevision() | CreateEndpoint():
            return True
        case Traffic(weight=weight), SetTraffic(weights=weights):
            return weights.live(journey.slot) == weight
        case Mirror(weight=weight), SetTraffic(weights=weights):
            return weight > 0 and weights.mirrored(journey.slot) == weight
        case _:
            return False


def _waiting(decision: Decision, activity: Activity, shut: Closed) -> Decision:
    until = f"waits until {shown(shut.until)}" if shut.until else "waits, and no window opens within a year"
    reason = f"{until}: {activity}: {shut.why}; then: {decision.reason}"
    return replace(decision, status=Status.WAIT, reason=reason, actions=(), next_after=shut.until)


def _recorded(release: Release, seen: Observation, decision: Decision, view: Scene | None) -> Decision:
    """Who goes on in a closed window, and why, stands on record before anything else is done."""
    policy, action = release.policy, decision.actions[0]
    assert policy is not None, "asked before"
    what = f"{BROKEN_GLASS}: {policy.break_glass}"
    if isinstance(action, CreateEndpoint):
        first = replace(action, progress=remember(action.progress, seen.now, what, policy.who))
        return replace(decision, actions=(first,))
    assert view is not None, "only a create has no endpoint"
    kept = view.progress if view.progress.written is not None else replace(view.progress, written=view.endpoint.weights)
    told = remember(replace(kept, plan=release.name, commit=release.commit), seen.now, what, policy.who)
    if any(line.what == told.history[-1].what for line in view.progress.history):
        return decision
    if from_tags(to_tags(told)) != told:
        full = "the record is full: who breaks the glass could not be written down"
        return replace(decision, status=Status.REFUSE, phase=Phase.REFUSED, reason=full, actions=())
    return replace(decision, reason=what, actions=(Record(reason=what, progress=told),))
