"""The post: claims what is due in the shared outbox, sends it, notes it as told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from rollout.core import outbox
from rollout.core.notices import Notice, Rule
from rollout.core.outbox import Due, Outbox
from rollout.errors import RolloutError, Stale
from rollout.notify.letter import SECONDS, Letter, Sender, Undelivered
from rollout.ports import Notebook

TRIES: Final = 8
"""How often a write of the outbox is begun anew because somebody else wrote meanwhile."""

MARGIN: Final = timedelta(seconds=2 * SECONDS)
"""Nothing is begun so shortly before the claims end."""


class Delivery(msgspec.Struct, frozen=True):
    """What became of one message; `fault` "" if it was sent."""

    message: Due
    fault: str = ""


class Post:
    """Delivers for one endpoint. `by` tells this process from all others; `now` is this machine's time (UTC)."""

    def __init__(
        self,
        notebook: Notebook,
        sender: Callable[[Rule], Sender],
        worded: Callable[[Due], Letter],
        by: str,
        now: Callable[[], datetime],
    ) -> None:
        self._notebook = notebook
        self._sender = sender
        self._worded = worded
        self._by = by
        self._now = now

    async def deliver(self, rules: Sequence[Rule], notices: Sequence[Notice]) -> tuple[Delivery, ...]:
        """Send all that is due, in order; a receiver that failed is left for the next pass. Raises our faults where
        the outbox cannot be read or written: then nothing was sent that is not on record as claimed."""
        mine: tuple[Due, ...] = ()

        def claim(found: Outbox) -> Outbox:
            nonlocal mine
            found = outbox.looked(found, rules, notices)
            mine = outbox.due(found, rules, notices, self._by, self._now())
            return outbox.claimed(found, mine, self._by, self._now())

        await self._change(claim)
        broken: dict[str, str] = {}
        until = self._now() + outbox.CLAIM - MARGIN
        return tuple([await self._one(message, broken, until) for message in mine])

    async def _one(self, message: Due, broken: dict[str, str], until: datetime) -> Delivery:
        name = message.rule.name
        if self._now() >= until:
            broken[name] = "no time was left"
        if name not in broken:
            try:
                await self._sender(message.rule).send(self._worded(message))
            except RolloutError as error:
                broken[name] = str(error)
        if name in broken:
            await self._change(lambda found: outbox.released(found, message, self._by))
            return Delivery(message, broken[name])
        await self._change(lambda found: outbox.told(found, message))
        return Delivery(message)

    async def _change(self, change: Callable[[Outbox], Outbox]) -> None:
        """Write what `change` makes of the outbox, on top of whatever others wrote meanwhile."""
        for _ in range(TRIES):
            content, version = await self._notebook.read()
            before = outbox.decode(content)
            after = change(before)
            if after == before:
                return
            try:
                await self._notebook.write(outbox.encode(after), version)
            except Stale:
                continue
            return
        raise Stale("the outbox is written by too many at the same time")


def senders(environment: Mapping[str, str]) -> Callable[[Rule], Sender]:
    """Ways to receivers, their addresses and secrets from the environment. Raises Undelivered, or ImportError."""

    def value(variable: str) -> str:
        found = environment.get(variable, "").strip()
        if not found:
            raise Undelivered(f"the variable {variable} is not set", hint="it holds the receiver's address or secret")
        return found

    def way(rule: Rule) -> Sender:
        if rule.kind == "apprise":
            from rollout.notify.chat import Chat

            return Chat(value(rule.url_from), rule.url_from)
        from rollout.notify.signing import secret
        from rollout.notify.webhook import Webhook

        key = secret(value(rule.secret_from), rule.secret_from)
        return Webhook(value(rule.url_from), key, rule.url_from, rule.mode)

    return way
