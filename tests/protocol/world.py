"""All the ways in which the steps of the writers can follow each other, each state looked at once."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from rollout.core.decision import Decision
from rollout.core.observed import Endpoint
from rollout.core.our_tags import ours
from rollout.core.progress import Damaged, Progress, from_tags
from tests.protocol import actors
from tests.protocol.actors import PLAN, Hand, Writer
from tests.worlds.history import History, finish
from tests.worlds.plane import NAME, RulesPlane

LOOSE: Final = ("systemData",)


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The world, everybody in it, and who holds the lease ("" for nobody)."""

    plane: RulesPlane
    writers: tuple[Writer, ...]
    hands: tuple[Hand, ...] = ()
    holder: str = ""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How the world works. `prompt`: no operation begins and ends between somebody's fresh read and its write.

    `lease`: one reconciler at a time. `steal`: a lease passes on while its holder stalls before its write. `refuses`:
    assumption A1, the service refuses a write while another one is under way. `punctual`: who stalls, stalls before the
    client's last glance at its clock, and sends nothing that is too late. `at_once`: a write goes by the look that it
    was decided on, as after a look of a moment ago; otherwise the endpoint is read again before it.
    """

    prompt: bool = True
    punctual: bool = False
    refuses: bool = True
    lease: bool = False
    steal: bool = False
    at_once: bool = False


class Seen(msgspec.Struct, kw_only=True):
    """What the exploration has found; `lost` names what was overwritten unseen, and how often."""

    states: int = 0
    steps: int = 0
    ends: Counter[str] = msgspec.field(default_factory=Counter)
    lost: Counter[str] = msgspec.field(default_factory=Counter)


def explore(first: State, rules: Rules) -> Seen:
    """Every state that can be reached; the laws are checked at each write, the end wherever nobody can move."""
    seen, known, todo = Seen(), {_key(first)}, [first]
    while todo:
        state = todo.pop()
        seen.states += 1
        moved = False
        for following in _moves(state, rules, seen):
            moved = True
            seen.steps += 1
            key = _key(following)
            if key not in known:
                known.add(key)
                todo.append(following)
        if not moved:
            _note_the_end(state, rules, seen)
    return seen


def _note_the_law(before: Endpoint, after: Endpoint, rules: Rules, seen: Seen) -> None:
    """Every write is lawful, unless the service refuses nothing: then what is not is counted."""
    try:
        _lawful(before, after)
    except AssertionError:
        if rules.refuses:
            raise
        seen.lost["traffic"] += 1


def _note_the_end(state: State, rules: Rules, seen: Seen) -> None:
    """How it ends. Only where the service refuses nothing may an end be unlawful, and then it is counted."""
    try:
        seen.ends[_end(state)] += 1
    except AssertionError:
        if rules.refuses:
            raise
        seen.lost["traffic"] += 1


def _moves(state: State, rules: Rules, seen: Seen) -> Iterator[State]:
    for index, writer in enumerate(state.writers):
        if _may_step(state, writer, rules):
            yield from _step(state, index, writer, rules, seen)
    for index, one in enumerate(state.hands):
        if not one.done:
            yield from _hand(state, index, one)
    if _busy(state) and not (rules.prompt and any(writer.hurried for writer in state.writers)):
        plane = copy.deepcopy(state.plane)
        actors.settle(plane)
        yield replace(state, plane=plane)


def _may_step(state: State, writer: Writer, rules: Rules) -> bool:
    if writer.pc == "end" or (writer.pc == "follow" and _busy(state)):
        return False
    if not rules.lease or writer.intent or writer.pc != "look":
        return True
    stalled = any(other.name == state.holder and other.hurried for other in state.writers)
    return state.holder in ("", writer.name) or (rules.steal and stalled)


def _step(state: State, index: int, writer: Writer, rules: Rules, seen: Seen) -> Iterator[State]:
    plane = copy.deepcopy(state.plane)
    holder = state.holder
    match writer.pc:
        case "look":
            after = actors.look(plane, writer, last=rules.at_once)
            holder = writer.name if rules.lease and not writer.intent else holder
        case "list":
            after = actors.list_and_decide(plane, writer)
        case "read":
            after = actors.read(plane, writer, dated=rules.punctual)
        case "write" if rules.punctual and actors.too_late(plane, writer):
            after = replace(writer, pc="look", seen=None, action=None, fresh=None)
        case "write":
            _note_what_is_lost(state, writer, seen, rules)
            before = _live(plane)
            after, taken = actors.write(plane, writer)
            if taken:
                _note_the_law(before, _live(plane), rules, seen)
        case _:
            after = replace(writer, pc="look")
    if after.pc == "end" and holder == writer.name:
        holder = ""
    writers = (*state.writers[:index], after, *state.writers[index + 1 :])
    yield replace(state, plane=plane, writers=writers, holder=holder)


def _hand(state: State, index: int, one: Hand) -> Iterator[State]:
    plane = copy.deepcopy(state.plane)
    after, taken = actors.hand(plane, one)
    if taken:
        yield replace(state, plane=plane, hands=(*state.hands[:index], after, *state.hands[index + 1 :]))


def _busy(state: State) -> bool:
    return bool(state.plane.rules.world.in_flight)


def _live(plane: RulesPlane) -> Endpoint:
    found = finish(plane.observe(NAME)).endpoint
    assert found is not None, "nobody deletes it"
    return found


def _note_what_is_lost(state: State, writer: Writer, seen: Seen, rules: Rules) -> None:
    """A write that will be taken although the world is not the one that was decided on overwrites something unseen."""
    then = writer.seen.endpoint if writer.seen else None
    assert then is not None, "it has decided"
    now = _live(state.plane)
    if _busy(state) and not rules.refuses:
        seen.lost["a write under way"] += 1
        return
    if _busy(state) or (now.weights == then.weights and ours(now.tags) == ours(then.tags)):
        return
    seen.lost["a person's intent" if _holds(now) and not _holds(then) else "a write"] += 1


def _holds(endpoint: Endpoint) -> bool:
    record = from_tags(endpoint.tags)
    return isinstance(record, Progress) and record.hold is not None


def _lawful(before: Endpoint, after: Endpoint) -> None:
    """The laws that a single write can break: the sum, what rises, and what serves."""
    doc = after.weights
    assert sum(weight for _, weight in doc.traffic) == 100, doc
    for name in doc.serving:
        found = after.deployment(name)
        assert found is not None, f"{name} serves and is not there"
        rises = doc.live(name) > before.weights.live(name)
        assert found.ready or not rises, f"{name} rises and is {found.state}"
    gone = {found.name for found in before.deployments} - {found.name for found in after.deployments}
    assert not [name for name in gone if before.weights.touches(name)], "something with traffic was deleted"


def _end(state: State) -> str:
    """What a scheduled job makes of it in the end: it always ends, with one deployment serving."""
    history = History(PLAN)
    history.plane = copy.deepcopy(state.plane)
    history.watch.plane = history.plane
    last = _run(history)
    live = _live(history.plane)
    assert len(live.weights.serving) == 1 or last.status == "hold", f"{live.weights} and {last.reason}"
    assert not isinstance(from_tags(live.tags), Damaged), "the record is damaged"
    refused = ", refused" if any(writer.refused for writer in state.writers) else ""
    return f"{last.status}, {history.serves()} serves{refused}"


def _run(history: History) -> Decision:
    history.watch.forgiven = True  # the book of passed gates is with those who wrote before
    return history.run()


def _key(state: State) -> bytes:
    world = state.plane.rules.world
    held = world.endpoints[NAME]
    docs = [_tight(held.doc), *[_tight(one.doc) for one in held.deployments.values()]]
    flying = [(one.kind.value, one.deployment, _tight(one.after or {})) for one in world.in_flight.values()]
    people: Any = [state.writers, state.hands, state.holder]
    return msgspec.json.encode([docs, flying, people, state.plane.now], enc_hook=repr, order="sorted")


def _tight(doc: Any) -> Any:
    properties = {key: value for key, value in doc.get("properties", {}).items() if key != "properties"}
    return {key: value for key, value in doc.items() if key not in LOOSE} | {"properties": properties}
