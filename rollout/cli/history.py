"""`rollout history`: who moved what, when, from which commit, approved by whom; from the endpoint alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.carry_out import Asked, asked
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.cli.running import run
from rollout.cli.session import opened
from rollout.core.history import Event
from rollout.core.history import history as events_of
from rollout.core.observed import Endpoint
from rollout.errors import Refused
from rollout.render.document import FORMAT_VERSION
from rollout.render.styled import Line, line, spans
from rollout.render.words import moment


@click.command()
@options.plan_argument(required=False)
@options.endpoint_id
@options.target
@options.plain_output
def history(plan: Path | None, endpoint: str | None, target: str | None, outputs: tuple[Output, ...]) -> int:
    """Show who moved what on PLAN's endpoint (or --endpoint ID), when, from which commit, and what was approved.

    Told by the endpoint's tags (the last transitions) and by write-once properties of its deployments (who created
    them, which nobody can alter afterwards). Changes nothing.
    """
    wish = asked(plan, endpoint, target, None, "")
    found = run(_look(wish))
    events = events_of(found)
    document = {"format_version": FORMAT_VERSION, "endpoint": found.name, "events": msgspec.to_builtins(events)}
    publish_value(document, _lines(found, events), outputs)
    return exits.OK


async def _look(wish: Asked) -> Endpoint:
    async with opened(wish.place) as session:
        seen = await session.plane.observe(wish.endpoint)
    if seen.endpoint is None:
        raise Refused(f"the endpoint {wish.endpoint} does not exist", hint="its history went with it")
    return seen.endpoint


def _lines(found: Endpoint, events: tuple[Event, ...]) -> Iterator[Line]:
    yield spans((found.name, "title"), (f"  {len(events)} events, the newest last", ""))
    for event in events:
        when = moment(event.at) if event.at else "at some time      "
        yield line(f"  {when}  {event.target}: {event.what}{_by(event)}")
        for name, value in (("run", event.run), ("approved", event.approved)):
            if value:
                yield line(f"      {name} {value}", "dim")


def _by(event: Event) -> str:
    """`, by ann from c0ffee1234 (plan house)`, as far as it is known; an asterisk where nobody can alter it."""
    who = f", by {event.who}" if event.who else ""
    commit = f" from {event.commit[:10]}" if event.commit else ""
    return who + commit + (" *" if event.lasting else "")
