"""Who is told of what: the transitions on record as notices, and which of them one receiver wants.

A notice is derived from the live endpoint's tags, where each transition was written with the write it belongs to; so
any runner finds the same notices, whoever made the transitions, and whatever became of that process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, Literal

import msgspec

from rollout.core.progress import Progress, Transition

EVENTS: Final = (
    *("started", "advanced", "approved", "failed", "rolled_back", "held", "resumed", "promoted", "superseded"),
    *("other", "drift", "orphaned"),
)
"""All that can be told. `other`: a transition of no other kind; `drift` and `orphaned` are states, told once a day."""
USUAL: Final = ("started", "failed", "rolled_back", "held", "promoted", "superseded", "orphaned")
"""What a receiver is told unless its `events` say otherwise."""
FIELDS: Final = (
    *("plan", "endpoint", "endpoint_id", "event", "title", "at", "reason", "actor", "commit", "run", "split"),
    *("evidence", "details", "missed"),
)
"""What a template may name."""
LONGEST: Final = timedelta(hours=24)
"""What is older is not told any more: nobody wants last week's news when a receiver is configured, or is back."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. `id` is the same in every process that finds it; receivers know repetitions by it.

    `number` counts the transitions of one record; 0 where there is no count. `missed`: so many before it fell off the
    record before anybody could tell them.
    """

    id: str
    event: str
    at: datetime
    plan: str
    endpoint: str
    reason: str
    actor: str = ""
    commit: str = ""
    number: int = 0
    missed: int = 0


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One receiver: what it is told, about which plans (globs), in which words ("" for ours), and where.

    `url_from` and `secret_from` name environment variables; their values are never kept here.
    """

    name: str
    kind: Literal["apprise", "webhook"]
    url_from: str
    secret_from: str = ""
    mode: Literal["structured", "binary"] = "structured"
    events: tuple[str, ...] = USUAL
    plans: tuple[str, ...] = ("*",)
    subject: str = ""
    body: str = ""

    def concerns(self, notice: Notice) -> bool:
        """Whether it is about one of the receiver's plans."""
        return any(fnmatchcase(notice.plan, glob) for glob in self.plans)

    def wants(self, notice: Notice) -> bool:
        """Whether this receiver is told of it."""
        return notice.event in self.events and self.concerns(notice)


def on_record(record: Progress, endpoint_id: str) -> tuple[Notice, ...]:
    """The transitions that the record still holds, the oldest first."""
    return tuple(_transition(record.plan, endpoint_id, line) for line in record.history)


def state(event: str, plan: str, endpoint_id: str, reason: str, at: datetime) -> Notice:
    """A state that is no transition (drift, a run without its plan): the same notice for a whole day (UTC)."""
    told = identity(endpoint_id, event, f"{at:%Y-%m-%d}", plan)
    return Notice(id=told, event=event, at=at, plan=plan, endpoint=endpoint_id, reason=reason)


def young(notices: Iterable[Notice], now: datetime) -> Iterator[Notice]:
    """Those that are news at `now`, the service's time."""
    return (notice for notice in notices if now - notice.at < LONGEST)


def identity(endpoint_id: str, *parts: str) -> str:
    """What tells one notice from all others: 128 bits over the endpoint and what happened there."""
    text = "\0".join((endpoint_id.lower(), *parts))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _transition(plan: str, endpoint_id: str, line: Transition) -> Notice:
    return Notice(
        id=identity(endpoint_id, line.at.isoformat(), str(line.number), line.what),
        event=line.kind or "other",
        at=line.at,
        plan=plan,
        endpoint=endpoint_id,
        reason=line.what,
        actor=line.who,
        commit=line.commit,
        number=line.number,
    )
