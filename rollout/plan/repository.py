"""`rollout.yaml`, the repository's configuration, and the repository itself: what a plan may use, and where it ends."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from pydantic import ValidationError

from rollout.core.notices import Rule
from rollout.core.release import Release
from rollout.errors import Fault
from rollout.plan.loader import load_file
from rollout.plan.positions import Source
from rollout.plan.translate import faults_of

if TYPE_CHECKING:
    from rollout.plan.environments import EnvironmentModel
    from rollout.plan.repository_model import RepositoryModel, VariableModel

FILE: Final = "rollout.yaml"
DEFAULT_INTERVAL: Final = 300.0
"""Seconds; the shortest schedule of the usual CI services."""

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
LONGEST: Final = 1000
"""Characters of a variable's value."""


class Repository(msgspec.Struct, frozen=True, kw_only=True):
    """What surrounds a plan. `root` is None where neither `.git` nor `rollout.yaml` says where the repository ends."""

    root: Path | None = None
    file: Path | None = None
    source: Source | None = None
    data: Mapping[str, Any] = {}
    model: RepositoryModel | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def variables(self) -> Mapping[str, VariableModel]:
        """The declared variables."""
        return self.model.variables if self.model else {}

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What plans need not repeat, as it is written."""
        return self.data.get("defaults") or {}

    @property
    def interval(self) -> float:
        """Seconds between two runs of `rollout reconcile`."""
        return self.model.reconcile.interval if self.model else DEFAULT_INTERVAL

    @property
    def environments(self) -> tuple[EnvironmentModel, ...]:
        """The environments, in the order in which a goal goes through them."""
        return self.model.environments if self.model else ()

    @property
    def receivers(self) -> tuple[Rule, ...]:
        """Who is told of what happens here."""
        return tuple(one.rule() for one in self.model.notifications) if self.model else ()

    def governed(self, release: Release) -> Release:
        """The release under this repository's policy."""
        if self.model is None:
            return release
        refused = dict.fromkeys((*release.refuse_hazards, *self.model.refuse_hazards))
        return msgspec.structs.replace(release, allow_hazards=self.model.allow_hazards, refuse_hazards=tuple(refused))

    def holds(self, path: Path) -> bool:
        """Whether the file behind `path`, links followed, belongs to the repository."""
        try:
            return self.root is None or _below(os.path.realpath(path), str(self.root))
        except (OSError, ValueError, RuntimeError):
            return True  # not usable as a path at all: reported as missing


def _below(real: str, root: str) -> bool:
    """Whether a real path is `root` or in it. On text: this is asked for every file that a plan names."""
    return real == root or real.startswith(root.rstrip(os.sep) + os.sep)


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
    from rollout.plan.repository_model import RepositoryModel  # only where there is such a file: start-up time

    try:
        model = RepositoryModel.model_validate(loaded.data)
    except ValidationError as error:
        wrong = map(_hushed, faults_of(error, RepositoryModel, loaded.data, loaded.source))
        return Repository(root=root, source=loaded.source, faults=tuple(wrong))
    return Repository(root=root, file=file, source=loaded.source, data=loaded.data, model=model)


def _hushed(fault: Fault) -> Fault:
    """Without the line: an address with its secret may stand there."""
    return msgspec.structs.replace(fault, snippet="") if fault.path.startswith("notifications") else fault


def shown(file: Path, plan: Path) -> str:
    """A file's name for people: as the plan's path was given, relative or absolute."""
    if plan.is_absolute():
        return str(file)
    try:
        return str(file.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(file)
