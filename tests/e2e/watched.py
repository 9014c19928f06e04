"""The laws, read off the emulator's own history: every state that an endpoint was ever in, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from rollout.core.progress import Progress, from_tags
from rollout.core.stamp import BORN_TAG, REVISION_TAG

State = dict[str, Any]
_NOTHING: State = {"traffic": {}, "mirror": {}, "deployments": {}, "tags": {}, "state": "Absent"}


def watched(history: Sequence[State], *, fast: Iterable[str] = ()) -> None:
    """Check every state and every step. `fast`: revisions that go back to all traffic after a smoke test alone."""
    assert history, "the endpoint was never there"
    for before, after in pairwise([_NOTHING, *history]):
        if after["state"] != "Deleted":
            _sums(before, after)
            _no_duplicates(after)
            _leaves_what_serves_alone(before, after)
            for name in after["traffic"]:
                _proven(name, before, after, frozenset(fast))


def splits(history: Sequence[State]) -> list[dict[str, int]]:
    """The live splits in their order, each said once, zero weights left out."""
    found: list[dict[str, int]] = []
    for state in history:
        split = {name: weight for name, weight in state["traffic"].items() if weight}
        if not found or found[-1] != split:
            found.append(split)
    return found


def creations(history: Sequence[State]) -> list[str]:
    """The deployments in the order in which they came into being; one that came twice is there twice."""
    steps = pairwise([_NOTHING, *history])
    return [name for before, after in steps for name in after["deployments"] if name not in before["deployments"]]


def record_of(state: State) -> Progress | None:
    """What the tags of that state say."""
    found = from_tags(state["tags"])
    assert found is None or isinstance(found, Progress), f"the record is damaged: {found}"
    return found


def _sums(before: State, after: State) -> None:
    total = sum(after["traffic"].values())
    served = sum(before["traffic"].values()) > 0
    assert total == 100 or (total == 0 and not served), f"{before['traffic']} → {after['traffic']}"
    mixed = [name for name, weight in after["mirror"].items() if weight and after["traffic"].get(name)]
    assert not mixed, f"live and mirrored at once: {mixed}"


def _no_duplicates(state: State) -> None:
    revisions = [one["tags"].get(REVISION_TAG) for one in state["deployments"].values()]
    assert len(set(revisions)) == len(revisions), f"one revision twice: {state['deployments']}"
    assert len(revisions) <= 2, f"more than two deployments: {sorted(state['deployments'])}"


def _leaves_what_serves_alone(before: State, after: State) -> None:
    for name, was in before["deployments"].items():
        if before["traffic"].get(name) or before["mirror"].get(name):
            now = after["deployments"].get(name)
            assert now is not None, f"{name} was deleted with traffic"
            assert now["count"] >= was["count"], f"{name} shrank under traffic"
            assert _creation(now) == _creation(was), f"{name} was changed under traffic"


def _proven(name: str, before: State, after: State, fast: frozenset[str]) -> None:
    """Weight rises only for what is promoted, or where nothing served, or after this run's gates for this creation."""
    rises = after["traffic"][name] > before["traffic"].get(name, 0)
    if not rises:
        return
    found = after["deployments"][name]
    assert found["state"] == "Succeeded", f"{name} gets traffic and is {found['state']}"
    if not any(before["traffic"].values()):
        return
    was, now = record_of(before), record_of(after)
    assert now is not None, f"{name} gets traffic and nothing is recorded"
    returns = was is not None and was.promoted is not None and was.promoted.name == name
    runs = [record.run for record in (was, now) if record is not None and record.run and record.passed]
    earned = any((run.slot, run.goal, run.born) == (name, *_creation(found)) for run in runs)
    assert returns or earned or _creation(found)[0] in fast, f"{name} rises to {after['traffic'][name]} unproven"


def _creation(deployment: Any) -> tuple[str, str]:
    return deployment["tags"].get(REVISION_TAG, ""), deployment["tags"].get(BORN_TAG, "")
