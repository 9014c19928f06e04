"""Faults as people read them, on stderr: a sentence, the remedy, and for plan faults the place with a caret."""

from __future__ import annotations

import sys
import traceback
from typing import Final

import click

from rollout.cli import exits
from rollout.errors import AzureError, Fault, PlanError, RolloutError
from rollout.render.finding_text import fault_lines, log_lines
from rollout.render.harmless import block
from rollout.render.styled import plain

_LONGEST: Final = 10_000


def complain(error: RolloutError) -> int:
    """Print the fault; returns its exit code."""
    if isinstance(error, PlanError):
        click.echo(fault_text(error.faults), err=True, nl=False)
    else:
        click.echo(sentence(error), err=True, nl=False)
    return error.exit_code


def sentence(error: RolloutError) -> str:
    """`error: …` and `hint: …`, with the end of the container's log where there is one."""
    text = f"error: {block(str(error), _LONGEST)}\n"
    if isinstance(error, AzureError) and error.logs:
        text += "the end of its log:\n" + indented(error.logs)
    return text + (f"hint: {block(error.hint, _LONGEST)}\n" if error.hint else "")


def failed_create(failure: str) -> str:
    """`error: …`, the end of its log and `hint: …`, of what `runner.Result` says of a failed create."""
    sentence, *log = failure.split("\n")
    hint = f"{log.pop()}\n" if log and log[-1].startswith("hint: ") else ""
    return f"error: {sentence}\n{indented(chr(10).join(log))}{hint}"


def indented(log: str) -> str:
    """A container's log below a message; what it contains cannot move the cursor."""
    return plain(log_lines(log)) if log else ""


def fault_text(faults: tuple[Fault, ...]) -> str:
    """Every fault with its place, and how many there are; the same for warnings alone."""
    return plain(fault_lines(faults))


def crashed(error: Exception, *, debug: bool) -> int:
    """An error that nobody foresaw: short, unless asked for more."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    name = type(error).__name__
    said = f": {block(str(error), _LONGEST)}" if str(error) else ""
    click.echo(f"error: unexpected {name}{said}", err=True)
    click.echo("hint: this is a fault of rollout; report it with what `rollout --debug …` prints", err=True)
    return exits.ERROR


def interrupted(code: int) -> int:
    """Ctrl-C or SIGTERM."""
    click.echo("interrupted; all progress is on the endpoint: the same command again carries on", err=True)
    return code
