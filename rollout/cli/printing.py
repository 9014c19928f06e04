"""The only place that puts results on stdout or into files."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO

import click

from rollout.cli.options import Output
from rollout.errors import RolloutError
from rollout.render import styled
from rollout.render.document import text as json_text
from rollout.render.report import Report
from rollout.render.styled import Line

Form = Callable[[Report], Iterable[Line]]
DEFAULT = (Output("text"),)


def publish(report: Report, outputs: tuple[Output, ...], form: Form) -> None:
    """The report in every form that was asked for; `form` makes the text."""
    for output in outputs or DEFAULT:
        if output.form == "json":
            _put(json_text(report), output.path)
        elif output.path is not None:
            _put(styled.plain(form(report)), output.path)
        else:
            show(form(report), sys.stdout)


def publish_value(value: Mapping[str, object], lines: Iterable[Line], outputs: tuple[Output, ...]) -> None:
    """The same for a result that is not about one release."""
    from rollout.render.document import to_json

    shown = tuple(lines)
    for output in outputs or DEFAULT:
        if output.form == "json":
            _put(to_json(value), output.path)
        elif output.path is not None:
            _put(styled.plain(shown), output.path)
        else:
            show(shown, sys.stdout)


def show(lines: Iterable[Line], stream: TextIO) -> None:
    """Lines on a terminal in colour, anywhere else as plain text."""
    if not colourful(stream):
        click.echo(styled.plain(lines), file=stream, nl=False)
        return
    from rollout.render.terminal import show as show_in_colour

    show_in_colour(lines, stream)


def colourful(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return bool(environment.get("FORCE_COLOR")) or stream.isatty()


def wants_json_on_stdout(outputs: tuple[Output, ...]) -> bool:
    """Whether stdout belongs to a program."""
    return any(output.form == "json" and output.path is None for output in outputs)


def _put(text: str, path: Path | None) -> None:
    if path is None:
        click.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RolloutError(f"cannot write {path}: {error.strerror}") from error
