"""What the live endpoint cannot tell by itself: the value, and its form in the endpoint's tags.

One tag a section, `rollout.<section>`, each `1{json}~checksum`: the format's version first, so that an older tool
refuses instead of guessing, and a CRC at the end, so that an edit by hand is noticed. `rollout.plan` also carries the
checksum of all sections together: a single tag that went missing is damage, all of them missing is "no record".
Limits (ARM: 256 characters a value, 50 tags): at most 12 tags; long lists are cut into numbered tags; foreign tags are
never touched. Everything here is readable by anyone who can read the endpoint: never a secret.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal, TypeVar

import msgspec
from msgspec.json import Decoder

from rollout.core.observed import Weights
from rollout.core.our_tags import PREFIX, ours
from rollout.errors import Refused

T = TypeVar("T")

VERSION: Final = "1"
MAX_VALUE: Final = 256
MAX_TAGS: Final = 12
_FLEET_LENGTH: Final = 200
QUARANTINE_LENGTH: Final = 4
HISTORY_LENGTH: Final = 6
_WHY_LENGTH: Final = 100
_WHO_LENGTH: Final = 40
_WHAT_LENGTH: Final = 60
_ACTOR_LENGTH: Final = 24
_COMMIT_LENGTH: Final = 10
_TOO_LARGE: Final = "Let a run have fewer gates, or write the record anew: `rollout adopt --stable NAME`."
_LATER: Final = re.compile(r"([1-9][0-9]*)[{\[].*~[0-9a-f]{8}", re.DOTALL)
"""How a value looks that any version of this tool has sealed."""


class _Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    pass


class Promoted(_Value, frozen=True, gc=False):
    """The deployment that last earned all traffic, or was adopted with it; what a rollback returns to.

    `content` is the live content digest at the time of the record ("" where unknown).
    """

    name: str
    revision: str
    count: int = 1
    born: str = ""
    content: str = ""


class Run(_Value, frozen=True, gc=False):
    """The journey of one goal.

    `born` and `content` identify one creation of the candidate; passed keys belong to that one. `total` is stable's
    instance count when the run started; `exposed` when the candidate first got live or mirrored traffic. An `ended`
    run (rolled back, superseded) passes nothing on; it is kept to know what its deployment is, should it be used again.
    """

    goal: str
    slot: str
    born: str = ""
    content: str = ""
    total: int = 1
    started: datetime | None = None
    exposed: datetime | None = None
    ended: bool = False


class Hold(_Value, frozen=True, gc=False):
    """Stop until a person acts. `goal` is the goal it was recorded under.

    A `person`'s hold ends by `resume`, or at the time `until` that the person gave. One from `outside` (a hand moved
    the weights) also ends by a new goal, if what is promoted has all traffic.
    """

    kind: Literal["person", "outside"]
    why: str
    who: str = ""
    goal: str = ""
    at: datetime | None = None
    until: datetime | None = None

    def over(self, now: datetime) -> bool:
        """Whether its time has come."""
        return self.until is not None and now >= self.until


class Quarantined(_Value, frozen=True, gc=False):
    """A goal that failed, the key of the gate (or deploy stage) that it failed, and when."""

    goal: str
    key: str
    slot: str = ""
    at: datetime | None = None


class Approval(_Value, frozen=True, gc=False):
    """A person's yes to one approval gate: its key, the digest of what was still to come, and who said it."""

    key: str
    digest: str
    who: str = ""


Kind = Literal[
    "", "advanced", "approved", "failed", "held", "promoted", "resumed", "rolled_back", "started", "superseded"
]
"""What a transition is, for who is told of it (docs/notifications.md); "" for the rest, and in older records."""


class Transition(_Value, frozen=True, gc=False):
    """One line of history: when, what happened in a few words, who ran it and from which commit (its first digits).

    `number` counts the lines of one record from 1, so that who has not looked for long knows how many fell off the
    ring; 0 in records of older versions. Short names in the tags: room is scarce there.
    """

    at: datetime
    what: str
    who: str = ""
    commit: str = ""
    kind: Kind = msgspec.field(default="", name="k")
    number: int = msgspec.field(default=0, name="n")


class Progress(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that is recorded. `written` is the split that we last wrote; `since` the later of the last change of the
    weights and the last recorded pass; `declared` the codes of the endpoint fields that we last wrote
    (`core.differences`); `untaken` those of values that the service did not take (`core.untaken`); `fleet` the name of
    the fleet that the plan was a member of at the last write of its release, where there is room for it."""

    plan: str
    commit: str = ""
    fleet: str = ""
    declared: str = ""
    promoted: Promoted | None = None
    former: Promoted | None = None
    run: Run | None = None
    passed: tuple[str, ...] = ()
    written: Weights | None = None
    since: datetime | None = None
    outcome: str = ""
    quarantine: tuple[Quarantined, ...] = ()
    hold: Hold | None = None
    approvals: tuple[Approval, ...] = ()
    untaken: tuple[str, ...] = ()
    history: tuple[Transition, ...] = ()

    @property
    def under_way(self) -> Run | None:
        """The run, unless it has ended."""
        return None if self.run is None or self.run.ended else self.run


class Damaged(msgspec.Struct, frozen=True, gc=False):
    """Our tags are there but cannot be believed. `newer`: they were written by a later version of this tool."""

    reason: str
    newer: bool = False


class _Plan(_Value, frozen=True, gc=False):
    name: str
    commit: str = ""
    outcome: str = ""
    since: datetime | None = None
    declared: str = ""
    sum: str = ""


# Made once: a decoder that is made for each tag takes longer than the decoding.
_PLAN: Final = Decoder(_Plan)
_PROMOTED: Final = Decoder(Promoted)
_RUN: Final = Decoder(Run)
_WEIGHTS: Final = Decoder(Weights)
_HOLD: Final = Decoder(Hold)
_NAME: Final = Decoder(str)
_PASSED: Final = Decoder(tuple[str, ...])
_QUARANTINE: Final = Decoder(tuple[Quarantined, ...])
_APPROVALS: Final = Decoder(tuple[Approval, ...])
_HISTORY: Final = Decoder(tuple[Transition, ...])


def remember(progress: Progress, at: datetime, what: str, who: str = "", kind: Kind = "") -> Progress:
    """The same record with one more line of history; the oldest lines fall off."""
    line = Transition(
        at=at,
        what=_clipped(what, _WHAT_LENGTH),
        who=_clipped(who, _ACTOR_LENGTH),
        commit=progress.commit[:_COMMIT_LENGTH],
        kind=kind,
        number=progress.history[-1].number + 1 if progress.history else 1,
    )
    history = (*progress.history, line)[-HISTORY_LENGTH:]
    return msgspec.structs.replace(progress, history=history)


def quarantine(ring: tuple[Quarantined, ...], entry: Quarantined) -> tuple[Quarantined, ...]:
    """The ring with `entry` in it once, newest last, at most four long."""
    kept = tuple(old for old in ring if (old.goal, old.key) != (entry.goal, entry.key))
    return (*kept, entry)[-QUARANTINE_LENGTH:]


def to_tags(progress: Progress) -> dict[str, str]:
    """Our tags for that record. Where they are too many, the oldest history goes first, the fleet's name last.

    Raises Refused if it cannot be made to fit (12 tags of 256 characters).
    """
    tags = _tags(progress)
    while len(tags) > MAX_TAGS and progress.history:
        progress = msgspec.structs.replace(progress, history=progress.history[1:])
        tags = _tags(progress)
    if len(tags) > MAX_TAGS and progress.fleet:
        tags = _tags(msgspec.structs.replace(progress, fleet=""))
    if len(tags) > MAX_TAGS or any(len(value) > MAX_VALUE for value in tags.values()):
        raise Refused("the record of the rollout does not fit into 12 tags of 256 characters", hint=_TOO_LARGE)
    return tags


def _tags(progress: Progress) -> dict[str, str]:
    sections = dict(_sections(progress))
    head = _Plan(
        name=progress.plan,
        commit=progress.commit[:40],
        outcome=progress.outcome,
        since=progress.since,
        declared=progress.declared,
        sum=_sum(sections),
    )
    return {PREFIX + "plan": _seal(msgspec.json.encode(head).decode()), **sections}


def from_tags(tags: Mapping[str, str]) -> Progress | Damaged | None:
    """The record in `tags`; None if there is none of our tags at all."""
    mine = ours(tags)
    return _parsed(tuple(mine.items())) if mine else None


@lru_cache(maxsize=64)
def _parsed(tags: tuple[tuple[str, str], ...]) -> Progress | Damaged:
    """Kept, because one pass reads the same tags several times: to decide, to decide again after measuring, to tell."""
    sections: dict[str, str] = {}
    for name, value in tags:
        body = value[1:-9]
        if value != _seal(body):
            sealed = _LATER.fullmatch(value)
            newer = sealed is not None and int(sealed[1]) > int(VERSION)
            return Damaged(
                f"the tag {name} was written by a newer version" if newer else f"the tag {name} was edited",
                newer,
            )
        sections[name[len(PREFIX) :]] = body
    if len(tags) > MAX_TAGS or any(len(value) > MAX_VALUE for _, value in tags):
        return Damaged("our tags are more, or longer, than any that this tool writes")
    try:
        return _assemble(sections, {name: value for name, value in tags if name != PREFIX + "plan"})
    except (msgspec.MsgspecError, KeyError) as error:
        return Damaged(f"the tags do not fit together ({error})")


def _assemble(sections: Mapping[str, str], sealed: Mapping[str, str]) -> Progress | Damaged:
    head = _PLAN.decode(sections["plan"])
    if head.sum != _sum(sealed):
        return Damaged("some of our tags are missing or do not belong together")
    return Progress(
        plan=head.name,
        commit=head.commit,
        fleet=_read(sections, "fleet", _NAME) or "",
        outcome=head.outcome,
        since=head.since,
        declared=head.declared,
        promoted=_read(sections, "promoted", _PROMOTED),
        former=_read(sections, "former", _PROMOTED),
        run=_read(sections, "run", _RUN),
        written=_read(sections, "set", _WEIGHTS),
        hold=_read(sections, "hold", _HOLD),
        passed=_joined(sections, "passed", _PASSED),
        quarantine=_joined(sections, "quarantine", _QUARANTINE),
        approvals=_joined(sections, "approved", _APPROVALS),
        untaken=_joined(sections, "untaken", _PASSED),
        history=_joined(sections, "history", _HISTORY),
    )


def _read(sections: Mapping[str, str], name: str, decoder: Decoder[T]) -> T | None:
    text = sections.get(name)
    return None if text is None else decoder.decode(text)


def _joined(sections: Mapping[str, str], name: str, decoder: Decoder[tuple[T, ...]]) -> tuple[T, ...]:
    items: tuple[T, ...] = ()
    index, text = 0, sections.get(name)
    while text is not None:
        items += decoder.decode(text)
        index += 1
        text = sections.get(_numbered(name, index))
    return items


def _sections(progress: Progress) -> Iterator[tuple[str, str]]:
    singles = {
        "promoted": progress.promoted,
        "former": progress.former,
        "run": progress.run,
        "set": progress.written,
        "hold": _shortened(progress.hold),
        "fleet": _clipped(progress.fleet, _FLEET_LENGTH) or None,
    }
    for name, value in singles.items():
        if value is not None:
            yield PREFIX + name, _seal(msgspec.json.encode(value).decode())
    lists: dict[str, tuple[object, ...]] = {
        "passed": progress.passed,
        "quarantine": progress.quarantine,
        "untaken": progress.untaken,
        "approved": tuple(msgspec.structs.replace(a, who=_clipped(a.who, _WHO_LENGTH)) for a in progress.approvals),
        "history": progress.history[-HISTORY_LENGTH:],
    }
    for name, items in lists.items():
        for index, chunk in enumerate(_chunks(items)):
            yield PREFIX + _numbered(name, index), _seal("[" + ",".join(chunk) + "]")


def _shortened(hold: Hold | None) -> Hold | None:
    if hold is None:
        return None
    return msgspec.structs.replace(hold, why=_clipped(hold.why, _WHY_LENGTH), who=_clipped(hold.who, _WHO_LENGTH))


def _clipped(text: str, room: int) -> str:
    """The beginning of `text` that takes at most `room` characters in JSON, where quotes and the like take more."""
    text = text[:room]
    while len(msgspec.json.encode(text).decode()) > room + 2:
        text = text[:-1]
    return text


def _chunks(items: tuple[object, ...]) -> Iterator[list[str]]:
    """As many as fit into a tag, and so on. One that fits into none makes a tag that is too long, which is refused."""
    room = MAX_VALUE - len(_seal("[]"))
    chunk: list[str] = []
    for item in items:
        text = msgspec.json.encode(item).decode()
        if sum(map(len, chunk)) + len(chunk) + len(text) > room:
            yield chunk
            chunk = []
        chunk.append(text)
    if chunk:
        yield chunk


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}.{index}"


def _seal(body: str) -> str:
    return f"{VERSION}{body}~{zlib.crc32(body.encode()):08x}"


def _sum(sections: Mapping[str, str]) -> str:
    joined = "\n".join([f"{name}={sections[name]}" for name in sorted(sections)])
    return f"{zlib.crc32(joined.encode()):08x}"
