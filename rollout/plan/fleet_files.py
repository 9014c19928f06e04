"""From the path of a fleet to its waves and the plan of every member, with every fault of all of them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from pydantic import ValidationError

from rollout.core.fleet import FleetPlan, Wave
from rollout.errors import Fault, PlanError
from rollout.plan.documents import usable_file
from rollout.plan.fleet_checks import by_endpoint, missing_plans, waiting_waves
from rollout.plan.fleet_members import local_of
from rollout.plan.layered import read_layer
from rollout.plan.layers import PlanFile
from rollout.plan.load import Inspection, LoadedPlan, in_order, inspect_plan, is_fleet
from rollout.plan.positions import Path as Place
from rollout.plan.repository import find_repository
from rollout.plan.translate import faults_of

if TYPE_CHECKING:
    from rollout.plan.fleet_models import FleetModel, MemberModel


def _no_overlay(plan: Path) -> Path | None:
    return None


class Inspected(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet with all that was found out about the plan of each member, by the member's name."""

    plan: FleetPlan
    path: Path
    members: Mapping[str, Inspection]
    file: PlanFile
    written: Mapping[str, Place]

    @property
    def loaded(self) -> Mapping[str, LoadedPlan]:
        """What is decided about."""
        return {name: found.loaded for name, found in self.members.items()}

    def fault_at(self, name: str, message: str) -> Fault:
        """The fault that a member's endpoint is there twice."""
        expected = "each endpoint once, each member with a name of its own"
        return self.file.fault("PLAN604", self.written[name], message, expected=expected)


def inspect_fleet(
    path: Path,
    *,
    commit: str = "",
    overlay_for: Callable[[Path], Path | None] = _no_overlay,
    environment: Mapping[str, str] = os.environ,
) -> Inspected:
    """The fleet at `path`. `overlay_for` says which overlay the command line wants for a plan.

    Raises PlanError with all faults of the fleet and of every plan of it.
    """
    faults: list[Fault] = []
    file = _file(path, environment, faults)
    model = _model(file, faults)
    if model is None:
        raise PlanError(in_order(faults))
    faults.extend(waiting_waves(file, model))
    faults.extend(missing_plans(file, model))
    found: list[tuple[Place, Inspection]] = []
    for at, member in members_of(model):
        inspection = _inspected(file, at, member, model.template, faults, commit, overlay_for, environment)
        if inspection is not None:
            found.append((at, inspection))
    faults.extend(by_endpoint(file, [(at, each.loaded) for at, each in found]))
    if faults:
        raise PlanError(in_order(faults))
    return Inspected(
        plan=_lowered(model, found),
        path=path,
        members={_name(each): each for _, each in found},
        file=file,
        written={_name(each): at for at, each in found},
    )


def plans_of(path: Path, environment: Mapping[str, str] = os.environ) -> frozenset[Path]:
    """The files of the plans that a fleet names, resolved; as far as the fleet can be read."""
    faults: list[Fault] = []
    try:
        model = _model(_file(path, environment, faults), faults)
    except PlanError:
        return frozenset()
    if model is None:
        return frozenset()
    named = [model.template, *(member.plan for _, member in members_of(model))]
    return frozenset((path.parent / name).resolve() for name in named if name)


def members_of(model: FleetModel) -> Iterator[tuple[Place, MemberModel]]:
    """Every member, with its place in the file."""
    for index, wave in enumerate(model.waves):
        for number, member in enumerate(wave.members):
            yield ("waves", index, "members", number), member


def _file(path: Path, environment: Mapping[str, str], faults: list[Fault]) -> PlanFile:
    repository = find_repository(path)
    if repository.faults:
        raise PlanError(repository.faults)
    layer = read_layer(path, repository, environment, faults)
    return PlanFile(layer, layer.data, repository)


def _model(file: PlanFile, faults: list[Fault]) -> FleetModel | None:
    from rollout.plan.fleet_models import FleetModel

    try:
        return FleetModel.model_validate(file.data)
    except ValidationError as error:
        faults.extend(faults_of(error, FleetModel, file.data, file))
        return None


def _inspected(
    file: PlanFile,
    at: Place,
    member: MemberModel,
    template: str | None,
    faults: list[Fault],
    commit: str,
    overlay_for: Callable[[Path], Path | None],
    environment: Mapping[str, str],
) -> Inspection | None:
    """The member's plan as it counts; None, and faults, where it is not valid."""
    name = member.plan or template
    place: Place = (*at, "plan") if member.plan else ("template",)
    if name is None or not usable_file(file, place, name, faults):
        return None
    path = Path(os.path.normpath(file.path.parent / name))
    if is_fleet(path):
        faults.append(file.fault("PLAN606", place, f"`{name}` is a fleet itself", expected="the path of a plan"))
        return None
    if member.overlay is not None and not usable_file(file, (*at, "overlay"), member.overlay, faults):
        return None
    try:
        overlay = file.path.parent / member.overlay if member.overlay else overlay_for(path)
        local = local_of(file, at, member, find_repository(path), faults)
        return inspect_plan(path, commit=commit, overlay=overlay, environment=environment, local=local)
    except PlanError as error:
        faults.extend(error.faults)
        return None


def _lowered(model: FleetModel, found: list[tuple[Place, Inspection]]) -> FleetPlan:
    names: dict[Any, list[str]] = {}
    for at, each in found:
        names.setdefault(at[1], []).append(_name(each))
    waves: list[Wave] = []
    for index, wave in enumerate(model.waves):
        before = (waves[-1].name,) if waves else ()
        waves.append(
            Wave(
                name=wave.name,
                members=tuple(names[index]),
                after=before if wave.after is None else wave.after,
                max_in_flight=wave.max_in_flight or model.max_in_flight,
                bake=wave.bake,
            )
        )
    return FleetPlan(
        name=model.name,
        waves=tuple(waves),
        error_budget=_budget(model.error_budget, len(found)),
        on_failure=model.on_failure,
    )


def _budget(written: str | int, members: int) -> int:
    """How many members may fail; a percentage is rounded down."""
    return members * int(written.removesuffix("%")) // 100 if isinstance(written, str) else written


def _name(found: Inspection) -> str:
    return found.loaded.release.name
