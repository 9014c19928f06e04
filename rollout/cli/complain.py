"""Faults as people read them, on stderr: a sentence, the remedy, and for plan faults the place with a caret."""

from __future__ import annotations

import sys
import traceback

import click

from rollout.cli import exits
from rollout.errors import AzureError, Fault, PlanError, RolloutError
from rollout.render.styled import printable


def complain(error: RolloutError) -> int:
    """Print the fault; returns its exit code."""
    if isinstance(error, PlanError):
        click.echo(fault_text(error.faults), err=True, nl=False)
    else:
        click.echo(sentence(error), err=True, nl=False)
    return error.exit_code


def sentence(error: RolloutError) -> str:
    """`error: …` and `hint: …`, with the end of the container's log where there is one."""
    text = f"error: {error}\n"
    if isinstance(error, AzureError) and error.logs:
        text += "the end of its log:\n" + indented(error.logs)
    return text + (f"hint: {error.hint}\n" if error.hint else "")


def indented(log: str) -> str:
    """A container's log below a message; what it contains cannot move the cursor."""
    return "".join(f"  {printable(text)}\n" for text in log.splitlines())


def fault_text(faults: tuple[Fault, ...]) -> str:
    """Every fault with its place, and how many there are; the same for warnings alone."""
    wrong = sum(fault.severity == "error" for fault in faults)
    count = wrong or len(faults)
    kind, word = ("error", "fault") if wrong else ("warning", "warning")
    return "".join(_fault(fault) for fault in faults) + f"{kind}: {count} {word}{'s' if count != 1 else ''}\n"


def _fault(fault: Fault) -> str:
    text = f"{fault}\n"
    for line in fault.snippet.splitlines():
        text += f"  {line}\n"
    if fault.expected:
        text += f"  expected: {fault.expected}\n"
    if fault.hint:
        text += f"  hint: {fault.hint}\n"
    return text


def crashed(error: Exception, *, debug: bool) -> int:
    """An error that nobody foresaw: short, unless asked for more."""
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    name = type(error).__name__
    click.echo(f"error: unexpected {name}: {error}" if str(error) else f"error: unexpected {name}", err=True)
    click.echo("hint: this is a fault of rollout; report it with what `rollout --debug …` prints", err=True)
    return exits.ERROR


def interrupted(code: int) -> int:
    """Ctrl-C or SIGTERM."""
    click.echo("interrupted; all progress is on the endpoint: the same command again carries on", err=True)
    return code
