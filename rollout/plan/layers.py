"""A plan and its overlay as one tree: RFC 7386 on mappings, lists replaced, stages addressed by name; and which file
says what."""

from __future__ import annotations

import difflib
import pathlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rollout.errors import Fault
from rollout.plan.positions import MAX_FAULTS, Path, Source
from rollout.plan.repository import Repository
from rollout.plan.variables import Used

_STAGE_LISTS: Final = (("stages",), ("bootstrap",))
_HEAD: Final = ("version", "kind")
"""What an overlay says about itself."""


class Layer(msgspec.Struct, frozen=True):
    """One file: where it lies, its text with positions, its data, and the variables used at each place."""

    path: pathlib.Path
    source: Source
    data: Any
    used: Mapping[Path, tuple[Used, ...]] = {}


Origins = Mapping[Path, tuple[Layer, Path]]
"""For places of the merged tree: the file that says it, and where. A place that is not listed is as its parent."""


class PlanFile(msgspec.Struct, frozen=True):
    """The plan as it counts: its own file, changed by the overlay if there is one."""

    base: Layer
    data: dict[str, Any]
    repository: Repository = Repository()
    overlay: Layer | None = None
    origins: Origins = {}

    @property
    def path(self) -> pathlib.Path:
        """The plan's own file."""
        return self.base.path

    def where(self, path: Path) -> tuple[Layer, Path]:
        """The file that says what is at `path`, and the place there."""
        if self.origins:
            for length in range(len(path), -1, -1):
                found = self.origins.get(path[:length])
                if found is not None:
                    return found[0], (*found[1], *path[length:])
        return self.base, path

    def folder(self, path: Path) -> pathlib.Path:
        """Where a relative path that is written at `path` starts: the folder of the file that says it."""
        return self.where(path)[0].path.parent

    def fault(
        self, code: str, path: Path, message: str, *, expected: str = "", hint: str = "", key: bool = False
    ) -> Fault:
        """A fault at `path`, in the file that says it."""
        layer, inside = self.where(path)
        return layer.source.fault(code, inside, message, expected=expected, hint=hint, key=key)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The files of the plan, its own first."""
        return (self.base,) if self.overlay is None else (self.base, self.overlay)

    def patched(self, layer: Layer, patch: Mapping[str, Any], at: Path, faults: list[Fault]) -> PlanFile:
        """The plan with one more overlay: `patch`, which stands at `at` in the file `layer`."""
        merger = _Merger(self.base, layer, faults)
        data = merger.merge((), self.data, (), patch, at)
        merger.origins[()] = (self.base, ())
        return msgspec.structs.replace(self, data=data, origins=self._beneath(merger.origins))

    def _beneath(self, origins: Origins) -> Origins:
        """Origins of which those in our own file are places of this plan, which has origins of its own."""
        found: dict[Path, tuple[Layer, Path]] = {}
        for path, (layer, inside) in origins.items():
            mine = layer is self.base
            found[path] = self.where(inside) if mine else (layer, inside)
            if mine and path:
                below = {(*path, *old[len(inside) :]): at for old, at in self.origins.items() if _below(old, inside)}
                found |= {place: at for place, at in below.items() if place not in origins}
        return found


def _below(path: Path, top: Path) -> bool:
    return len(path) > len(top) and path[: len(top)] == top


def overlaid(base: Layer, overlay: Layer, faults: list[Fault]) -> tuple[dict[str, Any], Origins]:
    """The plan's data with the overlay's on top, and the origin of everything. Both must be mappings."""
    merger = _Merger(base, overlay, faults)
    patch = {key: value for key, value in overlay.data.items() if key not in _HEAD}
    merged = merger.merge((), base.data, (), patch, ())
    merger.origins[()] = (base, ())
    return merged, merger.origins


class _Merger(msgspec.Struct):
    """One merge; the origins are collected on the way."""

    base: Layer
    overlay: Layer
    faults: list[Fault]
    origins: dict[Path, tuple[Layer, Path]] = {}

    def merge(self, at: Path, below: Any, below_at: Path, patch: Any, patch_at: Path) -> Any:
        """What stands at `at`: `below` (at `below_at` in the plan) changed by `patch` (at `patch_at` of the other)."""
        self.origins[at] = (self.overlay, patch_at)
        if not isinstance(patch, Mapping):
            return patch
        if at in _STAGE_LISTS and isinstance(below, list):
            return self._stages(at, below, below_at, patch, patch_at)
        if isinstance(below, str) and (at in (("endpoint",), ("candidate",)) or at[:-1] == ("deployments",)):
            below, below_at = {"file": below}, (*below_at, "file")
            # The short form `candidate: FILE` is `candidate: {file: FILE}`: its place is that of the text itself.
            self.origins[(*at, "file")] = (self.base, below_at[:-1])
            return self._mapping(at, below, None, patch, patch_at)
        return self._mapping(at, below if isinstance(below, Mapping) else {}, below_at, patch, patch_at)

    def _mapping(
        self, at: Path, below: Mapping[str, Any], below_at: Path | None, patch: Mapping[str, Any], patch_at: Path
    ) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for key, value in below.items():
            if key not in patch:
                merged[key] = value
                if below_at is not None:
                    self.origins[(*at, key)] = (self.base, (*below_at, key))
            elif patch[key] is not None:
                place = (*(below_at or ()), key)
                merged[key] = self.merge((*at, key), value, place, patch[key], (*patch_at, key))
        for key, value in patch.items():
            if key not in below and value is not None:
                merged[key] = self.merge((*at, key), None, (), value, (*patch_at, key))
        return merged

    def _stages(
        self, at: Path, below: list[Any], below_at: Path, patch: Mapping[str, Any], patch_at: Path
    ) -> list[Any]:
        self._unknown(below, patch, patch_at)
        merged: list[Any] = []
        for index, stage in enumerate(below):
            name = _name(stage)
            place, old = (*at, len(merged)), (*below_at, index)
            if name not in patch:
                self.origins[place] = (self.base, old)
                merged.append(stage)
            elif patch[name] is not None:
                merged.append(self.merge(place, stage, old, patch[name], (*patch_at, name)))
        self.origins[at] = (self.base, below_at)
        return merged

    def _unknown(self, below: list[Any], patch: Mapping[str, Any], patch_at: Path) -> None:
        names = [name for name in map(_name, below) if name]
        for key, value in patch.items():
            if len(self.faults) > MAX_FAULTS:  # each must be found in the text again: more are not shown anyway
                return
            wrong = ""
            if key not in names:
                wrong = f"the plan has no stage called `{key}`"
            elif value is not None and not isinstance(value, Mapping):
                wrong = f"`{key}` must be a mapping that changes the stage, or `null` that removes it"
            if wrong:
                close = difflib.get_close_matches(key[:80], names, 1) if key not in names else []
                self.faults.append(
                    self.overlay.source.fault(
                        "PLAN116",
                        (*patch_at, key),
                        wrong,
                        expected="one of " + ", ".join(names) if names else "a stage with a `name`",
                        hint=f"did you mean `{close[0]}`?" if close else "",
                        key=True,
                    )
                )


def _name(stage: Any) -> str:
    found = stage.get("name") if isinstance(stage, Mapping) else None
    return found if isinstance(found, str) else ""
