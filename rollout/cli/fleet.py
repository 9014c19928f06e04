"""`diff`, `status`, `apply`, `reconcile` and `rollback` of a fleet."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

import click
import msgspec

from rollout.cli import exits
from rollout.cli.approving import is_saved
from rollout.cli.carry_out import Asked, carry_out
from rollout.cli.context import actor
from rollout.cli.fleet_approving import SavedFleet, as_approved, must_still_fit, read_saved_fleet
from rollout.cli.fleet_changes import changes_of, reports_of, with_all_authors
from rollout.cli.fleet_desk import Desk, Fleet, Sight, desk, read
from rollout.cli.fleet_former import former_members
from rollout.cli.fleet_run import Ended, Journey, exit_code
from rollout.cli.fleet_told import told
from rollout.cli.many import worst
from rollout.cli.options import Output
from rollout.cli.passes import Wish
from rollout.cli.printing import failures_told, publish, say, show, stdout_is_taken
from rollout.cli.running import run
from rollout.cli.session import CREATES, Doors
from rollout.core import commands
from rollout.core.change_set import LIFETIME
from rollout.core.fleet import FleetStatus, Standing
from rollout.errors import Refused, RolloutError, Unapproved, UsageError
from rollout.render import document as form
from rollout.render.document import Pass

PARALLEL: Final = 8
"""How many members of a fleet are worked on at the same time by a command that does not wait."""
To = Literal["stable", "former"]


def look(
    path: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    command: Literal["diff", "status"],
    lifetime: float = LIFETIME,
) -> int:
    """`diff` and `status`: every member as it stands, and what it would still do. Changes nothing."""
    with failures_told(command, path, outputs):
        found = run(_look(read(path, target), frozenset(hazards) | {CREATES}, command, lifetime))
        publish(found, outputs)
    return found.exit_code if detailed else exits.OK


async def _look(fleet: Fleet, allowed: frozenset[str], command: str, lifetime: float) -> form.Fleet:
    async with desk(fleet, allowed) as at:
        sights = await at.look(fleet.members)
        ended = Ended(decision=await at.decided(sights), sights=sights)
        reports = reports_of(at, sights, lifetime)
        known = await with_all_authors(at, reports) if command == "diff" else reports
        changes = changes_of(at, sights, ended.decision, known, lifetime)
        found = told(command, fleet, ended, worst(changes.codes), changes)
        return msgspec.structs.replace(found, former=await former_members(at))


def apply(
    path: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    *,
    detailed: bool,
    allowed: frozenset[str],
    max_wait: float,
    approved: bool,
    expect: str,
) -> int:
    """`apply`: what the fleet asks for, wave by wave, as far as it goes now (or to its end, with a wait). `path` may be
    what was saved and approved: then that, and nothing else."""
    wish = Wish(target=target, allowed=allowed, detailed=detailed, max_wait=max_wait, expected={})
    with failures_told("apply", path, outputs):
        if is_saved(path):
            found = run(_apply_saved(read_saved_fleet(path), wish, expect))
        else:
            asked = run(_apply(read(path, target), wish, outputs, approved, expect))
            if asked is None:
                click.echo("nothing was done", err=True)
                return exits.ERROR
            found = asked
        publish(found, outputs)
    return found.exit_code


async def _apply(
    fleet: Fleet, wish: Wish, outputs: tuple[Output, ...], approved: bool, expect: str
) -> form.Fleet | None:
    async with desk(fleet, wish.allowed) as at:
        first = await at.look(fleet.members)
        sights = await _may(at, first, outputs, expect) if expect or not approved else first
        return await carried(at, wish, "apply", PARALLEL, sights) if sights is not None else None


async def _apply_saved(saved: SavedFleet, wish: Wish, expect: str) -> form.Fleet:
    """Exactly what was approved. Raises Unapproved where that is not what would be done."""
    if expect and expect != saved.approved.digest:
        raise Unapproved(f"the saved change set is {saved.approved.digest}, not {expect}")
    return await carried_out(as_approved(saved, wish.target), saved, wish, "apply", PARALLEL)


async def carried_out(
    fleet: Fleet, saved: SavedFleet | None, wish: Wish, command: str, parallel: int, through: Doors | None = None
) -> form.Fleet:
    """The fleet carried on as far as it goes; where something was approved of it, exactly that. Raises Unapproved where
    that is not what would be done, and RolloutError."""
    if saved is None:
        async with desk(fleet, wish.allowed, through) as at:
            return await carried(at, wish, command, parallel)
    wish = msgspec.structs.replace(wish, allowed=wish.allowed | saved.allowed)
    async with desk(fleet, wish.allowed, through, saved.members) as at:
        sights = await at.look(fleet.members)
        must_still_fit(at, saved, sights)
        return await carried(at, wish, command, parallel, sights)


async def _may(
    at: Desk, sights: Mapping[str, Sight], outputs: tuple[Output, ...], expect: str
) -> Mapping[str, Sight] | None:
    """The members, where the changes may be made: as expected, nothing to approve, or said now; None: they may not.

    Where a person was asked, time has passed: they are looked at again.
    """
    decision = await at.decided(sights)
    changes = changes_of(at, sights, decision, reports_of(at, sights))
    if expect and expect != changes.digest:
        raise Unapproved(
            f"the changes of the fleet are {changes.digest} now, not {expect}", hint="look at them again: rollout diff"
        )
    if expect or decision.status is FleetStatus.DONE:
        return sights
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"the changes of the fleet, {changes.digest}, are not approved, and nobody is here to ask",
            hint=f"--auto-approve, or look at them with `rollout diff` and give --expect {changes.digest}",
        )
    from rollout.render.forms import lines_of

    found = told("diff", at.fleet, Ended(decision=decision, sights=sights), worst(changes.codes), changes)
    show(lines_of(found), sys.stderr if stdout_is_taken(outputs) else sys.stdout)
    return await at.look(at.fleet.members) if click.confirm("Release this fleet?", err=True) else None


async def carried(
    at: Desk, wish: Wish, command: str, parallel: int, first: Mapping[str, Sight] | None = None
) -> form.Fleet:
    """The fleet carried on as far as it goes, and how that left it; `first` is a look of this moment. Raises
    RolloutError."""
    ended = await Journey(at, wish, parallel, actor(os.environ.get("ROLLOUT_WHO"))).carry_on(first)
    return told(command, at.fleet, ended, exit_code(ended, detailed=wish.detailed))


def rollback(
    path: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    who: str | None,
    why: str,
    *,
    wave: str | None,
    to: To | None,
) -> int:
    """`rollback`: every member (of one wave, with `wave`) goes back; the others are told why they stay."""
    with failures_told("rollback", path, outputs):
        fleet = read(path, target)
        names = [name for each in fleet.plan.waves if wave in (None, each.name) for name in each.members]
        if not names:
            known = ", ".join(each.name for each in fleet.plan.waves)
            raise UsageError(f"the fleet has no wave {wave}", hint=f"it has {known}")
        found = run(rolled_back(fleet, names, to, actor(who), why))
        publish(found, outputs)
    return found.exit_code


async def rolled_back(fleet: Fleet, names: list[str], to: To | None, who: str, why: str) -> form.Fleet:
    """What `rollback` does to these members, the last one first. Raises RolloutError where none can be looked at."""
    async with desk(fleet, frozenset({CREATES})) as at:
        sights = await at.look(fleet.members)
        turns = asyncio.Semaphore(PARALLEL)

        async def one(name: str) -> Pass:
            refused = exits.REFUSED if to == "former" or sights[name].member.begun else exits.OK
            async with turns:
                return await _back(fleet, name, to or way(sights[name]), who, why, refused)

        done = dict(zip(names[::-1], await asyncio.gather(*map(one, names[::-1])), strict=True))
        after = await at.look(fleet.members)
        ended = Ended(decision=await at.decided(after), sights=after, passes=done)
        return told("rollback", fleet, ended, worst(found.exit_code for found in done.values()))


def way(sight: Sight) -> To:
    """Where one goes back to that nobody named: released by this release of the fleet, to what it had before."""
    returnable = sight.member.standing is Standing.RELEASED and sight.member.returnable
    return "former" if returnable else "stable"


async def _back(fleet: Fleet, name: str, to: To, who: str, why: str, refused: int) -> Pass:
    """One member's way back. `refused`: the exit code where it has none."""
    loaded = fleet.members[name]
    release = loaded.release
    asked = Asked(release=release, endpoint=release.endpoint.name, place=fleet.places[name], who=who, why=why)
    lines: list[str] = []
    try:
        await carry_out(asked, lambda seen: commands.rollback(release, seen, who, why, to=to), lines.append)
    except Refused as error:
        return Pass(file=str(loaded.path), exit_code=refused, status="stays", reason=f"stays as it is: {error}")
    except RolloutError as error:
        say(f"{name}: {error}", err=True)
        return Pass(file=str(loaded.path), exit_code=error.exit_code, status="error", reason=str(error))
    for text in lines:
        say(f"{name}: {text}", err=True)
    return Pass(file=str(loaded.path), exit_code=exits.OK, status="rolled back", reason="; ".join(lines), writes=1)


def refuse_overlooked(given: Mapping[str, object], command: str) -> None:
    """Raise UsageError for flags that mean nothing for a fleet."""
    wrong = [flag for flag, value in given.items() if value]
    if wrong:
        raise UsageError(f"{command} of a fleet knows no {', '.join(wrong)}", hint="they are about one plan")
