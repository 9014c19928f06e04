"""Reading a plan: its repository, its own file, its overlay; variables replaced, everything merged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import structs

from rollout.errors import Fault, PlanError
from rollout.plan.layers import Layer, PlanFile, overlaid
from rollout.plan.loader import load_file, load_text
from rollout.plan.positions import Path as Place
from rollout.plan.positions import Source
from rollout.plan.repository import Repository, find_repository
from rollout.plan.variables import Replacer, Used

OVERLAYS: Final = "overlays"
_SUFFIXES: Final = (".yml", ".yaml")


class Patch(msgspec.Struct, frozen=True):
    """An overlay that stands at `at` in another file."""

    layer: Layer
    data: Mapping[str, Any]
    at: Place


class Local(msgspec.Struct, frozen=True, kw_only=True):
    """What a fleet says of one member's plan: values for its variables, and overlays, the last one on top."""

    given: Mapping[str, Used] = {}
    patches: tuple[Patch, ...] = ()


NOTHING: Final = Local()


class _Surroundings(msgspec.Struct, frozen=True):
    """Where variables get their values."""

    repository: Repository
    environment: Mapping[str, str]
    given: Mapping[str, Used]


def overlay_for(plan: Path, environment: str | None) -> Path | None:
    """The overlay of that environment, None where none is asked for. Raises PlanError where it is not there."""
    return overlay_of(plan, environment) if environment else None


def overlay_of(plan: Path, name: str) -> Path:
    """The overlay of an environment: `overlays/NAME.yml` beside the plan. Raises PlanError where there is none."""
    folder = plan.parent / OVERLAYS
    for suffix in _SUFFIXES:
        if (folder / f"{name}{suffix}").is_file():
            return folder / f"{name}{suffix}"
    there = sorted({path.stem for suffix in _SUFFIXES for path in folder.glob(f"*{suffix}")})
    fault = Source(str(folder / f"{name}.yml")).fault(
        "PLAN001",
        (),
        f"there is no overlay for the environment `{name}`",
        expected="one of " + ", ".join(there) if there else f"a file in {folder}",
    )
    raise PlanError([fault])


def read_plan(
    path: Path,
    overlay: Path | None,
    environment: Mapping[str, str],
    faults: list[Fault],
    text: str | None = None,
    local: Local = NOTHING,
) -> PlanFile:
    """The plan as it counts; `text` stands for what the file holds.

    Raises PlanError if a file cannot be read as a mapping; other faults are collected.
    """
    repository = find_repository(path)
    if repository.faults:
        raise PlanError(repository.faults)
    surroundings = _Surroundings(repository, environment, local.given)
    base = _layer(path, surroundings, faults, text)
    plan = PlanFile(base, base.data, repository)
    if overlay is not None:
        top = _layer(overlay, surroundings, faults)
        _check_head(top, faults)
        data, origins = overlaid(base, top, faults)
        plan = PlanFile(base, data, repository, top, origins)
    for patch in local.patches:
        plan = plan.patched(patch.layer, patch.data, patch.at, faults)
    return _with_defaults(plan)


def _with_defaults(plan: PlanFile) -> PlanFile:
    """The plan with the repository's defaults for what neither it nor its overlay says."""
    repository = plan.repository
    if repository.source is None or repository.file is None or not repository.defaults:
        return plan
    layer = Layer(repository.file, repository.source, repository.data)
    literal = "deployments" in plan.data
    given = {
        key: value
        for key, value in repository.defaults.items()
        if value is not None and key not in plan.data and not (literal and key == "slots")
    }
    places = {(key,): (layer, ("defaults", key)) for key in given}
    return structs.replace(plan, data={**plan.data, **given}, origins={**plan.origins, **places})


def read_layer(path: Path, repository: Repository, environment: Mapping[str, str], faults: list[Fault]) -> Layer:
    """One file, its variables replaced. Raises PlanError if it cannot be read as a mapping."""
    return _layer(path, _Surroundings(repository, environment, {}), faults)


def _layer(path: Path, around: _Surroundings, faults: list[Fault], text: str | None = None) -> Layer:
    if not around.repository.holds(path):
        raise PlanError([Source(str(path)).fault("PLAN308", (), "this link leaves the repository")])
    loaded = load_file(path) if text is None else load_text(text, str(path))
    if not isinstance(loaded.data, dict):
        found = list(loaded.faults) or [
            loaded.source.fault("PLAN012", (), "the file is not a mapping", expected="`version: 1` and more")
        ]
        raise PlanError(found)
    faults.extend(loaded.faults)
    replacer = Replacer(loaded.source, around.repository, around.environment, faults, around.given)
    return Layer(path, loaded.source, replacer.replace(loaded.data), replacer.used)


def _check_head(top: Layer, faults: list[Fault]) -> None:
    """An overlay says what it is."""
    if top.data.get("kind") != "overlay":
        faults.append(top.source.fault("PLAN111", ("kind",), "this file is no overlay", expected="`kind: overlay`"))
    version = top.data.get("version")
    if version != 1 or isinstance(version, bool):
        faults.append(
            top.source.fault("PLAN111", ("version",), f"version `{version}` is not known", expected="version: 1")
        )
