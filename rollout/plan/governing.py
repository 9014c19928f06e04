"""A plan under its policies: the release with what applies to it, and what it breaks as faults with both places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from rollout.core.policy import Policy, Rule, Violation
from rollout.core.release import Release, Role
from rollout.errors import Fault
from rollout.plan.documents import Document
from rollout.plan.layers import PlanFile
from rollout.plan.lowering import Ways
from rollout.plan.policy_files import read_layers
from rollout.plan.positions import Path as Place
from rollout.plan.positions import Pointer

if TYPE_CHECKING:  # only where there is a policy: start-up time
    from rollout.plan.policy_lowering import Placed


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
    names, asked = _environments(plan)
    if unknown := tuple(_unknown(found.placed, names)):
        faults.extend(unknown)
        return Governed(release)
    broken = []
    for wrong in found.violations:
        placed = found.placed[wrong.rule]
        pointer, place = _place(plan, ways, documents, wrong)
        expected = f"{wrong.expected} (rule `{placed.rule.name}`, {placed.where(wrong.limit)})"
        broken.append(pointer.fault(wrong.code, place, wrong.message, expected=expected))
    limits = {placed.rule.where: placed.written for placed in found.placed}
    policy = asked_of(found.policy, asked)
    return Governed(msgspec.structs.replace(release, policy=policy), tuple(broken), limits)


def _environments(plan: PlanFile) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names in `rollout.yaml`, and those that this plan may be asked about: an environment is never asked whether
    itself, or one behind it, has promoted something first."""
    repository, overlay = plan.repository, plan.overlay.path if plan.overlay else None
    names = tuple(one.name for one in repository.environments)
    home = repository.file.parent if repository.file else Path()
    mine = (plan.path.resolve(), overlay.resolve() if overlay else None)
    for index, one in enumerate(repository.environments):
        if mine == ((home / one.plan).resolve(), (home / one.overlay).resolve() if one.overlay else None):
            return names, names[:index]
    return names, names


def _unknown(placed: Sequence[Placed], names: Sequence[str]) -> Iterator[Fault]:
    """A fault for each environment that a rule asks about and nobody has declared."""
    expected = f"one of {', '.join(names)}" if names else "`environments:` in rollout.yaml"
    for one in placed:
        for rule in one.rule.limits.promoted_from:
            if rule.environment not in names:
                message = f"there is no environment `{rule.environment}`"
                yield one.layer.pointer.fault("PLAN125", (*one.path, "promoted_from"), message, expected=expected)


def asked_of(policy: Policy, asked: Sequence[str]) -> Policy:
    """The policy without questions about other environments than these."""
    return msgspec.structs.replace(policy, rules=tuple(_narrowed(rule, asked) for rule in policy.rules))


def _narrowed(rule: Rule, asked: Sequence[str]) -> Rule:
    kept = tuple(one for one in rule.limits.promoted_from if one.environment in asked)
    if kept == rule.limits.promoted_from:
        return rule
    return msgspec.structs.replace(rule, limits=msgspec.structs.replace(rule.limits, promoted_from=kept))


def _place(plan: PlanFile, ways: Ways, documents: Mapping[str, Document], wrong: Violation) -> tuple[Pointer, Place]:
    """Where in the files of the plan that stands which breaks a rule."""
    if wrong.stage is not None:
        return plan, ways.places[wrong.stage]
    role, _, field = wrong.field.partition(".")
    names = {Role.CANDIDATE: ways.cast.candidate or "candidate", Role.STABLE: ways.cast.stable}
    document = documents.get(names[Role(role)]) if role in (Role.CANDIDATE, Role.STABLE) else None
    return (document, (field,)) if document is not None else (plan, (wrong.field,))
