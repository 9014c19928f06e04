"""`rollout.yaml`, the repository's configuration, and the repository itself: what a plan may use, and where it ends."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec
from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from rollout.errors import Fault
from rollout.plan.loader import load_file
from rollout.plan.models import TargetModel, known_version
from rollout.plan.positions import Source
from rollout.plan.shapes import Duration, Shorthand, Strict, refuse
from rollout.plan.translate import faults_of

FILE: Final = "rollout.yaml"
DEFAULT_INTERVAL: Final = 300.0
"""Seconds; the shortest schedule of the usual CI services."""

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LONGEST: Final = 1000
"""Characters of a variable's value."""
_SECRET: Final = re.compile(
    r"SECRET|TOKEN|PASSW|PWD|CREDENTIAL|PRIVATE|CONNECTION_?STRING|(?:^|_)(?:SAS|PAT|API_?KEY|KEY)(?:$|_)",
    re.IGNORECASE,
)


def _variable_name(value: Any) -> str:
    if not VARIABLE.match(str(value)):
        refuse("PLAN108", f"`{value}` is not a name for a variable", expected="letters, digits and underscores")
    return str(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, int, bool)) or len(str(value)[: LONGEST + 1]) > LONGEST:
        refuse(
            "PLAN103",
            "this is not a value for a variable",
            expected=f"text of at most {LONGEST} characters, a whole number, true or false",
        )
    return value


def _no_secret(value: Any) -> Any:
    if isinstance(value, str) and _SECRET.search(value):
        refuse(
            "PLAN115",
            f"`{value}` is called like a secret",
            expected="a variable that everybody may see",
            hint="values of variables are shown in pull requests",
        )
    return value


class VariableModel(Shorthand):
    """A name that plans may use as `${NAME}`; everybody who reads the plan sees its value."""

    shorthand: ClassVar[str] = "default"

    default: Annotated[
        Any, BeforeValidator(_scalar), WithJsonSchema({"type": ["string", "integer", "boolean"], "maxLength": LONGEST})
    ] = Field(default=None, description="The value where the environment gives none.")
    from_env: Annotated[str | None, BeforeValidator(_no_secret)] = Field(
        default=None, description="The environment variable that gives the value, if it is set and not empty."
    )
    type: Literal["text", "whole", "truth"] | None = Field(
        default=None, description="What the value is; by default what `default` is, else text."
    )
    description: str | None = Field(default=None, description="What it is for.")


class DefaultsModel(Strict):
    """What plans need not repeat."""

    target: TargetModel | None = Field(default=None, description="The workspace of plans that name none.")


class ReconcileModel(Strict):
    """How this repository runs `rollout reconcile`."""

    interval: Duration = Field(default=DEFAULT_INTERVAL, description="The time between two runs; for warnings.")


class RepositoryModel(Strict):
    """The configuration of a repository: `rollout.yaml`, found upwards from the plan."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        default=1, description="The version of this language: 1."
    )
    variables: dict[Annotated[str, BeforeValidator(_variable_name)], VariableModel] = Field(
        default={}, description="The names that plans and overlays may use as `${NAME}`: a value, or an object."
    )
    defaults: DefaultsModel = Field(default=DefaultsModel.model_construct(), description="For plans that say none.")
    reconcile: ReconcileModel = Field(
        default=ReconcileModel.model_construct(), description="The schedule of `rollout reconcile`."
    )


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a plan. `root` is None where neither `.git` nor `rollout.yaml` says where the repository ends."""

    root: Path | None = None
    source: Source | None = None
    model: RepositoryModel | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def variables(self) -> Mapping[str, VariableModel]:
        """The declared variables."""
        return self.model.variables if self.model else {}

    @property
    def interval(self) -> float:
        """Seconds between two runs of `rollout reconcile`."""
        return self.model.reconcile.interval if self.model else DEFAULT_INTERVAL

    def holds(self, path: Path) -> bool:
        """Whether the file behind `path`, links followed, belongs to the repository."""
        try:
            return self.root is None or path.resolve().is_relative_to(self.root)
        except (OSError, ValueError, RuntimeError):
            return True  # not usable as a path at all: reported as missing


def find_repository(plan: Path) -> Repository:
    """The repository of the plan at that path; its configuration's faults are in `faults`."""
    try:
        start = plan.absolute().parent.resolve()
    except (OSError, ValueError, RuntimeError):
        return Repository()
    found = None
    for folder in (start, *start.parents):
        if found is None and (folder / FILE).is_file() and folder / FILE != start / plan.name:
            found = folder / FILE
        if (folder / ".git").exists():
            return _read(folder, found, plan)
    return _read(found.parent if found else None, found, plan)


def _read(root: Path | None, file: Path | None, plan: Path) -> Repository:
    if file is None:
        return Repository(root=root)
    loaded = load_file(file, shown(file, plan))
    if loaded.faults or not isinstance(loaded.data, dict):
        faults = loaded.faults or (
            loaded.source.fault("PLAN012", (), "the file is not a mapping", expected="`variables:`, for example"),
        )
        return Repository(root=root, source=loaded.source, faults=tuple(faults))
    try:
        model = RepositoryModel.model_validate(loaded.data)
    except ValidationError as error:
        wrong = faults_of(error, RepositoryModel, loaded.data, loaded.source)
        return Repository(root=root, source=loaded.source, faults=tuple(wrong))
    return Repository(root=root, source=loaded.source, model=model)


def shown(file: Path, plan: Path) -> str:
    """A file's name for people: as the plan's path was given, relative or absolute."""
    if plan.is_absolute():
        return str(file)
    try:
        return str(file.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)
