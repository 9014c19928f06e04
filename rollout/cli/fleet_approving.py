"""Saved change sets of fleets: from file to what was approved, and the check that it is still what would be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from rollout.cli import options
from rollout.cli.approving import TOOL, beside, document_in, is_saved, must_concern
from rollout.cli.fleet_desk import Desk, Fleet, Sight, read
from rollout.core.approval import must_fit
from rollout.core.fleet import Standing
from rollout.core.fleet_approval import GivenFleet, must_be_in_time, must_be_that_fleet, not_as_approved
from rollout.errors import Unapproved, UsageError
from rollout.render import document as form


class SavedFleet(GivenFleet, frozen=True, kw_only=True):
    """The change sets of a fleet in a file, with the fleet that they are about. `overlays`: by the file of a plan
    (absolute) the one that it was looked at with."""

    file: Path
    overlays: Mapping[Path, Path] = {}


def is_saved_fleet(path: Path) -> bool:
    """Whether that argument is the saved change set of a fleet. Raises UsageError where it is no document at all."""
    return is_saved(path) and isinstance(document_in(path), form.Fleet)


def read_saved_fleet(path: Path) -> SavedFleet:
    """What `rollout diff FLEET --out` wrote. Raises UsageError where there is none in the file."""
    found = document_in(path)
    if not isinstance(found, form.Fleet) or found.approval is None:
        raise UsageError(f"{path} holds no change set to apply", hint="write one: rollout diff FLEET --out FILE")
    given = {one.name: one.change_set.approval for one in found.members if one.change_set is not None}
    named = found.approval.overlays
    return SavedFleet(
        approved=found.approval,
        members={name: one for name, one in given.items() if one is not None},
        file=beside(path, found.approval.file),
        overlays={beside(path, file).resolve(): beside(path, named[file]) for file in named},
    )


def as_approved(saved: SavedFleet, target: str | None) -> Fleet:
    """The fleet that was approved, read as it was then. Raises Unapproved where its files say something else now."""

    def overlay_for(plan: Path) -> Path | None:
        return saved.overlays.get(plan.resolve()) or options.overlay_for(plan)

    fleet = read(saved.file, target, overlay_for, saved.approved.digest)
    must_be_that_fleet(saved.approved, fleet.plan, saved.members, TOOL)
    faults: dict[str, Unapproved] = {}
    for name, loaded in fleet.members.items():
        endpoint = fleet.places[name].target.paths.endpoint(loaded.release.endpoint.name)
        try:
            must_concern(saved.members[name], loaded.release, endpoint)
        except Unapproved as error:
            faults[name] = error
    if faults:
        raise not_as_approved(saved.approved, faults)
    return fleet


def must_still_fit(at: Desk, saved: SavedFleet, sights: Mapping[str, Sight]) -> None:
    """Raise Unapproved if a fleet that nobody has begun would do something else now than was approved of any member.

    Once it is under way a member that is other than it was stands still by itself: its own pass says so, and its wave
    does not end; who is under way must go on.
    """
    if at.is_begun(sights):
        return
    now = max((sight.seen.now for sight in sights.values() if sight.seen is not None), default=None)
    if now is not None and any(sight.member.standing is Standing.PENDING for sight in sights.values()):
        must_be_in_time(saved.approved, now)
    if faults := dict(_faults(at, saved, sights)):
        raise not_as_approved(saved.approved, faults)


def _faults(at: Desk, saved: SavedFleet, sights: Mapping[str, Sight]) -> Iterator[tuple[str, Unapproved]]:
    """Of each member to which something would be done: why that is not what was approved."""
    for name, sight in sights.items():
        if sight.seen is None or sight.decision is None:
            continue
        if sight.member.standing is Standing.PENDING or sight.member.unfinished:
            try:
                must_fit(saved.members[name], at.fleet.members[name].release, sight.seen, sight.decision, at.allowed)
            except Unapproved as error:
                yield name, error
