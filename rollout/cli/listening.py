"""Who hears of the runner's progress: a live display on a terminal, lines in a log elsewhere. Always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from rollout.cli.printing import colourful
from rollout.core.verdict import Outcome
from rollout.render.log import LogListener
from rollout.runner import Event, Listener, Measured


class FailedGates:
    """Remembers whether a gate gave FAIL while this process listened, for the exit code."""

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        self.any = False

    def __call__(self, event: Event) -> None:
        """Pass the event on."""
        if isinstance(event, Measured) and event.verdict.outcome is Outcome.FAIL:
            self.any = True
        self._inner(event)


def log_listener(prefix: str = "") -> LogListener:
    """Lines on stderr."""
    return LogListener(lambda text: click.echo(text, err=True), lambda: datetime.now(UTC), prefix)


@contextmanager
def listener(title: str) -> Iterator[Listener]:
    """The display for one run of the loop."""
    if not (sys.stderr.isatty() and colourful(sys.stderr)):
        yield log_listener()
        return
    from rollout.render.live import LiveBoard

    with LiveBoard(title, sys.stderr) as board:
        yield board
