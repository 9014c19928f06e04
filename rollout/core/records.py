"""How the record moves: one function for each thing that can happen, from the scene to the next `Progress`."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from rollout.core.codes import codes
from rollout.core.identity import promoted_of
from rollout.core.observed import Weights
from rollout.core.progress import Hold, Kind, Progress, Quarantined, Run, quarantine, remember
from rollout.core.release import EndpointSpec
from rollout.core.scene import Scene
from rollout.core.stamp import ACTOR, FLEET
from rollout.core.untaken import MOST


def blank(scene: Scene) -> Progress:
    """The record as it stands, signed by this plan (and its fleet) and commit, with what is promoted filled in."""
    return replace(
        scene.progress,
        plan=scene.release.name,
        commit=scene.release.commit,
        fleet=scene.release.provenance.get(FLEET, "").partition("@")[0],
        promoted=scene.promoted,
        hold=None,
    )


def declaring(progress: Progress, endpoint: EndpointSpec) -> Progress:
    """That record, in a write that also sets the endpoint's declared fields."""
    return replace(progress, declared=codes(endpoint.fields))


def untook(scene: Scene, codes_now: tuple[str, ...], what: str) -> Progress:
    """The service did not take these values; what else was on record and does not differ any more is forgotten."""
    return remember(replace(blank(scene), untaken=codes_now[-MOST:]), scene.now, what)


def advanced(scene: Scene, weights: Weights, earned: tuple[str, ...], what: str) -> Progress:
    """The run went on: gates were passed, or the split changed to `weights`."""
    slot = scene.journey.slot
    run = scene.run or _started(scene)
    if run.exposed is None and weights.touches(slot):
        run = replace(run, exposed=scene.now)
    passed = tuple(scene.progress.passed) if scene.run else ()
    fields: dict[str, Any] = {
        "run": run,
        "passed": (*passed, *(key for key in earned if key not in passed)),
        "written": weights,
        "since": scene.now,
        "outcome": "",
    }
    return _told(scene, replace(blank(scene), **fields), what, "advanced" if scene.run else "started")


def promoted_now(scene: Scene, weights: Weights) -> Progress:
    """The candidate has earned it: it is what is promoted, what was becomes former, the run is over."""
    candidate = scene.candidate
    assert candidate is not None, "only what lives can be promoted"
    fields: dict[str, Any] = {
        "promoted": promoted_of(candidate),
        "former": scene.promoted,
        "run": None,
        "passed": (),
        "approvals": (),
        "written": weights,
        "since": scene.now,
        "outcome": "complete",
        "quarantine": tuple(q for q in scene.progress.quarantine if q.goal != scene.journey.goal),
    }
    return _told(scene, replace(blank(scene), **fields), f"promoted {candidate.name}", "promoted")


def failed(scene: Scene, weights: Weights, key: str, why: str, outcome: str = "failed") -> Progress:
    """A gate (or the create) failed: the goal is quarantined, the run is over."""
    entry = Quarantined(goal=scene.journey.goal, key=key, slot=scene.journey.slot, at=scene.now)
    ring = quarantine(scene.progress.quarantine, entry)
    kind: Kind = "failed" if scene.endpoint.weights == weights else "rolled_back"
    return _told(scene, replace(_ended(scene, weights), outcome=outcome, quarantine=ring), why, kind)


def gone_back(scene: Scene, weights: Weights, outcome: str, what: str) -> Progress:
    """A further step of the way back; its time counts from the failure."""
    return _told(scene, replace(blank(scene), written=weights, outcome=outcome), what, "rolled_back")


def given_back(scene: Scene, weights: Weights, what: str) -> Progress:
    """The run of another goal is over, and its weight is back where it came from."""
    return _told(scene, replace(_ended(scene, weights), outcome="superseded"), what, "superseded")


def held_outside(scene: Scene, weights: Weights, why: str) -> Progress:
    """A hand from outside: note what is there now, keep whose run it was, forget what was passed."""
    hold = Hold(kind="outside", why=why, goal=scene.release.goal, at=scene.now)
    fields: dict[str, Any] = {
        "hold": hold,
        "outcome": "failed" if scene.progress.outcome == "going_back" else scene.progress.outcome,
        "passed": (),
        "approvals": (),
        "written": weights,
        "since": scene.now,
    }
    return _told(scene, replace(blank(scene), **fields), why, "held")


def settled(scene: Scene, what: str) -> Progress:
    """What is promoted is not what was recorded (its deployment was deleted by hand): say who it is now."""
    mine = scene.progress.run
    over = mine is not None and scene.promoted is not None and mine.slot == scene.promoted.name
    fields: dict[str, Any] = {"former": None, "written": scene.endpoint.weights}
    if over:
        fields |= {"run": None, "passed": (), "approvals": (), "outcome": "complete", "since": scene.now}
    return _told(scene, replace(blank(scene), **fields), what)


def _told(scene: Scene, progress: Progress, what: str, kind: Kind = "") -> Progress:
    return remember(progress, scene.now, what, scene.release.provenance.get(ACTOR, ""), kind)


def _ended(scene: Scene, weights: Weights) -> Progress:
    fields: dict[str, Any] = {
        "run": _closed(scene),
        "passed": (),
        "approvals": (),
        "written": weights,
        "since": scene.now,
    }
    return replace(blank(scene), **fields)


def _closed(scene: Scene) -> Run | None:
    """The run that ends now; a run that was never recorded is, if there is a candidate to know again."""
    run = scene.run or (_started(scene) if scene.carries_goal else scene.progress.run)
    return None if run is None else replace(run, ended=True)


def _started(scene: Scene) -> Run:
    candidate, stable = scene.candidate, scene.stable
    return Run(
        goal=scene.journey.goal,
        slot=scene.journey.slot,
        born=(candidate.born or "") if candidate else "",
        content=candidate.content if candidate else "",
        total=stable.count if stable else 1,
        started=scene.now,
    )
