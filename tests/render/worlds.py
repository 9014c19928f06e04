"""Reports about generated worlds, for the renderings."""

from __future__ import annotations

from msgspec.structs import replace

from rollout.core.change_set import change_set
from rollout.core.release import Release
from rollout.ports import RequestCount
from rollout.render.report import Report
from rollout.runner import Limits
from tests.worlds.history import ALLOWED, History, finish
from tests.worlds.plane import NAME
from tests.worlds.plans import roles

LINE = "deploy, smoke, mirror 10, bake 10, traffic 10, bake 30, traffic 100, delete 100"


def with_fields(release: Release, **fields: object) -> Release:
    """The release with more declared fields of the candidate."""
    candidate = release.candidate
    return replace(release, candidate=replace(candidate, fields={**candidate.fields, **fields}))


def report(history: History) -> Report:
    """What `diff` would have to tell now."""
    seen = finish(history.plane.observe(NAME))
    return Report(
        release=history.release,
        file="plans/house.yml",
        observation=seen,
        changes=change_set(history.release, seen, ALLOWED),
        requests=RequestCount(reads=2),
    )


def nothing_yet() -> History:
    """No endpoint at all; the plan is a first release."""
    return History(
        with_fields(roles("v1", LINE), **{"environment_variables.API_KEY": "hunter2", "instance_type": "f4"})
    )


def converged() -> History:
    """`v1` serves, nothing is left to do."""
    history = History(roles("v1", LINE))
    history.run()
    return history


def at_ten_percent() -> History:
    """`v2` has 10 % and bakes."""
    history = converged()
    history.release = roles("v2", LINE)
    history.until(10)
    finish(history.runner.run(Limits()))
    return history


def rolled_back() -> History:
    """`v2` could not be deployed."""
    history = converged()
    history.plane.broken_revisions.add("v2")
    history.release = roles("v2", LINE)
    finish(history.runner.run(Limits()))
    return history


def drifted() -> History:
    """Somebody changed the description of what serves; the plan only reports it."""
    history = converged()
    candidate = replace(history.release.candidate, settings={"description": "as declared"})
    history.release = replace(history.release, candidate=candidate, drift="report")
    return history
