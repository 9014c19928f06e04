"""A plan of faults for the emulator: a YAML or JSON file, read with the place of everything that is wrong in it.

- preset: image-build-failure
- {preset: throttled, times: 3}
- {method: PUT, path: /onlineEndpoints/, nth: 2, effect: {kind: status, status: 503}}
"""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import Any, Final

import msgspec

from rollout import errors
from rollout.emulator.faults import Fault
from rollout.emulator.presets.all import PRESETS
from rollout.errors import PlanError
from rollout.plan.loader import load_file
from rollout.plan.positions import Source

_PLACE: Final = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<at>.*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\.(\w+)|\[(\d+)\]")
_WRONG: Final = "PLAN104"
_UNKNOWN: Final = "PLAN101"


def read(path: Path) -> list[Fault]:
    """The faults of a plan, in order. Raises PlanError with everything that is wrong."""
    loaded = load_file(path)
    if loaded.faults:
        raise PlanError(loaded.faults)
    wrong: list[errors.Fault] = []
    found: list[Fault] = []
    if not isinstance(loaded.data, list):
        raise PlanError([loaded.source.fault(_WRONG, (), "this is not a list", expected="a list of faults")])
    for number, entry in enumerate(loaded.data):
        try:
            found.append(_one(entry))
        except ValueError as error:
            wrong.append(_told(loaded.source, number, str(error)))
    if wrong:
        raise PlanError(wrong)
    return found


def _one(entry: Any) -> Fault:
    """One fault, or a preset with changes. Raises `ValueError`, in msgspec's form, for what is wrong."""
    if isinstance(entry, dict) and "preset" in entry:
        changed = {key: value for key, value in entry.items() if key != "preset"}
        base = msgspec.to_builtins(preset(str(entry["preset"])))
        entry = {**base, **changed}
    fault = msgspec.convert(entry, Fault)
    try:
        fault.in_force()
    except re.error as error:
        raise ValueError(f"Not a regular expression: {error}") from error
    return fault


def preset(name: str) -> Fault:
    """The fault of a preset. Raises `ValueError`, with the nearest name, if there is none."""
    found = PRESETS.get(name)
    if found is None:
        near = difflib.get_close_matches(name, PRESETS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"There is no preset {name!r}{hint} - at `$.preset`")
    return found.fault


def _told(source: Source, number: int, text: str) -> errors.Fault:
    """What msgspec says, at its place in the file."""
    match = _PLACE.fullmatch(text)
    assert match is not None, "the pattern fits everything"
    steps = [name if name else int(index) for name, index in _STEP.findall(match["at"] or "")]
    if extra := re.search(r"unknown field `(\w+)`", text):
        known = ", ".join(field.name for field in msgspec.structs.fields(Fault)) if not steps else ""
        path = (number, *steps, extra[1])
        return source.fault(_UNKNOWN, path, f"nobody knows `{extra[1]}`", expected=known, key=True)
    return source.fault(_WRONG, (number, *steps), match["what"][:1].lower() + match["what"][1:])
