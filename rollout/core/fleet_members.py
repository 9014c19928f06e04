"""How one member of a fleet stands, from one look at its endpoint and what would be decided about it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

from rollout.core import capacity
from rollout.core.capacity import Need
from rollout.core.change_set import change_set
from rollout.core.decision import Decision, Phase, Status, gives_back
from rollout.core.fleet import NOTHING, SETTLED, Member, Standing
from rollout.core.hazards import canonical
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Release
from rollout.core.stamp import FLEET, FLEET_TAG

_FINISHED: Final = (Phase.COMPLETE, Phase.ROLLED_BACK)


def release_of(fleet: str, goals: Mapping[str, str]) -> str:
    """What one release of a fleet is called: its name, and a digest of every member's goal."""
    told = "\n".join(f"{name}={goals[name]}" for name in sorted(goals))
    return f"{fleet}@{sha256(told.encode()).hexdigest()[:12]}"


def member_of(release: Release, seen: Observation, decision: Decision) -> Member:
    """How the member stands. `decision` is what is decided about it without any measurement."""
    record = _record(seen.endpoint)
    begun = _begun(release, seen.endpoint, record, decision)
    standing = _standing(decision, begun)
    return Member(
        name=release.name,
        standing=standing,
        reason=decision.reason,
        since=_since(release, record),
        begun=begun,
        unfinished=decision.status is Status.ACT and standing in SETTLED,
        astray=standing is Standing.PENDING and gives_back(decision),
        returnable=standing is Standing.RELEASED and _returnable(release, seen.endpoint, record),
    )


def may_go_on(members: Iterable[Member], releases: Iterable[Release], live: Iterable[Endpoint | None]) -> bool:
    """Whether a schedule may carry a fleet on: nobody waits to be begun, or somebody has begun this very release of it.
    Who cannot be looked at may be waiting."""
    found = tuple(members)
    waits = any(one.standing in (Standing.PENDING, Standing.UNKNOWN) for one in found)
    return not waits or is_begun(found, releases, live)


def is_begun(members: Iterable[Member], releases: Iterable[Release], live: Iterable[Endpoint | None]) -> bool:
    """Whether somebody has begun this very release of a fleet: a run is there, or a deployment that it has made. What
    an earlier release made begins nothing."""
    labels = {release.provenance.get(FLEET, "") for release in releases} - {""}
    made = {deployment.tags.get(FLEET_TAG) for one in live if one is not None for deployment in one.deployments}
    return any(one.begun for one in members) or bool(labels & made)


def _since(release: Release, record: Progress | None) -> datetime | None:
    """When this goal was promoted, where we did that and nothing has happened since."""
    if record is None or record.promoted is None or record.outcome != "complete":
        return None
    return record.since if record.promoted.revision == release.goal else None


def needed(release: Release, seen: Observation, allowed: frozenset[str]) -> Need:
    """What the rest of its way takes; nothing where the quota is left out of account by name."""
    allowed = canonical((*allowed, *release.allow_hazards))
    if capacity.UNPROVEN in allowed:
        return NOTHING
    return capacity.need(change_set(release, seen, allowed).actions, seen.endpoint)


def _standing(decision: Decision, begun: bool) -> Standing:
    if decision.phase in _FINISHED:
        return Standing.FAILED if decision.phase is Phase.ROLLED_BACK else Standing.RELEASED
    if decision.status in (Status.HOLD, Status.REFUSE):
        return Standing.HELD
    return Standing.IN_FLIGHT if begun else Standing.PENDING


def _begun(release: Release, live: Endpoint | None, record: Progress | None, decision: Decision) -> bool:
    """Whether anything of the way to this goal is there: a run on record, its candidate, or a create under way."""
    if live is None or (record is not None and record.plan != release.name):
        return False
    if record is not None and record.under_way is not None:
        return record.under_way.goal == release.goal
    found = live.deployment(decision.roles.candidate)
    former = record.former if record is not None else None
    if found is None or found.revision != release.goal or decision.roles.candidate == decision.roles.stable:
        return False
    return former is None or (former.name, former.revision, former.born) != (found.name, found.revision, found.born)


def _returnable(release: Release, live: Endpoint | None, record: Progress | None) -> bool:
    """Whether this release of the fleet has made what is promoted, and what was promoted before is still as it was."""
    if live is None or record is None or record.promoted is None or record.former is None:
        return False
    mine, former = live.deployment(record.promoted.name), live.deployment(record.former.name)
    label = release.provenance.get(FLEET)
    made_here = mine is not None and label is not None and mine.tags.get(FLEET_TAG) == label
    return made_here and former is not None and former.ready and former.revision == record.former.revision


def _record(live: Endpoint | None) -> Progress | None:
    found = from_tags(live.tags) if live is not None else None
    return found if isinstance(found, Progress) else None
