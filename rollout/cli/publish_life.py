"""At which station of its life a plan, or a fleet, is that is told about: one answer for comments and statuses."""

from __future__ import annotations

from rollout.cli.publishing import About
from rollout.core.decision import Status
from rollout.core.fleet import FleetStatus
from rollout.render.document import Document, Failure, Fleet
from rollout.render.fleet_life import fleet_life_line, fleet_life_of, fleet_status_words, is_refused
from rollout.render.life import Life, Standing, life_line, life_of, status_words


def told_of(one: About) -> Document | Fleet | Failure:
    """What is told about it."""
    told = one.fleet or one.document or one.failure
    assert told is not None, "there is one of them"
    return told


def station(one: About, standing: Standing) -> Life | None:
    """Where it is; None where a command came to no result."""
    if one.fleet is not None:
        return fleet_life_of(one.fleet, standing)
    return life_of(one.document, standing) if one.document is not None else None


def station_line(one: About, standing: Standing) -> str:
    """The line at the top of a comment; "" where a command came to no result."""
    if one.fleet is not None:
        return fleet_life_line(one.fleet, standing)
    return life_line(one.document, standing) if one.document is not None else ""


def station_words(one: Document | Fleet, standing: Standing) -> str:
    """The same in a commit status."""
    return fleet_status_words(one, standing) if isinstance(one, Fleet) else status_words(one, standing)


def refuses(one: Document | Fleet) -> bool:
    """Whether nothing, or not all of it, is done as long as nobody allows it."""
    return is_refused(one) if isinstance(one, Fleet) else any(hazard.refused for hazard in one.hazards)


def ends(one: About) -> bool:
    """Whether the log of the run tells more: otherwise it is not linked, so that a pass without news edits nothing."""
    if one.fleet is not None:
        return one.fleet.status is FleetStatus.HOLD
    return one.document is None or one.document.decision.status in (Status.HOLD, Status.REFUSE)
