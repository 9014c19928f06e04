"""Warnings: what is allowed and probably not meant. Stable codes `LINT…`; a plan with warnings is valid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import msgspec

from rollout.core.release import AnyStage, Delete, Gate, GateKind, Role, Traffic
from rollout.errors import Fault
from rollout.plan import positions
from rollout.plan.documents import Document, is_local, value_at, what_is
from rollout.plan.durations import show_duration
from rollout.plan.layers import PlanFile
from rollout.plan.load import Inspection
from rollout.plan.loader import load_file

LARGEST_STEP: Final = 50
EMULATOR: Final = "00000000-0000-0000-0000-00000000e111"
"""The subscription of the local emulator."""

_REFERENCES: Final[tuple[positions.Path, ...]] = (
    ("model",),
    ("model", "path"),
    ("environment",),
    ("code_configuration", "code"),
)
_LABEL: Final = re.compile(r"@[A-Za-z][\w.-]*$|/labels/[^/]+$")
_PINNED: Final = re.compile(r"[=<>!~]=|(?<![<>!~])=[0-9v]| @ |://")
_NOT_PACKAGES: Final = ("-", ".", "/")

Placed = tuple[positions.Path, AnyStage]


def lint(found: Inspection, now: datetime) -> tuple[Fault, ...]:
    """All warnings about a good plan, in the order of its files. `now`: when is asked; windows are on the calendar."""
    placed = tuple(zip(found.ways.places, found.ways.stages, strict=True))
    warnings = [
        *_unwatched(found.plan, placed),
        *_short_bakes(found.plan, placed),
        *_large_steps(found.plan, placed),
        *_emulator(found),
        *_closed(found, now),
    ]
    for document in found.documents.values():
        warnings.extend(_labels(document))
        warnings.extend(_environment(document))
        warnings.extend(_variables(document))
    files = list(dict.fromkeys(fault.file for fault in warnings))
    marked = {msgspec.structs.replace(fault, severity="warning") for fault in warnings}
    return tuple(sorted(marked, key=lambda fault: (files.index(fault.file), fault.line, fault.column, fault.code)))


def _unwatched(plan: PlanFile, placed: tuple[Placed, ...]) -> Iterator[Fault]:
    """Traffic stages with no gate between them and the next traffic stage, or the deletion of stable."""
    moves = [(path, stage) for path, stage in placed if isinstance(stage, (Traffic, Gate)) or _ends(stage)]
    for (path, stage), (_, following) in pairwise(moves):
        if isinstance(stage, Traffic) and not isinstance(following, Gate):
            then = "stable is deleted" if isinstance(following, Delete) else f"it gets {_weight(following)} %"
            yield plan.fault(
                "LINT001",
                path,
                f"nothing watches the candidate at {stage.weight} % before {then}",
                expected="a gate behind it",
                hint="for example `- bake: 30m`",
            )


def _ends(stage: AnyStage) -> bool:
    """Whether the way back is gone after that stage at once."""
    return isinstance(stage, Delete) and stage.role is Role.STABLE and not stage.after


def _weight(stage: AnyStage) -> int:
    assert isinstance(stage, Traffic)
    return stage.weight


def _short_bakes(plan: PlanFile, placed: tuple[Placed, ...]) -> Iterator[Fault]:
    least = 2 * plan.repository.interval
    for path, stage in placed:
        if isinstance(stage, Gate) and stage.kind is GateKind.BAKE and stage.seconds < least:
            interval = show_duration(plan.repository.interval)
            yield plan.fault(
                "LINT002",
                positions.present(plan.data, (*path, "bake", "for")),
                f"a bake of {show_duration(stage.seconds)} with a reconcile interval of {interval}",
                expected=f"at least {show_duration(least)}",
            )


def _large_steps(plan: PlanFile, placed: tuple[Placed, ...]) -> Iterator[Fault]:
    before = 0
    for path, stage in placed:
        if isinstance(stage, Traffic):
            if stage.weight - before > LARGEST_STEP:
                yield plan.fault(
                    "LINT003",
                    (*path, "traffic"),
                    f"the candidate's weight rises from {before} to {stage.weight} at once",
                    expected=f"steps of at most {LARGEST_STEP}",
                )
            before = stage.weight


def _emulator(found: Inspection) -> Iterator[Fault]:
    target = found.loaded.target
    if target is not None and target.subscription_id.lower() == EMULATOR:
        hint = "give it on the command line: `--target emulator`"
        yield found.plan.fault("LINT006", ("target",), "the target is the local emulator", hint=hint)


def _closed(found: Inspection, now: datetime) -> Iterator[Fault]:
    """Stages that no freeze window ever lets begin."""
    policy = found.loaded.release.policy
    if policy is None or not policy.windows:
        return
    from rollout.core.policy_fit import unfit  # only where there are windows: start-up time

    for one in unfit(policy, found.ways.stages, now):
        takes = f", which takes {show_duration(one.seconds)} with the bakes behind it," if one.seconds else ""
        yield found.plan.fault(
            "LINT008",
            found.ways.places[one.index],
            f"no window lets this stage{takes} begin within a year: {one.activity}: {one.why}",
            expected="a shorter bake, or `fit: begin` at the window",
        )


def _labels(document: Document) -> Iterator[Fault]:
    for path in _REFERENCES:
        value = value_at(document.data, path)
        if isinstance(value, str) and not is_local(value) and (match := _LABEL.search(value)):
            yield document.fault(
                "LINT004", path, f"`{match[0].lstrip('/')}` is a label, which moves", expected="a version"
            )


def _environment(document: Document) -> Iterator[Fault]:
    environment = document.data.get("environment")
    if not isinstance(environment, Mapping):
        return
    image = environment.get("image")
    if isinstance(image, str) and "@sha256:" not in image:
        tag = image.rpartition("/")[2].partition(":")[2]
        if tag in ("", "latest"):
            what = "the tag `latest`" if tag else "no tag"
            yield document.fault(
                "LINT005",
                ("environment", "image"),
                f"the image has {what}: the next build may be another",
                expected="a version, or `@sha256:…`",
            )
    yield from _conda(document, environment.get("conda_file"))


def _conda(document: Document, value: Any) -> Iterator[Fault]:
    at = ("environment", "conda_file")
    if is_local(value) and what_is(document.folder / value) == "file":
        value = load_file(document.folder / value).data
    loose = [package for package in _packages(value) if not _PINNED.search(package)]
    if loose:
        shown = ", ".join(f"`{package[:40]}`" for package in loose[:5]) + (", …" if len(loose) > 5 else "")
        yield document.fault(
            "LINT005",
            at,
            f"packages without a version: {shown}",
            expected="`name=1.2` (conda), `name==1.2` (pip)",
        )


def _packages(conda: Any) -> Iterator[str]:
    """The packages of a conda file, those of pip too; options, files and pip itself left aside."""
    listed = conda.get("dependencies") if isinstance(conda, Mapping) else None
    for item in listed if isinstance(listed, list) else ():
        inner = item.get("pip") if isinstance(item, Mapping) else [item]
        for package in inner if isinstance(inner, list) else ():
            if isinstance(package, str) and package != "pip" and not package.startswith(_NOT_PACKAGES):
                yield package


def _variables(document: Document) -> Iterator[Fault]:
    """References to declared variables in files where nothing is replaced."""
    names = document.repository.variables
    if not names or not document.verbatim:
        return
    pattern = re.compile(r"\$\{(" + "|".join(map(re.escape, names)) + r")\}")
    for path, value in positions.leaves(document.data):
        if isinstance(value, str) and (match := pattern.search(value)):
            yield document.fault(
                "LINT007",
                path,
                f"`{match[0]}` is not replaced in an `az ml` file",
                hint="write it below `set` in the plan: {file: …, set: {…}}",
            )
