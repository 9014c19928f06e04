"""`rollout notify`: who is told of what; and a sample to each, to see what comes back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from rollout.cli import exits, options
from rollout.cli.extras import needing
from rollout.cli.notifying import letter
from rollout.cli.options import Output
from rollout.cli.printing import publish_value
from rollout.core.notices import Notice, Rule, identity
from rollout.core.outbox import Due
from rollout.errors import PlanError, RolloutError, UsageError
from rollout.plan.repository import find_repository
from rollout.render.document import FORMAT_VERSION
from rollout.render.styled import Line, line

_EXAMPLE = "docs/notifications.md has an example"


class Tried(msgspec.Struct, frozen=True):
    """One receiver, and what came back ("" if nothing was sent)."""

    name: str
    kind: str
    events: tuple[str, ...]
    plans: tuple[str, ...]
    reached: bool | None = None
    said: str = ""


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), default=Path())
@options.plain_output
@options.option("--test", "send", is_flag=True, help="Send a sample to each receiver, and show what comes back.")
def notify(folder: Path, outputs: tuple[Output, ...], send: bool) -> int:
    """Show who is told of what, by `notifications:` in the rollout.yaml above FOLDER. Exit 1 if a sample failed."""
    repository = find_repository(folder / "rollout")
    if repository.faults:
        raise PlanError(repository.faults)
    if not repository.receivers:
        raise UsageError("no receiver is configured: `notifications:` in rollout.yaml", hint=_EXAMPLE)
    tried = asyncio.run(_tried(repository.receivers, send))
    code = exits.ERROR if any(one.reached is False for one in tried) else exits.OK
    document = {"format_version": FORMAT_VERSION, "exit_code": code, "receivers": msgspec.to_builtins(tried)}
    publish_value(document, _lines(tried), outputs)
    return code


async def _tried(rules: tuple[Rule, ...], send: bool) -> list[Tried]:
    return [await _one(rule, send) for rule in rules]


async def _one(rule: Rule, send: bool) -> Tried:
    return await sampled(rule) if send else Tried(rule.name, rule.kind, rule.events, rule.plans)


async def sampled(rule: Rule) -> Tried:
    """What came back for a sample that is sent to that receiver."""
    shown = Tried(rule.name, rule.kind, rule.events, rule.plans)
    from rollout.notify.post import senders
    from rollout.render.notices import Surroundings

    try:
        with needing("notify"):
            said = await senders(os.environ)(rule).send(letter(Due(rule, _sample(rule)), Surroundings()))
        return msgspec.structs.replace(shown, reached=True, said=said)
    except RolloutError as error:
        return msgspec.structs.replace(shown, reached=False, said=f"{error}{f' ({error.hint})' if error.hint else ''}")


def _sample(rule: Rule) -> Notice:
    now = datetime.now(UTC)
    return Notice(
        id=identity("sample", rule.name, now.isoformat()),
        event=rule.events[0],
        at=now,
        plan="sample",
        endpoint="/sample",
        reason="a test of notifications: nothing has happened",
    )


def _lines(tried: list[Tried]) -> Iterator[Line]:
    for one in tried:
        yield line(f"{one.name} ({one.kind}): {', '.join(one.events)}; plans {', '.join(one.plans)}")
        if one.reached is not None:
            yield line(f"  {one.said}", "good" if one.reached else "bad")
