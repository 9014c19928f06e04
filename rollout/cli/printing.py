"""The only place that puts results on stdout or into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import click

from rollout.cli import exits
from rollout.cli.options import APPENDED, COLOUR, REPLACED, Output
from rollout.errors import AzureError, PlanError, RolloutError
from rollout.render import harmless, styled
from rollout.render.styled import Line

if TYPE_CHECKING:  # every start pays for what is imported here
    from rollout.render.document import AnyDocument

DEFAULT: Final = (Output("text"),)


def publish(document: AnyDocument, outputs: tuple[Output, ...]) -> None:
    """The document in every form that was asked for. Raises RolloutError where a file cannot be written."""
    from rollout.render import forms

    for output in outputs or DEFAULT:
        if output.form == "text" and output.path is None:
            show(forms.lines_of(document), sys.stdout)
        elif output.form == "github-summary" and output.path is not None:
            _put_summary(document, output)
        else:
            put(forms.rendered(document, output.form), output)


def publish_value(
    value: Mapping[str, object],
    lines: Iterable[Line],
    outputs: tuple[Output, ...],
    markdown: Callable[[], str] = str,
) -> None:
    """The same for a result that is not about a plan: as text or JSON, and where the command offers it as Markdown."""
    from rollout.render.saved import to_json

    shown = tuple(lines)
    for output in outputs or DEFAULT:
        if output.form == "json":
            put(to_json(value), output)
        elif output.form == "markdown":
            put(markdown(), output)
        elif output.path is not None:
            put(styled.plain(shown), output)
        else:
            show(shown, sys.stdout)


@contextmanager
def failures_told(command: str, file: object, outputs: tuple[Output, ...]) -> Iterator[None]:
    """Where the command comes to no result, every form but the text on stdout tells why; stderr does anyway."""
    try:
        yield
    except RolloutError as error:
        _publish_failure(command, str(file), outputs, error, error.exit_code)
        raise
    except (KeyboardInterrupt, exits.Terminated) as error:
        code = exits.TERMINATED if isinstance(error, exits.Terminated) else exits.INTERRUPTED
        _publish_failure(command, str(file), outputs, RolloutError(exits.MEANING[code]), code)
        raise


def _publish_failure(command: str, file: str, outputs: tuple[Output, ...], error: RolloutError, code: int) -> None:
    wanted = tuple(output for output in outputs if output.form != "text" or output.path is not None)
    if not wanted:
        return
    from rollout.render.document import Failure
    from rollout.render.saved import shortened

    failure = Failure(
        command=command,
        file=file,
        exit_code=code,
        message=shortened(str(error)),
        hint=error.hint,
        log=shortened(error.logs) if isinstance(error, AzureError) else "",
        faults=error.faults if isinstance(error, PlanError) else (),
    )
    publish(failure, wanted)


def say(text: str, *, err: bool = False) -> None:
    """One line about what is done or wrong; what it names came from files and services."""
    click.echo(harmless.line(text), err=err)


def show(lines: Iterable[Line], stream: TextIO) -> None:
    """Lines on a terminal in colour, anywhere else as plain text."""
    if not colourful(stream):
        click.echo(styled.plain(lines), file=stream, nl=False)
        return
    from rollout.render.terminal import show as show_in_colour

    show_in_colour(lines, stream)


def colourful(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """`--color`, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then whether it is a terminal."""
    context = click.get_current_context(silent=True)
    wish = context.meta.get(COLOUR, "auto") if context else "auto"
    if wish != "auto":
        return bool(wish == "always")
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return environment.get("TERM") != "dumb" and stream.isatty()


def stdout_is_taken(outputs: tuple[Output, ...]) -> bool:
    """Whether stdout belongs to a program."""
    return any(output.form != "text" and output.path is None for output in outputs)


def _put_summary(document: AnyDocument, output: Output) -> None:
    """As long as there is room: a summary of more than 1 MiB is dropped whole, whoever wrote how much of it."""
    from rollout.render.forms import SUMMARY_LIMIT
    from rollout.render.markdown import LEAST, markdown

    path = output.path
    assert path is not None, "a summary has a file: OutputType sees to it"
    room = SUMMARY_LIMIT - (path.stat().st_size if path.is_file() else 0) - len("\n\n")
    if room < LEAST:
        click.echo(f"warning: {path} has no room for a summary", err=True)
        return
    put("\n" + markdown(document, room) + "\n", output)


def put(text: str, output: Output, *, more: bool = False) -> None:
    """Text to where that output goes; with `more` behind what is in a file. Raises RolloutError where the file cannot
    be written."""
    path: Path | None = output.path
    if path is None:
        click.echo(text, nl=False)
        return
    try:
        if output.form in REPLACED:
            _replace(path, text)
            return
        with path.open("a" if more or output.form in APPENDED else "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error


def _replace(path: Path, text: str) -> None:
    """Written beside it, then moved into its place."""
    from tempfile import NamedTemporaryFile  # start-up time

    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", encoding="utf-8", delete=False) as file:
        file.write(text)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)
