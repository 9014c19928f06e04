"""A plan under its policies: the release with what applies to it, and what it breaks as faults with both places."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from rollout.core.policy import Violation
from rollout.core.release import Release, Role
from rollout.errors import Fault
from rollout.plan.documents import Document
from rollout.plan.layers import PlanFile
from rollout.plan.lowering import Ways
from rollout.plan.policy_files import read_layers
from rollout.plan.positions import Path as Place
from rollout.plan.positions import Pointer


class Governed(msgspec.Struct, frozen=True):
    """The release under its policy, a fault for each rule that the plan breaks, and what each rule says."""

    release: Release
    broken: tuple[Fault, ...] = ()
    limits: Mapping[str, Mapping[str, str]] = {}


def environment_of(overlay: Path | None) -> str:
    """The environment that an overlay stands for: the name of its file."""
    return overlay.stem if overlay is not None else ""


def under_policy(
    plan: PlanFile, release: Release, ways: Ways, documents: Mapping[str, Document], faults: list[Fault]
) -> Governed:
    """The release with the policy of its repository and its own. What is wrong with the policies goes to `faults`."""
    layers = read_layers(plan, faults)
    if not layers or faults:
        return Governed(release)
    from rollout.plan.policy_lowering import applying  # only where there is a policy: start-up time

    found = applying(layers, release, environment_of(plan.overlay.path if plan.overlay else None), faults)
    if found is None:
        return Governed(release)
    broken = []
    for wrong in found.violations:
        placed = found.placed[wrong.rule]
        pointer, place = _place(plan, ways, documents, wrong)
        expected = f"{wrong.expected} (rule `{placed.rule.name}`, {placed.where(wrong.limit)})"
        broken.append(pointer.fault(wrong.code, place, wrong.message, expected=expected))
    limits = {placed.rule.where: placed.written for placed in found.placed}
    return Governed(msgspec.structs.replace(release, policy=found.policy), tuple(broken), limits)


def _place(plan: PlanFile, ways: Ways, documents: Mapping[str, Document], wrong: Violation) -> tuple[Pointer, Place]:
    """Where in the files of the plan that stands which breaks a rule."""
    if wrong.stage is not None:
        return plan, ways.places[wrong.stage]
    role, _, field = wrong.field.partition(".")
    names = {Role.CANDIDATE: ways.cast.candidate or "candidate", Role.STABLE: ways.cast.stable}
    document = documents.get(names[Role(role)]) if role in (Role.CANDIDATE, Role.STABLE) else None
    return (document, (field,)) if document is not None else (plan, (wrong.field,))
