"""Exactly what was approved, and whether what is about to be done is a part of it.

An approved change set holds the actions in their order and, for each world on the way, what it must look like. What is
still to be done must be a suffix of those actions, and the live endpoint must look as it was foretold before that
suffix: so one approval is good for all passes of its run, and for nothing else. Rolling back never asks for one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from rollout.core import change_set as changes
from rollout.core.change_set import ChangeSet, Situation
from rollout.core.decision import Decision, Status, gives_back
from rollout.core.fingerprint import EXISTS, Changed, Fingerprint, differences, fingerprint
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import Unapproved

FORMAT: Final = 1
_AGAIN: Final = "look at it again and have it approved: rollout diff {file} --out FILE"
_MOST_TOLD: Final = 8
_STAGES_APART: Final = frozenset({EXISTS, "traffic", "mirror"})


class ApprovedAction(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One action as it was approved: its kind, and the digest of its target and values."""

    kind: str
    digest: str


class ApprovedWorld(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the world must look like when `done` actions are done: only what is other than in the world before; null
    for what is not there any more."""

    done: int
    changed: Mapping[str, Mapping[str, Any] | None]


class Approved(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A change set as it was approved, to be kept in a file.

    `plan_digest` is of the plan's meaning with all its files, `endpoint` the endpoint's ARM id, `allowed` the hazards
    that the command line allowed, `tool` the tool's major version. It may be started until `valid_until`, and its run
    may go on until `carry_until`. `seal` tells an edit by hand.
    """

    format: Annotated[int, Meta(description="The version of this part.")] = FORMAT
    tool: str = ""
    digest: str
    plan: str
    file: str = ""
    overlay: str = ""
    plan_digest: str
    goal: str
    endpoint: str
    created: datetime
    valid_until: datetime
    carry_until: datetime
    allowed: tuple[str, ...] = ()
    actions: tuple[ApprovedAction, ...] = ()
    worlds: tuple[ApprovedWorld, ...] = ()
    seal: str = ""


def approved(
    found: ChangeSet,
    release: Release,
    *,
    endpoint: str,
    created: datetime,
    file: str = "",
    overlay: str = "",
    allowed: frozenset[str] = frozenset(),
    tool: str = "",
) -> Approved:
    """What is to be approved of that change set. Pure: `created` is the service's time of the look."""
    valid = found.valid_until or created
    value = Approved(
        tool=tool,
        digest=found.digest,
        plan=release.name,
        file=file,
        overlay=overlay,
        plan_digest=changes.plan_digest(release),
        goal=release.goal,
        endpoint=endpoint.lower(),
        created=created,
        valid_until=valid,
        carry_until=valid + timedelta(seconds=found.waits),
        allowed=tuple(sorted(allowed)),
        actions=tuple(map(_action, found.essences)),
        worlds=tuple(_worlds(found.situations)),
    )
    return msgspec.structs.replace(value, seal=_seal(value))


def as_part(what: Approved, whole: str, seconds: float) -> Approved:
    """The same approval as a part of that of `whole`, a fleet's file: it may be started, and carried on, `seconds`
    later, and is read from there with its overlay."""
    later = timedelta(seconds=seconds)
    value = msgspec.structs.replace(
        what, file=whole, overlay="", valid_until=what.valid_until + later, carry_until=what.carry_until + later
    )
    return msgspec.structs.replace(value, seal=_seal(value))


def must_be_about(what: Approved, release: Release, endpoint: str, tool: str) -> None:
    """Raise Unapproved unless it is the approval of this plan, as it is now, for this endpoint, by such a tool."""
    hint = _AGAIN.format(file=what.file or "PLAN")
    if what.seal != _seal(what):
        raise Unapproved("the saved change set was edited after it was written", hint=hint)
    if (what.format, what.tool) != (FORMAT, tool):
        raise Unapproved(
            f"the change set was approved for version {what.tool or '?'} of rollout, this is {tool}", hint=hint
        )
    if what.endpoint != endpoint.lower():
        raise Unapproved(f"the change set was approved for {what.endpoint}, not for {endpoint.lower()}", hint=hint)
    if what.goal != release.goal:
        raise Unapproved(f"the plan's goal is {release.goal[:10]} now, approved was {what.goal[:10]}", hint=hint)
    if what.plan_digest != changes.plan_digest(release):
        raise Unapproved(
            f"the plan {release.name} is not as it was approved: its stages or settings were edited", hint=hint
        )


def must_fit(what: Approved, release: Release, seen: Observation, decision: Decision, allowed: frozenset[str]) -> None:
    """Raise Unapproved, with what changed since in which field, unless what is decided is a part of what was approved.

    A decision that writes nothing only must not stand on a world that nobody has approved.
    """
    if gives_back(decision) or (seen.endpoint is not None and seen.endpoint.in_flight):
        return
    live = fingerprint(release, seen)
    left = tuple(map(_action, changes.remaining(release, seen, allowed)))
    worlds = [(world, differences(world.looks, live)) for world in _expanded(what.worlds)]
    here = [world for world, changed in worlds if not changed]
    fitting = [world for world in here if what.actions[world.done :] == left]
    if fitting:
        _must_be_in_time(what, seen.now, decision, started=fitting[-1].done > 0)
    elif decision.status is Status.ACT or not here:
        raise _stale(what, worlds, left)


def _must_be_in_time(what: Approved, now: datetime, decision: Decision, *, started: bool) -> None:
    end = what.carry_until if started else what.valid_until
    if decision.status is Status.ACT and now > end:
        raise Unapproved(
            f"the approval of {what.digest} expired at {end:%Y-%m-%d %H:%M:%SZ}",
            hint=_AGAIN.format(file=what.file or "PLAN"),
        )


def _stale(
    what: Approved, worlds: Sequence[tuple[Situation, tuple[Changed, ...]]], left: tuple[ApprovedAction, ...]
) -> Unapproved:
    """Tells the fields that differ from the nearest world of the way: one before what is still to be done, if it is."""
    suffixes = [(world, changed) for world, changed in worlds if left and what.actions[world.done :] == left]
    _, changed = min(suffixes or worlds, key=lambda pair: (*_distance(pair[1]), -pair[0].done))
    hint = _AGAIN.format(file=what.file or "PLAN")
    if not changed:
        return Unapproved(f"what is to be done now is no part of what was approved as {what.digest}", hint=hint)
    told = [str(one) for one in changed[:_MOST_TOLD]]
    more = [f"and {len(changed) - _MOST_TOLD} more"] if len(changed) > _MOST_TOLD else []
    return Unapproved(f"this changed since {what.digest} was approved: {'; '.join([*told, *more])}", hint=hint)


def _distance(changed: Sequence[Changed]) -> tuple[int, int]:
    """How far a world is away: what tells one stage from another counts before any field that somebody edited."""
    return sum(one.path in _STAGES_APART for one in changed), len(changed)


def _action(essence: str) -> ApprovedAction:
    return ApprovedAction(kind=essence.partition(" ")[0], digest=hashlib.sha256(essence.encode()).hexdigest()[:16])


def _worlds(situations: Sequence[Situation]) -> list[ApprovedWorld]:
    found: list[ApprovedWorld] = []
    before: Fingerprint = {}
    for here in situations:
        changed: dict[str, Mapping[str, Any] | None] = {name: None for name in before if name not in here.looks}
        changed |= {name: fields for name, fields in here.looks.items() if before.get(name) != fields}
        found.append(ApprovedWorld(done=here.done, changed=changed))
        before = here.looks
    return found


def _expanded(worlds: Sequence[ApprovedWorld]) -> list[Situation]:
    found: list[Situation] = []
    looks: dict[str, Mapping[str, Any]] = {}
    for world in worlds:
        looks = {name: fields for name, fields in {**looks, **world.changed}.items() if fields is not None}
        found.append(Situation(done=world.done, looks=looks))
    return found


def _seal(what: Approved) -> str:
    bare = msgspec.structs.replace(what, seal="")
    return hashlib.sha256(msgspec.json.encode(bare, order="deterministic")).hexdigest()[:16]
