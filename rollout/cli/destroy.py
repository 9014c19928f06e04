"""`rollout destroy`: delete the endpoint. A plan never does."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from rollout.cli import exits, options
from rollout.cli.carry_out import asked, carry_out
from rollout.cli.running import run
from rollout.core import commands
from rollout.errors import UsageError


@click.command()
@options.plan_argument(required=False)
@options.endpoint_id
@options.target
@options.who
@options.why
@options.option("--yes", "-y", is_flag=True, help="Do not ask.")
def destroy(plan: Path | None, endpoint: str | None, target: str | None, who: str | None, why: str, yes: bool) -> int:
    """Delete the endpoint of PLAN, with all its deployments and whatever they serve."""
    wish = asked(plan, endpoint, target, who, why)
    if not yes and not _confirmed(wish.endpoint, wish.place.label):
        click.echo("nothing was done", err=True)
        return exits.ERROR
    return run(carry_out(wish, lambda seen: commands.destroy(wish.release, seen, wish.who, why)))


def _confirmed(endpoint: str, where: str) -> bool:
    if not sys.stdin.isatty():
        raise UsageError(f"deleting {endpoint} must be confirmed, and nobody is here to ask", hint="--yes")
    typed: str = click.prompt(f"This deletes the endpoint {endpoint} in {where}. Type its name", err=True)
    return typed.strip() == endpoint
