"""What happened at an endpoint is told, after a pass: to whom `notifications:` in `rollout.yaml` names."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rollout.cli.context import run_url
from rollout.cli.printing import say
from rollout.core.notices import Notice, Rule, on_record, state, young
from rollout.core.observed import Endpoint, Observation
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Release
from rollout.core.verdict import Verdict
from rollout.errors import RolloutError
from rollout.plan.repository import find_repository

if TYPE_CHECKING:  # only who tells somebody pays for it
    from rollout.cli.census import UnderWay
    from rollout.cli.session import Session
    from rollout.core.outbox import Due
    from rollout.notify.letter import Letter
    from rollout.render.notices import Surroundings
    from rollout.render.report import Report

_REASON = 200
_BAD = frozenset({"failed", "rolled_back", "held", "orphaned"})


async def tell(
    session: Session,
    plan: Path,
    seen: Observation,
    measured: Iterable[tuple[str, Verdict]] = (),
    extra: Iterable[Notice] = (),
) -> None:
    """Tell what is news at the endpoint of a plan, and was told by nobody. Never fails: what went wrong is a warning,
    and the next pass tries again. Reads nothing, and loads nothing, where nothing is news."""
    if seen.endpoint is not None:
        notices = (*_recorded(session, seen.endpoint), *extra)
        await _tell(session, plan, seen.endpoint, tuple(young(notices, seen.now)), measured)


async def tell_orphan(session: Session, folder: Path, one: UnderWay, reason: str) -> None:
    """The same of a run whose plan is gone from the repository of `folder`."""
    notice = state("orphaned", one.plan, session.endpoint_id(one.endpoint.name), reason, datetime.now(UTC))
    await _tell(session, folder / one.plan, one.endpoint, (notice,), ())


async def _tell(
    session: Session,
    plan: Path,
    endpoint: Endpoint,
    news: tuple[Notice, ...],
    measured: Iterable[tuple[str, Verdict]],
) -> None:
    rules = find_repository(plan).receivers if news else ()
    if not any(rule.concerns(notice) for rule in rules for notice in news):
        return
    try:
        await _deliver(session, endpoint, rules, news, measured)
    except RolloutError as error:
        say(f"warning: {endpoint.name}: nobody could be notified: {error}", err=True)
    except ImportError as error:
        say(f"warning: {error.name} is not installed: pip install 'azureml-rollout[notify]'", err=True)


def letter(message: Due, around: Surroundings) -> Letter:
    """The message in the receiver's words."""
    from rollout.notify.letter import Letter
    from rollout.render import notices as words

    rule, notice = message.rule, message.notice
    fields = words.fields_of(notice, around, again=message.again)
    return Letter(
        id=notice.id,
        event=notice.event,
        source=notice.endpoint,
        plan=notice.plan,
        at=notice.at,
        subject=words.written(rule.subject or words.SUBJECT, fields),
        body=words.written(rule.body or words.BODY, fields),
        data=msgspec.to_builtins(words.data_of(notice, around)),
        bad=notice.event in _BAD,
    )


def drifted(session: Session, release: Release, report: Report) -> tuple[Notice, ...]:
    """That the live endpoint is not what was declared, once a day while it is so."""
    differences = report.changes.drift
    if not differences:
        return ()
    reason = "; ".join(dict.fromkeys(one.path for one in differences))[:_REASON]
    return (state("drift", release.name, session.endpoint_id(release.endpoint.name), reason, report.observation.now),)


async def _deliver(
    session: Session,
    endpoint: Endpoint,
    rules: tuple[Rule, ...],
    news: tuple[Notice, ...],
    measured: Iterable[tuple[str, Verdict]],
) -> None:
    from rollout.notify.post import Post, senders
    from rollout.render.notices import Surroundings

    around = Surroundings(run=run_url(), split=_split(endpoint), evidence="; ".join(_said(measured)))
    async with session.notebook(f"notifications/{endpoint.name.lower()}.json") as notebook:
        post = Post(
            notebook,
            senders(os.environ),
            lambda message: letter(message, around),
            uuid.uuid4().hex,
            lambda: datetime.now(UTC),
        )
        for done in await post.deliver(rules, news):
            if done.fault:
                name, event = done.message.rule.name, done.message.notice.event
                say(f"warning: {endpoint.name}: {name} was not told of `{event}`: {done.fault}", err=True)


def _recorded(session: Session, endpoint: Endpoint) -> tuple[Notice, ...]:
    record = from_tags(endpoint.tags)
    return on_record(record, session.endpoint_id(endpoint.name)) if isinstance(record, Progress) else ()


def _split(endpoint: Endpoint) -> str:
    return ", ".join(f"{name} {weight} %" for name, weight in endpoint.weights.traffic if weight)


def _said(measured: Iterable[tuple[str, Verdict]]) -> Iterator[str]:
    for name, verdict in measured:
        yield f"{name}: {verdict.outcome.value}: {verdict.reason}"
