"""`rollout emulator start|stop|status|env|logs`; `fault` is beside."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Any

import click

from rollout.cli import exits, options
from rollout.cli.emulated import STATE_DIR_VARIABLE, state_dir
from rollout.cli.emulator_faults import fault
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.emulator import process
from rollout.errors import UsageError
from rollout.render.styled import Line, line

state_dir_option = options.option(
    "--state-dir",
    "folder",
    type=click.Path(path_type=Path),
    help=f"Where its state is kept; by default {process.DEFAULT_STATE_DIR}.",
)


@click.group()
def emulator() -> None:
    """A local Azure ML that takes the unchanged SDK, curl, and `--target emulator`."""


emulator.add_command(fault)


@emulator.command()
@state_dir_option
@options.option("--port", type=click.IntRange(0, 65535), default=0, help="0: that of the last time, or any.")
@options.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    help="Seconds of the service's time in a real second.",
)
@options.option("--python", default=sys.executable, help="The interpreter that runs the scoring scripts.")
@options.option("--processes/--no-processes", default=True, help="Whether deployments really serve.")
@options.option("--detach", is_flag=True, help="Start it in the background, and return when it answers.")
def start(folder: Path | None, port: int, speed: float, python: str, processes: bool, detach: bool) -> int:
    """Start it: in the foreground until Ctrl-C, or in the background with --detach."""
    where = state_dir(folder)
    extra = () if processes else ("--no-processes",)
    if detach:
        publish_value({}, _status_lines(process.start(where, port, speed, python, extra=extra)), ())
    else:
        arguments = ["--state-dir", str(where), "--port", str(port), "--speed", str(speed), "--python", python, *extra]
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-m", "rollout.emulator", *arguments])  # noqa: S606 - our own module
    return exits.OK


@emulator.command()
@state_dir_option
def stop(folder: Path | None) -> int:
    """Stop it, with everything that it runs. Its state stays."""
    click.echo("stopped" if process.stop(state_dir(folder)) else "none was running")
    return exits.OK


@emulator.command()
@state_dir_option
@options.plain_output
def status(folder: Path | None, outputs: tuple[Output, ...]) -> int:
    """Say where it is and how many requests it has served."""
    found = process.status(state_dir(folder))
    publish_value(found, _status_lines(found), outputs)
    return exits.OK


@emulator.command()
@state_dir_option
@options.option("--shell", type=click.Choice(["posix", "fish", "powershell"]), default="posix", help="Whose syntax.")
def env(folder: Path | None, shell: str) -> int:
    """Print the variables for the SDK, curl and rollout: eval "$(rollout emulator env)". They hold its secret."""
    where = state_dir(folder)
    for name, value in {**process.env(where), STATE_DIR_VARIABLE: str(where)}.items():
        click.echo(_assignment(shell, name, value))
    return exits.OK


@emulator.command()
@state_dir_option
@options.option("--lines", "-n", type=click.IntRange(1), default=100, help="How many of the last lines.")
def logs(folder: Path | None, lines: int) -> int:
    """Print the end of its log."""
    where = state_dir(folder)
    if not (where / "emulator.log").exists():
        raise UsageError(f"{where} has no log", hint="only `rollout emulator start --detach` writes one")
    click.echo(process.logs(where, lines), nl=False)
    return exits.OK


def _status_lines(found: dict[str, Any]) -> list[Line]:
    requests = found["requests"]
    names = ("url", "ca_bundle", "subscription_id", "resource_group", "workspace", "speed", "pid")
    shown = [line(f"{name:16} {found[name]}") for name in names if name in found]
    served = ", ".join(f"{requests[kind]} {kind}" for kind in ("reads", "writes", "polls"))
    return [*shown, line(f"{'requests':16} {served}")]


def _assignment(shell: str, name: str, value: str) -> str:
    if shell == "fish":
        return f"set -gx {name} {shlex.quote(value)};"
    if shell == "powershell":
        quoted = value.replace("'", "''")
        return f"$Env:{name} = '{quoted}'"
    return f"export {name}={shlex.quote(value)}"
