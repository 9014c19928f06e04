"""What has been told to whom: one small value for each endpoint, which all runners share.

Each notice is claimed for a receiver, sent, and then noted as told. A claim ends by itself, so that a runner that died
in between keeps nobody silent; what it may have sent already is sent again then, under the same id
(docs/notifications.md says what that means for whom).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec.structs import replace

from rollout.core.notices import Notice, Rule

CLAIM: Final = timedelta(seconds=120)
"""How long a claim lasts: longer than sending one message can take, all time limits together."""
REMEMBERED: Final = 64
"""Ids kept for each receiver: many times what a record holds, so that a stale look at the tags repeats nothing."""


class Claim(msgspec.Struct, frozen=True):
    """Somebody is sending it: a process's id, and until when that is believed."""

    by: str
    until: datetime


class Sheet(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one receiver has been told (ids, the newest last), what is being sent, and how many transitions fell off the
    record since its last message before anybody saw them."""

    told: tuple[str, ...] = ()
    claims: Mapping[str, Claim] = {}
    missed: int = 0


class Outbox(msgspec.Struct, frozen=True, omit_defaults=True):
    """The sheets by receiver, and the number of the newest transition that any pass saw."""

    version: int = 1
    seen: int = 0
    sheets: Mapping[str, Sheet] = {}

    def sheet(self, name: str) -> Sheet:
        """That receiver's; a blank one for a new receiver."""
        return self.sheets.get(name, Sheet())


class Due(msgspec.Struct, frozen=True):
    """One message to send. `again`: somebody claimed it before and did not come back; it may have been told."""

    rule: Rule
    notice: Notice
    again: bool = False


def decode(content: bytes) -> Outbox:
    """The outbox that was kept; a blank one where there is none, or one that cannot be read."""
    try:
        found = msgspec.json.decode(content, type=Outbox)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Outbox()
    return found if found.version == 1 else Outbox()


def encode(outbox: Outbox) -> bytes:
    """What is kept."""
    return msgspec.json.encode(outbox)


def looked(outbox: Outbox, rules: Sequence[Rule], notices: Sequence[Notice]) -> Outbox:
    """A pass saw these: what fell off the record since the last look is owed to every receiver as a number."""
    numbers = [notice.number for notice in notices if notice.number]
    if not numbers:
        return outbox
    gap = max(0, min(numbers) - outbox.seen - 1) if outbox.seen else 0
    for rule in rules if gap else ():
        sheet = outbox.sheet(rule.name)
        outbox = _with(outbox, rule.name, replace(sheet, missed=sheet.missed + gap))
    return replace(outbox, seen=max(numbers))


def due(outbox: Outbox, rules: Sequence[Rule], notices: Sequence[Notice], by: str, now: datetime) -> tuple[Due, ...]:
    """What nobody has told, or is telling but `by`, at `now` (this machine's time); in the order of the notices."""
    first: set[str] = set()
    found = []
    for notice in notices:
        for rule in rules:
            sheet = outbox.sheet(rule.name)
            others = _claim_of_others(sheet, notice, by)
            if not rule.wants(notice) or notice.id in sheet.told or (others is not None and now < others.until):
                continue
            missed = 0 if rule.name in first else sheet.missed
            first.add(rule.name)
            found.append(Due(rule, replace(notice, missed=missed), again=others is not None))
    return tuple(found)


def claimed(outbox: Outbox, messages: Iterable[Due], by: str, now: datetime) -> Outbox:
    """These are being sent by `by`."""
    for message in messages:
        sheet = outbox.sheet(message.rule.name)
        claims = {**sheet.claims, message.notice.id: Claim(by, now + CLAIM)}
        outbox = _with(outbox, message.rule.name, replace(sheet, claims=claims))
    return outbox


def told(outbox: Outbox, message: Due) -> Outbox:
    """It was sent."""
    sheet = outbox.sheet(message.rule.name)
    ids = tuple(id_ for id_ in sheet.told if id_ != message.notice.id)
    after = replace(
        _released(sheet, message.notice.id, ""),
        told=(*ids, message.notice.id)[-REMEMBERED:],
        missed=0 if message.notice.missed else sheet.missed,
    )
    return _with(outbox, message.rule.name, after)


def released(outbox: Outbox, message: Due, by: str) -> Outbox:
    """It could not be sent: `by` lets it go, for the next pass."""
    return _with(outbox, message.rule.name, _released(outbox.sheet(message.rule.name), message.notice.id, by))


def _released(sheet: Sheet, id_: str, by: str) -> Sheet:
    """Without that claim; only if it is `by`'s, where somebody is named."""
    claims = {key: claim for key, claim in sheet.claims.items() if key != id_ or (by and claim.by != by)}
    return replace(sheet, claims=claims)


def _claim_of_others(sheet: Sheet, notice: Notice, by: str) -> Claim | None:
    claim = sheet.claims.get(notice.id)
    return None if claim is None or claim.by == by else claim


def _with(outbox: Outbox, name: str, sheet: Sheet) -> Outbox:
    return replace(outbox, sheets={**outbox.sheets, name: sheet})
