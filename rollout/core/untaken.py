"""Values that the service was asked for and did not take, without a word: recorded, told, and not tried for ever.

Right after a write the runner compares: a declared field that is still what it was before is *untaken*. The pass that
looks then gets it among its verdicts, under `key`; the record remembers a short code of (field, asked, has). As long as
all three stay the same, the difference is neither drift nor pending but a note. No value is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rollout.core.actions import (
    Action,
    DeployRevision,
    FieldChange,
    ScaleDeployment,
    SetTraffic,
    UpdateDeployment,
    UpdateEndpoint,
)
from rollout.core.codes import codes, leaves
from rollout.core.observed import SUCCEEDED, Endpoint
from rollout.core.settings import endpoint_changes, revision_changes
from rollout.core.verdict import Outcome, Verdict

MOST: Final = 12
"""So many codes are kept; what does not fit is tried again."""
PREFIX: Final = "untaken "
"""What the keys of such verdicts start with."""


def code(change: FieldChange) -> str:
    """Four characters for a field, what was asked for it, and what it has."""
    return codes({change.path: [change.after, change.before]})


def key(change: FieldChange) -> str:
    """What the verdicts of a pass call it."""
    return f"{PREFIX}{code(change)}"


def said(change: FieldChange) -> str:
    """The sentence for people."""
    return f"the service did not take {change.path}: asked {change.after!r}, has {change.before!r}"


def verdicts(action: Action, before: Endpoint | None, after: Endpoint | None) -> dict[str, Verdict]:
    """What the look after `action` shows as not taken, for the verdicts of that pass."""
    if after is None or after.state != SUCCEEDED:
        return {}
    found = {change.path: change for change in _untaken(action, before, after)}
    return {key(change): Verdict(outcome=Outcome.INCONCLUSIVE, reason=said(change)) for change in found.values()}


def notes(given: Mapping[str, Verdict]) -> tuple[str, ...]:
    """The sentences among the verdicts of a pass."""
    return tuple(verdict.reason for name, verdict in given.items() if name.startswith(PREFIX))


def _untaken(action: Action, before: Endpoint | None, after: Endpoint) -> Iterator[FieldChange]:
    match action:
        case UpdateEndpoint(endpoint=spec) | SetTraffic(endpoint=spec) if spec is not None and before is not None:
            differed = set(map(key, endpoint_changes(spec, before)))
            yield from (change for change in endpoint_changes(spec, after) if key(change) in differed)
        case UpdateDeployment(deployment=name, changes=changes):
            found = after.deployment(name)
            live = dict(leaves({**found.fields, "tags": found.tags})) if found else {}
            for change in changes:
                if found is not None and live.get(change.path) == change.before:
                    yield FieldChange(f"{name}.{change.path}", change.before, change.after)
        case ScaleDeployment(deployment=name, before=had, count=count):
            found = after.deployment(name)
            if found is not None and found.count == had:
                yield FieldChange(f"{name}.instance_count", had, count)
        case DeployRevision(deployment=name, spec=what, born=born):
            found = after.deployment(name)
            if found is not None and found.ready and found.born == born:
                for change in revision_changes(what, found):
                    yield FieldChange(f"{name}.{change.path}", change.before, change.after)
        case _:
            pass
