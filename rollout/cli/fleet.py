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

from rollout.cli import ending, exits
from rollout.cli.carry_out import Asked, carry_out
from rollout.cli.context import actor
from rollout.cli.fleet_desk import Desk, Fleet, Sight, desk, digest_of, read
from rollout.cli.fleet_run import Ended, Journey, exit_code
from rollout.cli.fleet_told import as_passes, told
from rollout.cli.many import worst
from rollout.cli.options import Output
from rollout.cli.passes import Visit, Wish
from rollout.cli.printing import failures_told, publish, say, show, stdout_is_taken
from rollout.cli.running import run
from rollout.cli.session import CREATES, report_on
from rollout.core import commands
from rollout.core.fleet import FleetStatus, Standing
from rollout.errors import Refused, RolloutError, Unapproved, UsageError
from rollout.render import document as form
from rollout.render.document import Document, Pass
from rollout.render.from_report import document

PARALLEL: Final = 8
"""How many members of a fleet are worked on at the same time by a command that does not wait."""
To = Literal["stable", "former"]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What all members would still do: their change sets, the exit codes of looking at them, and one digest."""

    change_sets: Mapping[str, Document]
    codes: tuple[int, ...]
    digest: str


def look(
    path: Path,
    target: str | None,
    outputs: tuple[Output, ...],
    detailed: bool,
    hazards: tuple[str, ...],
    command: Literal["diff", "status"],
) -> int:
    """`diff` and `status`: every member as it stands, and what it would still do. Changes nothing."""
    with failures_told(command, path, outputs):
        found = run(_look(read(path, target), frozenset(hazards) | {CREATES}, command))
        publish(found, outputs)
    return found.exit_code if detailed else exits.OK


async def _look(fleet: Fleet, allowed: frozenset[str], command: str) -> form.Fleet:
    async with desk(fleet, allowed) as at:
        sights = await at.look(fleet.members)
        ended = Ended(decision=await at.decided(sights), sights=sights)
        changes = _changes(at, sights)
        return told(command, fleet, ended, worst(changes.codes), changes.change_sets, changes.digest)


def _changes(at: Desk, sights: Mapping[str, Sight]) -> Changes:
    """What each member that could be looked at would still do."""
    found: dict[str, Document] = {}
    codes: list[int] = []
    for name, sight in sights.items():
        if sight.seen is None:
            codes.append(exits.ERROR)
            continue
        report = report_on(at.session(name), at.fleet.members[name], sight.seen, at.allowed)
        codes.append(ending.of_look(report.changes, detailed=True))
        found[name] = document(msgspec.structs.replace(report, command="diff", exit_code=codes[-1]))
    return Changes(
        change_sets=found,
        codes=tuple(codes),
        digest=digest_of({name: change_set.digest for name, change_set in found.items()}),
    )


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
    """`apply`: what the fleet asks for, wave by wave, as far as it goes now (or to its end, with a wait)."""
    wish = Wish(target=target, allowed=allowed, detailed=detailed, max_wait=max_wait, expected={})
    with failures_told("apply", path, outputs):
        found = run(_apply(read(path, target), wish, outputs, approved, expect))
        if found is None:
            click.echo("nothing was done", err=True)
            return exits.ERROR
        publish(found, outputs)
    return found.exit_code


async def _apply(
    fleet: Fleet, wish: Wish, outputs: tuple[Output, ...], approved: bool, expect: str
) -> form.Fleet | None:
    async with desk(fleet, wish.allowed) as at:
        if (expect or not approved) and not await _may(at, outputs, expect):
            return None
        return await _carried(at, wish, "apply", PARALLEL)


async def _may(at: Desk, outputs: tuple[Output, ...], expect: str) -> bool:
    """Whether the changes may be made: as expected, nothing to approve, or said now."""
    sights = await at.look(at.fleet.members)
    changes = _changes(at, sights)
    if expect and expect != changes.digest:
        raise Unapproved(
            f"the changes of the fleet are {changes.digest} now, not {expect}", hint="look at them again: rollout diff"
        )
    decision = await at.decided(sights)
    if expect or decision.status is FleetStatus.DONE:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"the changes of the fleet, {changes.digest}, are not approved, and nobody is here to ask",
            hint=f"--auto-approve, or look at them with `rollout diff` and give --expect {changes.digest}",
        )
    from rollout.render.forms import lines_of

    ended = Ended(decision=decision, sights=sights)
    found = told("diff", at.fleet, ended, worst(changes.codes), changes.change_sets, changes.digest)
    show(lines_of(found), sys.stderr if stdout_is_taken(outputs) else sys.stdout)
    return click.confirm("Release this fleet?", err=True)


async def _carried(at: Desk, wish: Wish, command: str, parallel: int) -> form.Fleet:
    ended = await Journey(at, wish, parallel, actor(os.environ.get("ROLLOUT_WHO"))).carry_on()
    return told(command, at.fleet, ended, exit_code(ended, detailed=wish.detailed))


async def reconciled(path: Path, wish: Wish, parallel: int) -> list[Visit]:
    """`reconcile`: one bounded pass over the fleet, its members as rows, the fleet itself as the last one."""
    try:
        fleet = read(path, wish.target)
        async with desk(fleet, wish.allowed) as at:
            found = await _carried(at, wish, "reconcile", parallel)
    except RolloutError as error:
        from rollout.cli.complain import complain

        say(f"{path}:", err=True)
        return [Visit(told=Pass(file=str(path), exit_code=complain(error), status="error", reason=str(error)))]
    whole = Pass(
        file=str(path),
        exit_code=found.exit_code,
        status=found.status.value,
        reason=found.reason,
        next_after=found.next_after,
    )
    rows = as_passes(found)
    return [*(Visit(told=row, plan=name) for name, row in rows), Visit(told=whole)]


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
        found = run(_rolled_back(fleet, names, to, actor(who), why))
        publish(found, outputs)
    return found.exit_code


async def _rolled_back(fleet: Fleet, names: list[str], to: To | None, who: str, why: str) -> form.Fleet:
    async with desk(fleet, frozenset({CREATES})) as at:
        sights = await at.look(fleet.members)
        turns = asyncio.Semaphore(PARALLEL)

        async def one(name: str) -> Pass:
            refused = exits.REFUSED if to == "former" or sights[name].member.begun else exits.OK
            async with turns:
                return await _back(fleet, name, to or _way(sights[name]), who, why, refused)

        done = dict(zip(names[::-1], await asyncio.gather(*map(one, names[::-1])), strict=True))
        after = await at.look(fleet.members)
        ended = Ended(decision=await at.decided(after), sights=after, passes=done)
        return told("rollback", fleet, ended, worst(found.exit_code for found in done.values()))


def _way(sight: Sight) -> To:
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
