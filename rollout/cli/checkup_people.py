"""What `rollout doctor` tries of telling people: receivers of notifications, their outbox, the forge's token."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rollout.cli.checkup import Check
from rollout.cli.notify import sampled
from rollout.core.notices import Rule
from rollout.errors import RolloutError
from rollout.forge.port import Forge
from rollout.forge.rights import tasks_of
from rollout.forge.surroundings import job_of, token
from rollout.plan.repository import find_repository
from rollout.ports import Notebook

Notebooks = Callable[[str], AbstractAsyncContextManager[Notebook]]
_OUTBOX = "notifications/doctor.json"
"""A name that no endpoint's outbox has: it is only asked for."""


async def receivers(plan: Path, notebook: Notebooks, *, send: bool) -> list[Check]:
    """The outbox can be read, and each address can be used; nothing is sent but with `send`, then a sample to each."""
    rules = find_repository(plan).receivers
    if not rules:
        return [
            Check(name="notifications", state="skipped", found="nobody is told: no `notifications:` in rollout.yaml")
        ]
    return [await _outbox(notebook), *[await _receiver(rule, send=send) for rule in rules]]


async def _outbox(notebook: Notebooks) -> Check:
    try:
        async with notebook(_OUTBOX) as found:
            await found.read()
    except RolloutError as error:
        return Check(name="outbox", state="missing", found=f"what was told cannot be kept: {error}", remedy=error.hint)
    return Check(name="outbox", state="ok", found="the workspace's storage answers")


async def _receiver(rule: Rule, *, send: bool) -> Check:
    from rollout.cli.extras import needing
    from rollout.notify.post import senders

    name = f"receiver {rule.name}"
    try:
        with needing("notify"):
            senders(os.environ)(rule)
    except RolloutError as error:
        return Check(name=name, state="missing", found=str(error), remedy=error.hint)
    if not send:
        return Check(name=name, state="ok", found=f"{rule.kind}: its address can be used; --notify sends a sample")
    told = await sampled(rule)
    return Check(name=name, state="ok" if told.reached else "missing", found=told.said)


async def forge_rights(plan: Path) -> list[Check]:
    """Whether the job's token may do what the repository's jobs do with it."""
    root = find_repository(plan).root
    tasks = tasks_of(root) if root is not None else ()
    if not tasks:
        return [Check(name="forge", state="skipped", found="no job of this repository publishes anything")]
    try:
        secret, job = token(os.environ), job_of(os.environ, {}, os.environ.get("ROLLOUT_REPOSITORY", ""))
    except RolloutError as error:
        found = f"not tried: {error}; its jobs need: {', '.join(tasks)}"
        return [Check(name="forge", state="skipped", found=found)]
    from rollout.cli.publish import connected

    async with connected(job, secret) as forge:
        return [check async for check in _tried(forge, tasks)]


async def _tried(forge: Forge, tasks: tuple[str, ...]) -> AsyncIterator[Check]:
    from rollout.forge.port import Task

    for task in map(Task, tasks):
        try:
            no = await forge.refusal(task)
        except RolloutError as error:
            no = f"{error}; {error.hint}".rstrip("; ")
        if no is None:
            yield Check(name=f"forge: {task}", state="skipped", found="the forge tells nobody without a write")
        elif no:
            yield Check(name=f"forge: {task}", state="missing", found="the token may not", remedy=no)
        else:
            yield Check(name=f"forge: {task}", state="ok", found="the token may")
