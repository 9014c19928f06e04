"""Everything that the rules look at, worked out once: who is who, which journey this is, what was passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from rollout.core import journey as journeys
from rollout.core.identity import Known, Nobody, Promotion, identified, recognised, what_is_promoted
from rollout.core.ignoring import managed_endpoint, unmanaged_counts
from rollout.core.journey import Journey, JourneyKind
from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress, Promoted, Run
from rollout.core.release import EndpointSpec, Release
from rollout.core.stamp import born_at
from rollout.core.verdict import Verdict


class Scene(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The resolved situation of one pass.

    `progress` is the record, a blank one where there is none (`recorded` False). `run` is the recorded run if it is
    this journey's and this creation of the candidate; only then do `passed` and its `since` count. `promoted` is what a
    rollback returns to (None: nothing), `stable` the live deployment that is promoted, `candidate` whatever lives in
    the journey's slot, whether it is the goal (`carries_goal`) or not. `exposure` is the slot's live weight.
    """

    release: Release
    endpoint: Endpoint
    progress: Progress
    recorded: bool
    promotion: Promotion
    journey: Journey
    run: Run | None
    passed: frozenset[str]
    verdicts: Mapping[str, Verdict]
    allowed: frozenset[str]
    now: datetime
    promoted: Promoted | None
    stable: Deployment | None
    candidate: Deployment | None
    carries_goal: bool
    exposure: int

    @property
    def managed(self) -> EndpointSpec:
        """The endpoint's declared fields, without those that are left to somebody else."""
        return managed_endpoint(self.release)

    @property
    def since(self) -> datetime:
        """What a bake counts from: the later of the last change of weights and the last recorded pass; at 0 %,
        before any write of this run, the candidate's creation."""
        slot = self.journey.slot
        recorded = self.progress.since if self.run or self.endpoint.weights.touches(slot) else None
        born = born_at(self.candidate.born or "") if self.candidate else None
        times = [time for time in (recorded, born) if time is not None]
        return max(times) if times else (self.endpoint.modified or self.now)

    def after(self, seconds: float) -> datetime:
        """`since` and that many seconds."""
        return self.since + timedelta(seconds=seconds)


def scene(
    release: Release,
    endpoint: Endpoint,
    progress: Progress | None,
    now: datetime,
    verdicts: Mapping[str, Verdict],
    allowed: frozenset[str],
) -> Scene:
    """Work out the situation. Pure; costs a few microseconds a stage."""
    endpoint = identified(unmanaged_counts(release, endpoint), progress)
    endpoint, promotion = recognised(release, endpoint, what_is_promoted(endpoint, progress))
    way = choose_journey(release, endpoint, promotion, progress)
    run = _active(progress, way, endpoint)
    promoted = promotion.promoted if isinstance(promotion, Known) else None
    candidate = endpoint.deployment(way.slot)
    return Scene(
        release=release,
        endpoint=endpoint,
        progress=progress or Progress(plan=release.name, commit=release.commit),
        recorded=progress is not None,
        promotion=promotion,
        journey=way,
        run=run,
        passed=frozenset(progress.passed) if progress and run else frozenset(),
        verdicts=verdicts,
        allowed=allowed,
        now=now,
        promoted=promoted,
        stable=endpoint.deployment(promoted.name) if promoted else None,
        candidate=candidate,
        carries_goal=candidate is not None and candidate.revision == way.goal,
        exposure=endpoint.weights.live(way.slot),
    )


def choose_journey(release: Release, endpoint: Endpoint, promotion: Promotion, progress: Progress | None) -> Journey:
    """Which way to the goal: a first release, an expedited revert to the former stable, or the plan's stages."""
    promoted = promotion.promoted if isinstance(promotion, Known) else None
    slot = candidate_slot(release, endpoint, promoted, progress)
    if isinstance(promotion, Nobody):
        return journeys.first(release, slot)
    former = progress.former if progress else None
    if former and release.on_revert == "fast" and former.revision == release.goal and former.name == slot:
        found = endpoint.deployment(slot)
        same = found is not None and found.ready and found.revision == release.goal and found.born == former.born
        if same:  # the very creation that was promoted once, not a new one of the same revision
            return journeys.expedited(release, slot)
    return journeys.normal(release, slot)


def candidate_slot(release: Release, endpoint: Endpoint, promoted: Promoted | None, progress: Progress | None) -> str:
    """The deployment name that the candidate takes: never the promoted one (of two slots the other), else the one
    that has the goal already, the run's, a free one, the first."""
    if release.literal is not None:
        return release.literal.candidate
    names = [name for name in release.slots if promoted is None or name != promoted.name]
    if len(names) == 1:
        return names[0]
    run = progress.run if progress else None

    def rank(name: str) -> tuple[bool, bool, bool, bool]:
        found = endpoint.deployment(name)
        has_goal = found is not None and found.revision == release.goal
        is_runs = run is not None and run.slot == name and run.goal == release.goal
        return (not has_goal, not is_runs, endpoint.weights.touches(name), found is not None)

    return min(names, key=rank)


def _active(progress: Progress | None, way: Journey, endpoint: Endpoint) -> Run | None:
    run = progress.under_way if progress else None
    found = endpoint.deployment(way.slot)
    if run is None or found is None or run.goal != way.goal or run.slot != way.slot:
        return None
    same_creation = found.revision == way.goal and run.born == (found.born or "")
    return run if same_creation else None


__all__ = ["JourneyKind", "Scene", "candidate_slot", "choose_journey", "scene"]
