"""The way back where stable has fewer instances than all of the traffic needs: in steps, and within a bounded time.

A stable that was scaled down (by its autoscaler, or by hand) breaks under all of the traffic at once, and many requests
would fail instead of a few. So, where the candidate answers most of its requests, stable gets what it can bear now, is
given the instances that it had when the run started, and then gets the rest. A candidate that is dead, a verdict that
says so, a person's rollback and `capacity: declared` do not wait for that, and nothing waits longer than `LONGEST`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from rollout.core import records
from rollout.core.actions import Action, ScaleDeployment, SetTraffic
from rollout.core.decision import Decision, Phase, Status
from rollout.core.observed import FAILED, Deployment, Endpoint, Weights, all_to, weights
from rollout.core.progress import Progress
from rollout.core.scene import Scene

LONGEST: Final = timedelta(minutes=15)
"""From the failure on: then stable has all of the traffic, whatever became of its instances."""
GOING_BACK: Final = "going_back"
"""The record's outcome in the meantime."""


def bearable(stable: Deployment, total: int) -> int:
    """The percentage of all traffic that stable's instances can bear, of which all needs `total`; may be over 100."""
    return stable.count * 100 // max(total, 1)


def first_step(scene: Scene, total: int) -> Weights | None:
    """The split that a failure leads to at once, where all of the traffic would be too much for stable; None: it is
    not."""
    stable, slot, now = scene.stable, scene.journey.slot, scene.endpoint.weights
    if stable is None or scene.candidate is None or not scene.candidate.ready or scene.release.capacity == "declared":
        return None
    if not now.live(slot) or set(now.serving) - {slot, stable.name} or bearable(stable, total) >= 100:
        return None
    share = max(bearable(stable, total), now.live(stable.name))
    return weights({stable.name: share, slot: 100 - share})


def going_back(scene: Scene) -> Decision | None:
    """Answers while a failed candidate still has weight that stable could not bear."""
    progress, run, stable = scene.progress, scene.progress.run, scene.stable
    if progress.outcome != GOING_BACK or run is None or stable is None or run.slot == stable.name:
        return None
    slot, candidate = run.slot, scene.endpoint.deployment(run.slot)
    if not scene.endpoint.weights.live(slot):
        return None
    end = (progress.since or scene.now) + LONGEST
    short = bearable(stable, run.total) < 100 and scene.now < end
    if candidate is None or not candidate.ready:
        return _act(_rest(scene, all_to(stable.name), f"{slot} does not answer any more"))
    if not short:
        why = (
            f"{LONGEST.seconds // 60} minutes are over"
            if scene.now >= end
            else f"{stable.name} can bear all of the traffic again"
        )
        return _act(_rest(scene, all_to(stable.name), why))
    if not stable.autoscaled:
        return _act(_enlarged(stable, run.total))
    share = bearable(stable, run.total)
    if share > scene.endpoint.weights.live(stable.name):
        why = f"{stable.name} can bear {share} % of the traffic now"
        return _act(_rest(scene, weights({stable.name: share, slot: 100 - share}), why))
    reason = f"{stable.name} has {stable.count} of {run.total} instances; it gets the rest when it has grown"
    return _wait(reason, end)


def repaired(scene: Scene) -> Decision | None:
    """Stable's own scaling failed on the way back: ask for it again, as long as there is time."""
    run, stable = scene.progress.run, scene.stable
    if scene.progress.outcome != GOING_BACK or run is None or stable is None or stable.state != FAILED:
        return None
    if stable.autoscaled or scene.now >= (scene.progress.since or scene.now) + LONGEST:
        return None
    return _act(_enlarged(stable, run.total))


def told(endpoint: Endpoint, progress: Progress | None, stable: str) -> str:
    """The way back in a sentence, where it takes steps; "" where one write is enough."""
    found, run = endpoint.deployment(stable), progress.under_way if progress else None
    if found is None or run is None or not endpoint.weights.live(run.slot) or bearable(found, run.total) >= 100:
        return ""
    share = max(bearable(found, run.total), endpoint.weights.live(stable))
    how = "when its autoscaler has given it" if found.autoscaled else "when it has been given"
    return (
        f"{stable} has {found.count} of the {run.total} instances that all of the traffic needs: a failed gate gives it"
        f" {share} % at once and the rest {how} {run.total}, after {LONGEST.seconds // 60} minutes at the latest;"
        " a dead candidate, and `rollout rollback`, give it everything in one write"
    )


def _enlarged(stable: Deployment, total: int) -> ScaleDeployment:
    return ScaleDeployment(
        reason=f"{stable.name} must bear all of the traffic again",
        deployment=stable.name,
        before=stable.count,
        count=total,
    )


def _rest(scene: Scene, split: Weights, why: str) -> SetTraffic:
    outcome = GOING_BACK if len(split.serving) > 1 else "failed"
    progress = records.gone_back(scene, split, outcome, why)
    return SetTraffic(reason=why, before=scene.endpoint.weights, weights=split, endpoint=None, progress=progress)


def _act(action: Action) -> Decision:
    return Decision(status=Status.ACT, phase=Phase.ROLLED_BACK, reason=action.reason, actions=(action,))


def _wait(reason: str, until: datetime) -> Decision:
    return Decision(status=Status.WAIT, phase=Phase.ROLLED_BACK, reason=reason, next_after=until)
