"""What every command of a person needs: the endpoint, its record, and that it is ours to change."""

from __future__ import annotations

from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Damaged, Progress, from_tags
from rollout.core.release import Release
from rollout.errors import Refused


def endpoint_of(seen: Observation) -> Endpoint:
    """The live endpoint. Raises Refused if there is none."""
    if seen.endpoint is None:
        raise Refused("the endpoint does not exist", hint="rollout apply creates it")
    return seen.endpoint


def record_of(release: Release | None, endpoint: Endpoint) -> Progress:
    """The endpoint's record; a blank one of this plan where there is none."""
    recorded = from_tags(endpoint.tags)
    if isinstance(recorded, Damaged):
        raise Refused(recorded.reason, hint="say what serves: rollout adopt --stable NAME")
    if recorded is not None:
        must_be_ours(release, endpoint)
        return recorded
    if release is None:
        raise Refused(f"no plan manages {endpoint.name}", hint="give the plan's file")
    return Progress(plan=release.name, commit=release.commit)


def must_be_ours(release: Release | None, endpoint: Endpoint) -> None:
    """Raises Refused if another plan owns the endpoint."""
    recorded = from_tags(endpoint.tags)
    if release is not None and isinstance(recorded, Progress) and recorded.plan != release.name:
        raise Refused(f"{endpoint.name} belongs to the plan {recorded.plan}", hint="give that plan, or --endpoint")


def said(what: str, who: str, why: str) -> str:
    """What was done, by whom and why, in one line for the record."""
    by = f" by {who}" if who else ""
    return f"{what}{by}: {why}" if why else f"{what}{by}"
