"""The `az ml` documents that a plan names: read from a file, written inline, or a file with an overlay (`set`)."""

from __future__ import annotations

import os.path
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from rollout.errors import Fault
from rollout.plan import positions
from rollout.plan.layers import PlanFile
from rollout.plan.loader import load_file
from rollout.plan.positions import Pointer
from rollout.plan.repository import Repository


class Document(msgspec.Struct, frozen=True):
    """One endpoint or deployment as declared. Relative paths in `data` start from the folder of `origin`.

    `prefix` is where `data` stands in `source` (inline: in the plan). `patch` is the overlay, which stands at
    `patch_prefix` in `patch_source`.
    """

    data: Mapping[str, Any]
    source: Pointer
    origin: Path
    prefix: positions.Path = ()
    patch: Mapping[str, Any] | None = None
    patch_source: Pointer | None = None
    patch_prefix: positions.Path = ()
    repository: Repository = Repository()

    def fault(
        self, code: str, path: positions.Path, message: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> Fault:
        """A fault at `path` of the document, in whichever file says it."""
        source, prefix = self.source, self.prefix
        if self.patch_source is not None and _has(self.patch, path):
            source, prefix = self.patch_source, self.patch_prefix
        return source.fault(code, (*prefix, *path), message, expected=expected, hint=hint, key=key)

    @property
    def verbatim(self) -> bool:
        """Whether it is a file of its own, where no variable is replaced."""
        return not self.prefix

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self.origin.parent


def resolve(plan: PlanFile, at: positions.Path, value: Any, faults: list[Fault]) -> Document | None:
    """The document that the plan names at `at`; None (and faults) if it cannot be had."""
    if isinstance(value, str):
        return _from_file(plan, at, value, None, faults)
    if not isinstance(value, Mapping):
        return None
    if "file" not in value:
        data = _rebased(plan, at, value, plan.path.parent)
        return Document(data, plan, plan.path, prefix=at, repository=plan.repository)
    extra = sorted(set(value) - {"file", "set"})
    faults.extend(
        plan.fault(
            "PLAN101",
            (*at, key),
            f"unknown key `{key}` beside `file`",
            expected="file, set",
            key=True,
            hint=f"put `{key}` below `set`",
        )
        for key in extra
    )
    overlay = value.get("set")
    if overlay is not None and not isinstance(overlay, Mapping):
        faults.append(plan.fault("PLAN103", (*at, "set"), "`set` must be a mapping", expected="a mapping"))
        overlay = None
    return _from_file(plan, (*at, "file"), value["file"], overlay, faults)


def _from_file(
    plan: PlanFile, at: positions.Path, name: Any, overlay: Mapping[str, Any] | None, faults: list[Fault]
) -> Document | None:
    if not isinstance(name, str) or not name:
        faults.append(plan.fault("PLAN103", at, "this is not a path", expected="the path of an `az ml` file"))
        return None
    path = plan.folder(at) / name
    if not usable_file(plan, at, name, faults):
        return None
    loaded = load_file(path, os.path.normpath(path))
    faults.extend(loaded.faults)
    if not isinstance(loaded.data, dict):
        if not loaded.faults:
            faults.append(
                loaded.source.fault("PLAN012", (), "the file is not a mapping", expected="`key: value` lines")
            )
        return None
    if overlay is None:
        return Document(loaded.data, loaded.source, path, repository=plan.repository)
    place = (*at[:-1], "set")
    patch = _rebased(plan, place, overlay, path.parent)
    return Document(
        merge_patch(loaded.data, patch),
        loaded.source,
        path,
        patch=overlay,
        patch_source=plan,
        patch_prefix=place,
        repository=plan.repository,
    )


def usable_file(plan: PlanFile, at: positions.Path, name: str, faults: list[Fault]) -> bool:
    """Whether the plan may read the file that it names at `at`: it exists, is a plain file, and is the repository's."""
    path = plan.folder(at) / name
    kind = what_is(path)
    if kind != "file":
        message = f"`{name}` {_IS_NOT[kind]}"
        faults.append(plan.fault("PLAN303", at, message, expected=f"a file, relative to {plan.folder(at)}"))
    elif not plan.repository.holds(path):
        faults.append(plan.fault("PLAN308", at, leaves(name), expected="a file of the repository"))
    else:
        return True
    return False


def leaves(name: str) -> str:
    """The sentence about a path that is refused, whatever it leads to."""
    return f"`{name}` leaves the repository"


def merge_patch(data: Any, patch: Any) -> Any:
    """RFC 7386: mappings are merged, null removes, everything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(data) if isinstance(data, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


Kind = Literal["file", "folder", "nothing", "special"]
_IS_NOT: Final[Mapping[Kind, str]] = MappingProxyType(
    {"folder": "is a directory", "nothing": "does not exist", "special": "is not a plain file", "file": ""}
)


def what_is(path: Path) -> Kind:
    """What there is at a path, whatever the path looks like: names that no file system takes are nothing, pipes and
    devices (which could be read for ever) are special."""
    try:
        if path.is_dir():
            return "folder"
        return "file" if path.is_file() else "special" if path.exists() else "nothing"
    except (OSError, ValueError):
        return "nothing"


LOCAL_PATHS: tuple[positions.Path, ...] = (
    ("model", "path"),
    ("code_configuration", "code"),
    ("environment", "conda_file"),
    ("environment", "build", "path"),
)
"""Where a deployment may name local files."""


def is_local(value: Any) -> bool:
    """Whether that text is a local path rather than a reference or an address."""
    return (
        isinstance(value, str) and bool(value) and not value.startswith(("azureml:", "runs:/")) and "://" not in value
    )


def _rebased(plan: PlanFile, at: positions.Path, data: Mapping[str, Any], there: Path) -> Mapping[str, Any]:
    """Paths in `data`, which stands at `at` of the plan, start from the folder of the file that says them; in the
    document they start from the folder `there`."""
    moved: Any = data
    for path in LOCAL_PATHS:
        value = value_at(data, path)
        here = plan.folder((*at, *path))
        if is_local(value) and here != there and not Path(value).is_absolute():
            moved = _replaced(moved, path, Path(os.path.relpath(here / value, there)).as_posix())
    return dict(moved)


def value_at(data: Any, path: positions.Path) -> Any:
    """The value at a path, None if there is none."""
    for part in path:
        data = data.get(part) if isinstance(data, Mapping) else None
    return data


def _replaced(data: Mapping[str, Any], path: positions.Path, value: Any) -> dict[str, Any]:
    head, rest = str(path[0]), path[1:]
    return {**data, head: _replaced(data[head], rest, value) if rest else value}


def _has(data: Any, path: positions.Path) -> bool:
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return False
        data = data[part]
    return True
