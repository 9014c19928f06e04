"""Who was a member of a fleet and is not any more: endpoints of its workspaces whose record still names it."""

from __future__ import annotations

from rollout.cli.fleet_desk import Desk
from rollout.cli.printing import say
from rollout.core.progress import Progress, from_tags
from rollout.errors import RolloutError
from rollout.render.former import FormerMember


async def former_members(at: Desk) -> tuple[FormerMember, ...]:
    """Of each workspace that a member is in, by one list of its endpoints; what cannot be listed is told on stderr.
    Nothing is written, and nobody is held up."""
    fleet = at.fleet
    mine = {
        (place.label, fleet.members[name].release.endpoint.name.lower()): name for name, place in fleet.places.items()
    }
    found: list[FormerMember] = []
    for label, name in {place.label: name for name, place in fleet.places.items()}.items():
        try:
            listed = await at.session(name).census.endpoints()
        except RolloutError as error:
            say(f"warning: {label}: cannot look for former members of {fleet.plan.name}: {error}", err=True)
            continue
        for endpoint in listed:
            record = from_tags(endpoint.tags)
            known = isinstance(record, Progress) and record.fleet == fleet.plan.name
            if isinstance(record, Progress) and known and (label, endpoint.name.lower()) not in mine:
                found.append(FormerMember(name=record.plan, endpoint=endpoint.name, target=label))
    return tuple(sorted(found, key=lambda one: (one.target, one.endpoint)))
