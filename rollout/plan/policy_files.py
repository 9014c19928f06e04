"""Finding and reading policies: every `policy.yaml` from the repository's root down to the plan, and the plan's own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import ValidationError

from rollout.errors import Fault, PlanError
from rollout.plan.layers import PlanFile
from rollout.plan.loader import load_file
from rollout.plan.positions import Path as Place
from rollout.plan.positions import Pointer, Source
from rollout.plan.repository import Repository, shown
from rollout.plan.translate import faults_of

if TYPE_CHECKING:
    from rollout.plan.policy_models import PlanPolicyModel, PolicyModel

FILE: Final = "policy.yaml"
KEY: Final = "policy"
"""Where a plan carries its own."""


class PolicyLayer(msgspec.Struct, frozen=True, kw_only=True):
    """One file with rules: `data` is what is written, `at` where its keys start in the file (a plan's own policy stands
    under `policy`)."""

    name: str
    pointer: Pointer
    model: PolicyModel | PlanPolicyModel
    data: Any = None
    at: Place = ()

    def where(self, *path: str | int) -> str:
        """`file:line:column` of what stands at that path."""
        fault = self.pointer.fault("", (*self.at, *path), "")
        return ":".join([fault.file, *(str(number) for number in (fault.line, fault.column) if number)])


def policy_files(repository: Repository, plan: Path) -> list[Path]:
    """The files that apply, the repository's root first. Where nobody knows the root, the nearest one."""
    try:
        start = plan.absolute().parent.resolve()
    except (OSError, ValueError, RuntimeError):
        return []
    found = []
    for folder in (start, *start.parents):
        if os.path.isfile(folder / FILE) and folder / FILE != start / plan.name:
            found.append(folder / FILE)
        if folder == repository.root or (repository.root is None and found):
            break
    return found[::-1]


def read_layers(plan: PlanFile, faults: list[Fault]) -> tuple[PolicyLayer, ...]:
    """Every policy that applies to the plan, the repository's first, the plan's own last; faults are collected."""
    files = policy_files(plan.repository, plan.path)
    if not files and KEY not in plan.data:
        return ()
    layers = [layer for file in files if (layer := read_policy(file, shown(file, plan.path), faults)) is not None]
    own = _own(plan, faults)
    return (*layers, own) if own is not None else tuple(layers)


def read_policy(file: Path, name: str, faults: list[Fault]) -> PolicyLayer | None:
    """One `policy.yaml`; None, and faults, where it is none."""
    from rollout.plan.policy_models import PolicyModel

    loaded = load_file(file, name)
    if loaded.faults or not isinstance(loaded.data, dict):
        faults.extend(loaded.faults or [_no_mapping(loaded.source)])
        return None
    model = _validated(PolicyModel, loaded.data, loaded.source, faults)
    return None if model is None else PolicyLayer(name=name, pointer=loaded.source, model=model, data=loaded.data)


def stop_of(plan: Path, repository: Repository) -> str:
    """Why the line is stopped now, as the files say; "" where it is not. Raises PlanError: a policy cannot be read."""
    faults: list[Fault] = []
    for file in policy_files(repository, plan):
        layer = read_policy(file, shown(file, plan), faults)
        if layer is not None and (why := getattr(layer.model, "stop_the_line", "")):
            return str(why)
    if faults:
        raise PlanError(faults)
    return ""


def _no_mapping(source: Source) -> Fault:
    return source.fault("PLAN012", (), "the file is not a mapping", expected="`version: 1` and `kind: policy`")


def _own(plan: PlanFile, faults: list[Fault]) -> PolicyLayer | None:
    if KEY not in plan.data:
        return None
    from rollout.plan.policy_models import PlanPolicyModel

    value = plan.data[KEY]
    if not isinstance(value, dict):
        faults.append(plan.fault("PLAN103", (KEY,), "this is no policy", expected="a mapping of limits"))
        return None
    model = _validated(PlanPolicyModel, value, _Inside(plan, (KEY,)), faults)
    if model is None:
        return None
    return PolicyLayer(name=str(plan.path), pointer=plan, model=model, data=value, at=(KEY,))


class _Inside(msgspec.Struct, frozen=True):
    """A pointer into a part of something."""

    whole: Pointer
    at: Place

    def fault(
        self, code: str, path: Place, message: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> Fault:
        """A fault at `path` of that part."""
        return self.whole.fault(code, (*self.at, *path), message, expected=expected, hint=hint, key=key)


def _validated(model: Any, data: Any, pointer: Pointer, faults: list[Fault]) -> Any:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults.extend(faults_of(error, model, data, pointer))
        return None
