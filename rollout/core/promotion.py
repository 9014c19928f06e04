"""What one environment shows about a goal, before it goes to the next: promoted there, alone, and for long enough.

Told by the endpoint alone: its weights, its deployments and the record in its tags.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.core.observed import Observation, all_to
from rollout.core.progress import Progress, Promoted, Transition, from_tags
from rollout.core.release import Gate, Release
from rollout.errors import Refused

_CONTENT: Final = frozenset({"code", "environment", "model", "scoring_script"})
"""The parts of a deployment that go from one environment to the next; sizes and settings are each environment's own."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Where the goal is promoted, since when (the service's time), for how many seconds, out of which commit; the gates
    that its plan has now, and the last transitions there."""

    plan: str
    endpoint: str
    deployment: str
    goal: str
    commit: str
    since: datetime
    seconds: float
    gates: tuple[str, ...]
    history: tuple[Transition, ...]
    content: Mapping[str, str]


def content(release: Release) -> dict[str, str]:
    """What the plan's candidate is made of, as digests and names of assets; the same for the same content."""
    fields = release.candidate.fields
    return {path: str(fields[path]) for path in sorted(fields) if path.split(".")[0] in _CONTENT}


def evidence(release: Release, seen: Observation, *, least: float, gates: tuple[str, ...] = ()) -> Evidence:
    """What that look shows about the release's goal, which must be promoted for `least` seconds, by a plan with gates
    of these kinds. Raises Refused."""
    if missing := lacking(release, gates):
        raise Refused(missing)
    progress, promoted, since = _promoted(release, seen)
    seconds = (seen.now - since).total_seconds()
    if seconds < least:
        wait = since + timedelta(seconds=least)
        raise Refused(
            f"{release.goal} has been promoted on {release.endpoint.name} for {_span(seconds)}, not for {_span(least)}",
            hint=f"not before {wait:%Y-%m-%d %H:%M:%SZ}",
        )
    return Evidence(
        plan=release.name,
        endpoint=release.endpoint.name,
        deployment=promoted.name,
        goal=release.goal,
        commit=progress.commit,
        since=since,
        seconds=seconds,
        gates=tuple(stage.name for stage in release.stages if isinstance(stage, Gate)),
        history=progress.history,
        content=content(release),
    )


def lacking(release: Release, gates: tuple[str, ...]) -> str:
    """The kinds of gate that the plan must have and has not, as a sentence; "" where it has them all."""
    there = {stage.kind.value for stage in release.stages if isinstance(stage, Gate)}
    missing = [kind for kind in gates if kind not in there]
    return (
        f"the plan {release.name} has no gate {', '.join(missing)}, which must be passed there first" if missing else ""
    )


def _promoted(release: Release, seen: Observation) -> tuple[Progress, Promoted, datetime]:
    name, endpoint = release.endpoint.name, seen.endpoint
    progress = from_tags(endpoint.tags) if endpoint is not None else None
    if endpoint is None or not isinstance(progress, Progress) or progress.plan != release.name:
        raise Refused(f"{name} has no record of the plan {release.name}")
    promoted = progress.promoted
    if promoted is None or promoted.revision != release.goal:
        there = f"{promoted.revision} is" if promoted else "nothing is"
        raise Refused(f"{release.goal} is not promoted on {name}: {there}")
    if progress.hold is not None:
        raise Refused(f"{name} is held: {progress.hold.why}")
    if progress.under_way is not None or progress.outcome != "complete" or progress.since is None:
        raise Refused(f"the rollout on {name} has not ended: {progress.outcome or 'under way'}")
    live = endpoint.deployment(promoted.name)
    if live is None or not live.ready or live.revision != release.goal:
        raise Refused(f"{promoted.name} on {name} is not what was promoted, or is not ready")
    if endpoint.weights != all_to(promoted.name):
        raise Refused(f"{promoted.name} does not have all traffic on {name}")
    return progress, promoted, progress.since


def _span(seconds: float) -> str:
    return str(timedelta(seconds=int(seconds)))
