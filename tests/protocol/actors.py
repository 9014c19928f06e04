"""The small world: an endpoint where v2 waits for its way to all traffic, and those who write to it, step by step.

A step is what one request does. A state is a value: the service's documents, what each writer has seen and is about to
do. From a state every writer who is able to may take the next step; `world.explore` follows all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from rollout.azure.sending import FRESH
from rollout.core import actions, commands
from rollout.core.canonical import read_endpoint
from rollout.core.decide import decide
from rollout.core.decision import Status
from rollout.core.observed import Observation
from rollout.core.our_tags import ours
from rollout.core.release import Release
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import Refused, Stale
from tests.worlds.history import History
from tests.worlds.plane import NAME, RulesPlane, _body
from tests.worlds.plans import roles

STAGES: Final = "deploy, smoke, traffic 10, traffic 100, delete 0"
ALLOWED: Final = frozenset({"creates-endpoint"})
HEALTHY: Final = Verdict(outcome=Outcome.PASS, reason="healthy")
PLAN: Final = roles("v2", STAGES)

Pc = Literal["look", "list", "read", "write", "follow", "end"]


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """A reconciler, or a person's command: both read, decide, read again, and write.

    `goes_on`: how many actions it may still do. `doc`: the endpoint as it was looked at; `seen`: the whole look;
    `fresh`: when it read what its write goes by.
    """

    name: str
    intent: str = ""
    pc: Pc = "look"
    goes_on: int = 3
    doc: Any = None
    seen: Observation | None = None
    action: actions.Action | None = None
    fresh: datetime | None = None

    @property
    def refused(self) -> bool:
        """Whether it was a person's command, and there was nothing to do for it."""
        return bool(self.intent) and self.pc == "end" and self.goes_on == 1

    @property
    def hurried(self) -> bool:
        """Whether it is between its fresh read and its write: milliseconds, unless the machine stalls."""
        return self.pc == "write" or (self.pc == "list" and self.fresh is not None)


class Hand(msgspec.Struct, frozen=True, kw_only=True):
    """One PUT from the portal or an old client: weights, with our tags kept or dropped. It looks at nothing."""

    name: str = "hand"
    weights: Mapping[str, int]
    keeps_tags: bool
    done: bool = False


def start() -> RulesPlane:
    """v1 serves from blue, v2 is deployed in green and has passed nothing yet."""
    history = History(roles("v1", STAGES))
    history.run()
    history.release = PLAN
    history.until_deployed()
    history.plane.rules.history.clear()
    return history.plane


def look(plane: RulesPlane, writer: Writer, *, last: bool) -> Writer:
    """GET the endpoint. `last`: this is the fresh read, and nothing is read again before the write."""
    fresh = plane.now if last else None
    return replace(writer, pc="list", doc=_body(plane.rules.get_endpoint(NAME, plane.now)), fresh=fresh)


def list_and_decide(plane: RulesPlane, writer: Writer) -> Writer:
    """GET the deployments, measure what is asked for, decide. After a look that was none of a moment ago the endpoint
    is read again."""
    listed = _body(plane.rules.list_deployments(NAME, plane.now))["value"]
    seen = Observation(read_endpoint(writer.doc, listed), plane.now)
    action = _intended(writer, seen) if writer.intent else _decided(PLAN, seen)
    if action is None:
        busy = seen.endpoint is not None and seen.endpoint.in_flight
        return replace(writer, pc="follow" if busy else "end", doc=None, fresh=None)
    return replace(writer, pc="read" if writer.fresh is None else "write", seen=seen, action=action, doc=None)


def _decided(release: Release, seen: Observation) -> actions.Action | None:
    decision = decide(release, seen, {}, ALLOWED)
    if decision.measure is not None:
        decision = decide(release, seen, {decision.measure_key: HEALTHY}, ALLOWED)
    return decision.actions[0] if decision.status is Status.ACT else None


def _intended(writer: Writer, seen: Observation) -> actions.Action | None:
    makers: dict[str, Callable[..., commands.Actions]] = {"hold": commands.hold, "rollback": commands.rollback}
    make = makers[writer.intent]
    try:
        return make(PLAN, seen, "ann", "a person says so")[0]
    except Refused:  # there is nothing to roll back (any more)
        return None


def read(plane: RulesPlane, writer: Writer, *, dated: bool) -> Writer:
    """The fresh read right before the write: begin again where weights or our tags are not what was decided on. With
    `dated` it remembers when that was."""
    assert writer.seen is not None, "it has looked"
    assert writer.action is not None, "it has decided"
    try:
        plane._refuse_stale(writer.action, writer.seen.endpoint)
    except Stale:
        return replace(writer, pc="look", seen=None, action=None)
    return replace(writer, pc="write", fresh=plane.now if dated else None)


def too_late(plane: RulesPlane, writer: Writer) -> bool:
    """Whether its fresh read is too old for its write to leave."""
    assert writer.fresh is not None, "it has read again"
    return plane.now - writer.fresh > timedelta(seconds=FRESH)


def write(plane: RulesPlane, writer: Writer) -> tuple[Writer, bool]:
    """Send it. Whether the service took it; it refuses while another operation is under way (assumption A1)."""
    assert writer.action is not None, "it has decided"
    answer = plane._write(writer.action)
    if answer.status >= 400:
        return replace(writer, pc="follow", seen=None, action=None, fresh=None), False
    left = writer.goes_on - 1
    return replace(writer, pc="follow" if left else "end", seen=None, action=None, fresh=None, goes_on=left), True


def hand(plane: RulesPlane, one: Hand) -> tuple[Hand, bool]:
    """Its PUT. Refused while another operation is under way: then the person tries again later."""
    doc = _body(plane.rules.get_endpoint(NAME, plane.now))
    tags = ours(doc["tags"]) if one.keeps_tags else {}
    answer = plane._put(tags, traffic=dict(one.weights), mirrorTraffic={})
    return (one, False) if answer.status >= 400 else (replace(one, done=True), True)


def settle(plane: RulesPlane) -> None:
    """The service ends what is under way."""
    plane.now = plane.rules.settle(plane.now) + timedelta(seconds=1)
