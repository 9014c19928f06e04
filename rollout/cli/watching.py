"""`rollout status --watch`: the same look again and again, until the rollout has ended."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from rollout.cli import exits
from rollout.cli.printing import colourful
from rollout.cli.session import load, opened, place_of
from rollout.cli.sight import story
from rollout.core.decision import Status
from rollout.errors import Retryable
from rollout.render import harmless, words
from rollout.render.document import Measurement
from rollout.render.html.rows import upcoming
from rollout.render.story import Story

if TYPE_CHECKING:  # not where nobody watches on a terminal
    from rich.console import Group

EVERY: Final = 5.0
"""Seconds of our clock between two looks."""
_ENDED: Final = (Status.DONE, Status.HOLD, Status.REFUSE)
Show = Callable[[Story], None]


async def watch(plan: Path, target: str | None, *, detailed: bool) -> int:
    """Look until the rollout is complete, rolled back, held or refused; its exit code."""
    loaded = load(plan)
    said: tuple[Measurement, ...] = ()
    async with opened(place_of(loaded, target)) as session:
        with _shown() as show:
            while True:
                try:
                    told = await story(session, loaded, said)
                except Retryable as error:
                    await asyncio.sleep(error.after if error.after is not None else EVERY)
                    continue
                said = told.measurements
                show(told)
                if told.document.decision.status in _ENDED:
                    return told.document.exit_code if detailed else exits.OK
                await asyncio.sleep(EVERY)


@contextmanager
def _shown() -> Iterator[Show]:
    """A picture that redraws itself on a terminal; a line for each change elsewhere."""
    if not (sys.stdout.isatty() and colourful(sys.stdout)):
        yield _lines()
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(highlight=False), auto_refresh=False) as live:
        yield lambda told: live.update(picture(told), refresh=True)


def picture(told: Story) -> Group:
    """What a terminal shows of a story."""
    from rich.console import Group
    from rich.text import Text

    from rollout.render.board import drawn, of_story

    decision = told.document.decision
    coming = upcoming(told.document) or "nothing"
    title = f"{told.document.endpoint.name}  {decision.phase.value.replace('_', ' ')}"
    ends = (Text(), *(Text(harmless.line(text), style="dim") for text in (decision.reason, f"next: {coming}")))
    return Group(*drawn(title, of_story(told)), *ends)


def _lines() -> Show:
    last = [""]

    def show(told: Story) -> None:
        decision, endpoint = told.document.decision, told.document.endpoint
        split = ", ".join(f"{name} {weight}" for name, weight in endpoint.traffic.items()) or "none"
        text = harmless.line(f"{decision.phase.value}  traffic {split}  {decision.reason}")
        if text != last[0]:
            when = words.moment(told.document.observed_at) if told.document.observed_at else ""
            click.echo(f"{when}  {text}")
            last[0] = text

    return show
