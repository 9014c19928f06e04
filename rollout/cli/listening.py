"""Who hears of the runner's progress: a live display on a terminal, lines in a log elsewhere. Always on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from rollout.cli.printing import colourful
from rollout.core.release import Gate
from rollout.core.verdict import Outcome, Verdict
from rollout.render.log import LogListener
from rollout.runner import Event, Listener, Measured


class Measurements:
    """Remembers what each gate last said while this process listened, for the exit code and as evidence."""

    def __init__(self, inner: Listener) -> None:
        self._inner = inner
        self._said: dict[str, tuple[Gate, Verdict]] = {}

    @property
    def measured(self) -> tuple[tuple[Gate, Verdict], ...]:
        """Each gate with its last verdict, in the order in which they were first asked."""
        return tuple(self._said.values())

    @property
    def failed(self) -> bool:
        """Whether a gate gave FAIL."""
        return any(verdict.outcome is Outcome.FAIL for _, verdict in self._said.values())

    def __call__(self, event: Event) -> None:
        """Pass the event on."""
        if isinstance(event, Measured):
            self._said[event.gate.name] = (event.gate, event.verdict)
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
