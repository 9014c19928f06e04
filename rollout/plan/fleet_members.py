"""What a fleet says about one member, as what the plan's own reading understands: overlays, and values of variables."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from rollout.errors import Fault
from rollout.plan.layered import Local, Patch
from rollout.plan.layers import PlanFile
from rollout.plan.positions import Path as Place
from rollout.plan.repository import Repository
from rollout.plan.variables import Used, kind

if TYPE_CHECKING:
    from rollout.plan.fleet_models import MemberModel


def local_of(file: PlanFile, at: Place, member: MemberModel, repository: Repository, faults: list[Fault]) -> Local:
    """The member at `at` of the fleet's file; `repository` is that of its plan."""
    written = _at(file.data, at)
    own = {key: written[key] for key in ("name", "target") if isinstance(written, dict) and written.get(key)}
    patches = [Patch(file.base, own, at)] if own else []
    if member.set is not None and not isinstance(member.set, dict):
        faults.append(file.fault("PLAN103", (*at, "set"), "`set` must be a mapping", expected="a mapping"))
    elif member.set:
        patches.insert(0, Patch(file.base, member.set, (*at, "set")))
    return Local(given=_given(file, at, member, repository, faults), patches=tuple(patches))


def _given(
    file: PlanFile, at: Place, member: MemberModel, repository: Repository, faults: list[Fault]
) -> dict[str, Used]:
    """Values by the variable's name, each with the line that says it."""
    found: dict[str, Used] = {}
    for name, value in member.variables.items():
        place = (*at, "variables", name)
        declared = repository.variables.get(name)
        if declared is None:
            known = sorted(repository.variables)
            close = difflib.get_close_matches(name[:80], known, 1)
            faults.append(
                file.fault(
                    "PLAN607",
                    place,
                    f"the variable `{name[:40]}` is not declared",
                    expected="one of " + ", ".join(known) if known else "a name below `variables:` in rollout.yaml",
                    hint=f"did you mean `{close[0]}`?" if close else "",
                    key=True,
                )
            )
            continue
        wanted = declared.type or (kind(declared.default) if declared.default is not None else "text")
        if kind(value) != wanted or value == "":
            faults.append(file.fault("PLAN607", place, f"`{value}` is not {_KINDS[wanted]}", expected=_KINDS[wanted]))
            continue
        line = file.fault("PLAN607", place, "").line
        found[name] = Used(name, value, f"{file.base.source.file}:{line}")
    return found


_KINDS = {"text": "text", "whole": "a whole number", "truth": "true or false"}


def _at(data: Any, path: Place) -> Any:
    for part in path:
        data = data[part]
    return data
