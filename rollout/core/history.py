"""Who moved what, when, from which commit, approved by whom: from the endpoint's tags and its deployments' write-once
properties alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec

from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress, from_tags
from rollout.core.stamp import ACTOR, born_at


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that happened. "" where nobody has recorded it.

    `target`: the endpoint or deployment. `run`: the URL of the CI run that did it. `approved`: the digest of the change
    set that was approved; a person's yes to an approval stage is an event of its own. `lasting`: from write-once
    properties, which nobody can alter later; other events come from tags.
    """

    at: datetime | None
    target: str
    what: str
    who: str = ""
    commit: str = ""
    plan: str = ""
    run: str = ""
    approved: str = ""
    lasting: bool = False


def history(endpoint: Endpoint) -> tuple[Event, ...]:
    """All that the endpoint tells about itself, the oldest first; what has no time comes first."""
    found = [*_recorded(endpoint), *(event for one in endpoint.deployments for event in _created(one))]
    return tuple(sorted(found, key=lambda event: (event.at is not None, event.at, event.target)))


def _recorded(endpoint: Endpoint) -> Iterator[Event]:
    record = from_tags(endpoint.tags)
    if not isinstance(record, Progress):
        return
    for entry in record.history:
        yield Event(
            at=entry.at, target=endpoint.name, what=entry.what, who=entry.who, commit=entry.commit, plan=record.plan
        )


def _created(found: Deployment) -> Iterator[Event]:
    told = found.provenance
    born = born_at(found.born) if found.born else None
    if not told and born is None:
        return
    yield Event(
        at=born,
        target=found.name,
        what=f"created with revision {(found.revision or '')[:10]}",
        who=told.get(ACTOR, ""),
        commit=told.get("commit", ""),
        plan=told.get("plan", ""),
        run=told.get("run", ""),
        approved=told.get("approved", ""),
        lasting=bool(told),
    )
