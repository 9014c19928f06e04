"""A person's commands on a rollout: each is one write (or two) to the endpoint's record or weights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import click

from rollout.cli import exits, options
from rollout.cli.carry_out import Asked, asked, carry_out
from rollout.cli.running import run
from rollout.core import commands
from rollout.core.commands import Actions
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import UsageError
from rollout.plan.load import is_fleet

_Command = Callable[[Release, Observation, str, str], Actions]


def _common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Options of every command here."""
    for decorate in (options.why, options.who, options.target, options.audit):
        function = decorate(function)
    return function


def _from_tags(function: Callable[..., Any]) -> Callable[..., Any]:
    """The plan may be missing where `--endpoint` names the endpoint."""
    return options.plan_argument(required=False)(options.endpoint_id(_common(function)))


@click.command()
@options.plan_argument()
@_common
@options.option("--stage", default="", help="The approval gate's name; by default the next one.")
def approve(plan: Path, target: str | None, who: str | None, why: str, stage: str) -> int:
    """Say yes to an approval gate of PLAN, for this goal and all that follows as it is now."""
    return _with_plan(
        asked(plan, None, target, who, why),
        lambda release, seen, by, text: commands.approve(release, seen, by, text, stage=stage),
    )


@click.command()
@options.plan_argument()
@_common
@options.break_glass
@options.option("--full", is_flag=True, help="All gates that remain, not only the one that is waited for.")
def promote(plan: Path, target: str | None, who: str | None, why: str, full: bool) -> int:
    """Let the gate that PLAN waits for pass without its measurement. The next `apply` carries on."""
    return _with_plan(
        asked(plan, None, target, who, why),
        lambda release, seen, by, text: commands.promote(release, seen, by, text, full=full),
    )


@click.command()
@options.plan_argument()
@_common
def retry(plan: Path, target: str | None, who: str | None, why: str) -> int:
    """Try PLAN's goal again, though it failed or was rolled back."""
    return _with_plan(asked(plan, None, target, who, why), commands.retry)


@click.command()
@options.plan_argument()
@_common
@options.option("--stable", required=True, metavar="NAME", help="The deployment that a rollback shall return to.")
def adopt(plan: Path, target: str | None, who: str | None, why: str, stable: str) -> int:
    """Take the endpoint over for PLAN, and say which deployment is stable."""
    return _with_plan(
        asked(plan, None, target, who, why),
        lambda release, seen, by, text: commands.adopt(release, seen, by, text, stable=stable),
    )


@click.command()
@_from_tags
@options.option(
    "--to",
    type=click.Choice(["stable", "former"]),
    help="Whom the traffic goes to; by default stable, and in a fleet former where this release is promoted already.",
)
@options.option("--wave", metavar="NAME", help="Of a fleet: only this wave's members.")
@options.output
def rollback(
    plan: Path | None,
    endpoint: str | None,
    target: str | None,
    who: str | None,
    why: str,
    to: Literal["stable", "former"] | None,
    wave: str | None,
    outputs: tuple[options.Output, ...],
) -> int:
    """Give all traffic back to what is promoted, in one write; the goal is not tried again before `retry`.

    Works without a plan: --endpoint ID, and the endpoint's own tags say the rest. PLAN may be a fleet: every member, or
    those of one --wave, the last one first.
    """
    if plan is not None and endpoint is None and is_fleet(plan):
        from rollout.cli import fleet

        return fleet.rollback(plan, target, outputs, who, why, wave=wave, to=to)
    if wave is not None or outputs:
        raise UsageError("--wave and --output are about a fleet", hint="rollout rollback FLEET --wave NAME")
    wish = asked(plan, endpoint, target, who, why)
    return run(carry_out(wish, lambda seen: commands.rollback(wish.release, seen, wish.who, why, to=to or "stable")))


@click.command()
@_from_tags
@options.option("--for", "span", type=options.DurationType(), help="It ends by itself so long from now.")
@click.option(  # ROLLOUT_UNTIL is a stage's name, for `apply`
    "--until",
    type=options.MomentType(),
    envvar="ROLLOUT_HOLD_UNTIL",
    show_envvar=True,
    help="It ends by itself then: a moment as `2026-01-31T08:00Z`.",
)
def hold(
    plan: Path | None,
    endpoint: str | None,
    target: str | None,
    who: str | None,
    why: str,
    span: float | None,
    until: datetime | None,
) -> int:
    """Stop the rollout of PLAN (or on an endpoint) until `rollout resume`. What serves stays as it is."""
    if span is not None and until is not None:
        raise UsageError("--for and --until say the same: one of them")
    end = timedelta(seconds=span) if span is not None else until
    wish = asked(plan, endpoint, target, who, why)
    return run(carry_out(wish, lambda seen: commands.hold(wish.release, seen, wish.who, why, until=end)))


@click.command()
@_from_tags
def resume(plan: Path | None, endpoint: str | None, target: str | None, who: str | None, why: str) -> int:
    """End a hold, a person's or one for a change from outside; go on from the weights as they are."""
    wish = asked(plan, endpoint, target, who, why)
    return run(carry_out(wish, lambda seen: commands.resume(wish.release, seen, wish.who, why)))


@click.command()
@_from_tags
def disown(plan: Path | None, endpoint: str | None, target: str | None, who: str | None, why: str) -> int:
    """Give the endpoint up: take rollout's tags off. What serves stays as it is."""
    wish = asked(plan, endpoint, target, who, why)
    return run(carry_out(wish, lambda seen: commands.disown(wish.release, seen, wish.who, why)))


def _with_plan(wish: Asked, command: _Command) -> int:
    release = wish.release
    assert release is not None, "these commands need a plan"
    run(carry_out(wish, lambda seen: command(release, seen, wish.who, wish.why)))
    return exits.OK
