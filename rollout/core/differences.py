"""Declared and live, field by field, and who moved: the plan (pending) or the world (drift).

Nothing is stored but short codes of the values that we wrote (`core.codes`): in the endpoint's record and in a tag of
each deployment. A declared value whose code is there was live once, so a difference is drift; any other is pending.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from rollout.core import untaken
from rollout.core.actions import FieldChange
from rollout.core.codes import leaves, was_written
from rollout.core.identity import Changed, spec_of
from rollout.core.ignoring import managed_settings
from rollout.core.release import DeploymentSpec
from rollout.core.scene import Scene
from rollout.core.settings import revision_changes
from rollout.core.stamp import SETTINGS_TAG

COUNT: Final = "instance_count"


class Difference(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One managed field of `target` (`endpoint`, or a deployment) whose live value (`before`) is not the declared one
    (`after`). `since` and `by`: when and by whom it was moved, where somebody knows."""

    target: str
    path: str
    before: Any
    after: Any
    since: datetime | None = None
    by: str = ""


class Same(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One managed field that is as declared."""

    target: str
    path: str
    value: Any


class Compared(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What comparing all managed fields shows."""

    pending: tuple[Difference, ...] = ()
    drift: tuple[Difference, ...] = ()
    unchanged: tuple[Same, ...] = ()


def compared(view: Scene) -> Compared:
    """Every managed field of the endpoint, and of what serves or wants to."""
    found = [each for each in (*_endpoint(view), *_serving(view)) if not _untaken(view, each[0])]
    pending = [one for one, known in found if isinstance(one, Difference) and not known]
    return Compared(
        pending=(*pending, *(one for one in _goal(view) if isinstance(one, Difference))),
        drift=(*(one for one, known in found if isinstance(one, Difference) and known), *_outside(view)),
        unchanged=tuple(one for one in (*(one for one, _ in found), *_goal(view)) if isinstance(one, Same)),
    )


def _untaken(view: Scene, one: Difference | Same) -> bool:
    """Whether the service did not take it when it was asked for last: then it is a note (`core.complete`)."""
    if isinstance(one, Same):
        return False
    path = one.path if one.target == "endpoint" else f"{one.target}.{one.path}"
    return untaken.code(FieldChange(path, one.before, one.after)) in view.progress.untaken


def _outside(view: Scene) -> Iterator[Difference]:
    """What was changed in place on the deployment that is promoted: such a plan holds."""
    if not isinstance(view.promotion, Changed):
        return
    name, recorded = view.promotion.name, view.progress.promoted
    spec = spec_of(view.release, name)
    if spec is not None and recorded is not None and recorded.revision == spec.revision:
        for change in revision_changes(spec, view.endpoint.deployment(name)):
            yield Difference(target=name, path=change.path, before=change.before, after=change.after)


Finding = tuple[Difference | Same, bool]


def _endpoint(view: Scene) -> Iterator[Finding]:
    fields = view.managed.fields
    yield from _leaf_by_leaf("endpoint", fields, view.endpoint.fields, view.progress.declared)


def _serving(view: Scene) -> Iterator[Finding]:
    """Settings of what is promoted, where its file is known."""
    stable, spec = view.stable, settings_spec(view)
    if stable is None or spec is None:
        return
    live = {**stable.fields, "tags": stable.tags, COUNT: stable.count}
    recorded = stable.tags.get(SETTINGS_TAG, "")
    yield from _leaf_by_leaf(stable.name, spec.settings, live, recorded)
    if not stable.autoscaled:
        yield _count(view, spec, stable.name, stable.count)


def settings_spec(view: Scene) -> DeploymentSpec | None:
    """The file whose settings what is promoted shall have: the candidate's, once that is promoted."""
    stable = view.stable
    if stable is None or stable.revision != view.release.goal:
        return None
    return managed_settings(view.release, view.release.candidate, stable.name)


def _count(view: Scene, spec: DeploymentSpec, name: str, count: int) -> Finding:
    """Counts are floors: more than declared is as declared."""
    was_there = view.promoted is not None and view.promoted.count >= spec.count
    if count >= spec.count:
        return Same(target=name, path=COUNT, value=count), was_there
    return Difference(target=name, path=COUNT, before=count, after=spec.count), was_there


def _leaf_by_leaf(
    target: str, declared: Mapping[str, Any], live: Mapping[str, Any], recorded: str
) -> Iterator[Finding]:
    found = dict(leaves(live))
    for path, value in leaves(declared):
        known = was_written(recorded, declared, path, value)
        if found.get(path) == value:
            yield Same(target=target, path=path, value=value), known
        else:
            yield Difference(target=target, path=path, before=found.get(path), after=value), known


def _goal(view: Scene) -> Iterator[Difference | Same]:
    """What the candidate will be, beside what serves; nothing once it lives."""
    spec, stable = view.journey.spec, view.stable
    if view.carries_goal or (view.promoted is not None and view.promoted.revision == view.journey.goal):
        return
    changed = {change.path: change for change in revision_changes(spec, stable or view.candidate)}
    for path, value in sorted(spec.fields.items()):
        if path in changed:
            yield Difference(target=view.journey.slot, path=path, before=changed[path].before, after=value)
        else:
            yield Same(target=view.journey.slot, path=path, value=value)
