"""Looking ahead: `decide()` asked again and again about an imagined world in which everything goes well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

import msgspec

from rollout.core.actions import DeployRevision
from rollout.core.decide import decide
from rollout.core.decision import Decision, StageState, Status
from rollout.core.imagine import imagine
from rollout.core.journey import suffix_digest
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Approval, Damaged, Progress, from_tags, to_tags
from rollout.core.release import Gate, GateKind, Release
from rollout.core.scene import scene
from rollout.core.verdict import Outcome, Verdict

ASSUMED: Final = Verdict(outcome=Outcome.PASS, reason="assumed")
LONGEST: Final = 400
"""A look ahead longer than this means that the rules go round in circles; a test holds that they never do."""


class Glimpse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One pass of the look ahead: what would be seen and decided. `made`: the deployments that this way has made so
    far, of which only what is declared can be foretold."""

    seen: Observation
    decision: Decision
    made: frozenset[str]


Judge = Callable[[Gate], Verdict]
"""What is assumed of a gate."""


def all_pass(gate: Gate) -> Verdict:
    """Every gate passes."""
    return ASSUMED


def ahead(
    release: Release, observation: Observation, allowed: frozenset[str], judge: Judge = all_pass
) -> Iterator[Glimpse]:
    """Every pass from `observation` to the end, gates judged as assumed, approvals given and time moving on."""
    endpoint, now, made = observation.endpoint, observation.now, frozenset[str]()
    verdicts: dict[str, Verdict] = {}
    for _ in range(LONGEST):
        seen = Observation(endpoint, now)
        decision = decide(release, seen, verdicts, allowed)
        yield Glimpse(seen=seen, decision=decision, made=made)
        if decision.status is Status.ACT:
            now, action = now + timedelta(seconds=1), decision.actions[0]
            endpoint, verdicts = imagine(endpoint, action, now), {}
            made |= {action.deployment} if isinstance(action, DeployRevision) else set()
        elif decision.measure_key:
            assert decision.measure is not None, "a key is of a gate"
            verdicts = {decision.measure_key: judge(decision.measure)}
        elif decision.status is Status.WAIT and (approved := _approved(release, seen, decision)) is not None:
            endpoint = approved
        elif decision.status is Status.WAIT and decision.next_after is not None:
            now = decision.next_after
        else:
            return


def approve(release: Release, seen: Observation, key: str, who: str) -> Progress:
    """The record with a yes to the approval gate `key` and to all that follows it. Raises KeyError: no such gate."""
    assert seen.endpoint is not None, "there is nothing to approve without an endpoint"
    recorded = from_tags(seen.endpoint.tags)
    progress = None if isinstance(recorded, Damaged) else recorded
    view = scene(release, seen.endpoint, progress, seen.now, {}, frozenset())
    index = next((i for i, step in enumerate(view.journey.steps) if step.key == key), None)
    if index is None:
        raise KeyError(key)
    given = Approval(key=key, digest=suffix_digest(view.journey, index), who=who)
    others = tuple(entry for entry in view.progress.approvals if entry.key != key)
    return msgspec.structs.replace(view.progress, approvals=(*others, given))


def _approved(release: Release, seen: Observation, decision: Decision) -> Endpoint | None:
    """The same world with the approval that is waited for; None where it is not an approval that is waited for."""
    view = next((v for v in decision.stages if v.state is StageState.ACTIVE), None)
    if seen.endpoint is None or view is None or not isinstance(view.stage, Gate):
        return None
    if view.stage.kind is not GateKind.APPROVAL:
        return None
    progress = approve(release, seen, view.key, "assumed")
    tags = {**seen.endpoint.tags, **to_tags(progress)}
    return msgspec.structs.replace(seen.endpoint, tags=tags)
