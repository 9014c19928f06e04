"""How far a command over many plans has come: a bar on a terminal, now and then a line elsewhere. On stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import click

from rollout.cli.printing import colourful
from rollout.render.document import Pass

FEWEST: Final = 10
"""Fewer plans need neither."""
_LINES: Final = 10


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[Pass], None]]:
    """Hears of every plan that is done."""
    if total < FEWEST:
        yield lambda told: None
    elif sys.stderr.isatty() and colourful(sys.stderr):
        from rollout.render.bar import Bar

        with Bar(title, total, sys.stderr) as bar:
            yield bar
    else:
        yield Lines(title, total, lambda text: click.echo(text, err=True))


class Lines:
    """A line after each tenth of the plans."""

    def __init__(self, title: str, total: int, write: Callable[[str], None]) -> None:
        self._title = title
        self._total = total
        self._write = write
        self._done = 0
        self._failed = 0

    def __call__(self, told: Pass) -> None:
        """One more is done."""
        before = self._done * _LINES // self._total
        self._done += 1
        self._failed += told.status == "error"
        if self._done * _LINES // self._total > before:
            wrong = f", {self._failed} failed" if self._failed else ""
            self._write(f"{self._title}: {self._done:,} of {self._total:,} plans{wrong}")
