"""Cases for a policy: a plan (changed a little) or a moment, and what the policy is expected to say of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from rollout.core.policy import Policy, Rule, Shown
from rollout.core.policy_windows import closed
from rollout.core.promoted_from import refusals
from rollout.core.release import Release
from rollout.errors import Fault, PlanError
from rollout.plan.documents import merge_patch
from rollout.plan.layered import overlay_for
from rollout.plan.load import Inspection, inspect_plan
from rollout.plan.loader import Loaded, load_file
from rollout.plan.models import known_version
from rollout.plan.policy_models import Text, Texts
from rollout.plan.shapes import Duration, Strict, refuse
from rollout.plan.translate import faults_of


def _instant(value: Any) -> datetime:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        return refuse("PLAN118", f"`{value}` is no instant", expected="`2026-12-24T12:00Z`, or with an offset")
    return found.astimezone(UTC)


def _expectation(value: Any) -> Any:
    if value not in ("passes", "open", "closed") and not isinstance(value, Mapping):
        refuse("PLAN110", f"`{value}` is not known here", expected="passes, open, closed or {refused: [RULE]}")
    return value


class RefusedModel(Strict):
    """The rules that say no, by name: exactly these."""

    refused: Texts = Field(min_length=1, description="The names of the rules; a plan that loosens: POLICY120.")


class MomentModel(Strict):
    """A question to the windows."""

    at: Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string"})] = Field(
        description="When, as an instant: `2026-12-24T12:00Z`."
    )
    do: Literal["start", "advance", "delete"] = Field(default="advance", description="What is to be done then.")
    takes: Duration = Field(default=0.0, description="How long its bakes take.")


class CaseModel(Strict):
    """One case."""

    name: Text = Field(description="What it shows.")
    plan: Text = Field(description="The path of a plan.")
    environment: str | None = Field(default=None, description="The overlay to use, as `--environment`.")
    change: dict[str, Any] = Field(default={}, description="What is other in that plan (RFC 7386).")
    promoted: Texts = Field(
        default=(), description="Environments that have promoted this, long enough; `promoted_from` refuses without."
    )
    when: MomentModel | None = Field(default=None, description="Ask the windows instead of the rules.")
    expect: Annotated[Literal["passes", "open", "closed"] | RefusedModel, BeforeValidator(_expectation)] = Field(
        description="`passes` or `{refused: [RULE]}`; of a moment `open` or `closed`."
    )


class CasesModel(Strict):
    """A file of cases."""

    version: Annotated[int, BeforeValidator(known_version), WithJsonSchema({"const": 1})] = Field(
        description="The version of this language: 1."
    )
    kind: Literal["policy-tests"] = Field(description="What this file is.")
    cases: tuple[CaseModel, ...] = Field(strict=False, description="The cases.")


class Tried(msgspec.Struct, frozen=True):
    """A case, and what it came to: "" where that is what was expected."""

    name: str
    wrong: str = ""


def read_cases(path: Path) -> tuple[CaseModel, ...]:
    """The cases of a file. Raises PlanError with all its faults."""
    loaded: Loaded = load_file(path)
    if loaded.faults or not isinstance(loaded.data, dict):
        fault = loaded.source.fault("PLAN012", (), "the file is not a mapping", expected="`kind: policy-tests`")
        raise PlanError(loaded.faults or [fault])
    try:
        return CasesModel.model_validate(loaded.data).cases
    except ValidationError as error:
        raise PlanError(faults_of(error, CasesModel, loaded.data, loaded.source)) from error


def tried(case: CaseModel, folder: Path) -> Tried:
    """Whether the policy says what is expected. Raises PlanError where the case's plan has faults of its own."""
    plan = folder / case.plan
    overlay = overlay_for(plan, case.environment)
    try:
        found = inspect_plan(plan, overlay=overlay, text=_changed(plan, case.change))
    except PlanError as error:
        if any(fault.code != "POLICY120" for fault in error.faults):
            raise
        return Tried(case.name, _compared(case, {fault.code for fault in error.faults}, _told(error.faults)))
    if case.when is not None:
        return Tried(case.name, _at(case, case.when, found.loaded.release.policy))
    told = [f"{why} (rule `{rule.name}`)" for rule, why in _unshown(case, found.loaded.release)]
    told += _told(found.broken)
    names = _rules(found) | {rule.name for rule, _ in _unshown(case, found.loaded.release)}
    return Tried(case.name, _compared(case, names, told))


def _unshown(case: CaseModel, release: Release) -> list[tuple[Rule, str]]:
    """What `promoted_from` says where the case's environments have promoted it and no other one has."""
    policy = release.policy
    if policy is None:
        return []
    ever = max((one.seconds for rule in policy.rules for one in rule.limits.promoted_from), default=0.0)
    shown = tuple(Shown(environment=name, seconds=ever) for name in case.promoted)
    release = msgspec.structs.replace(release, policy=msgspec.structs.replace(policy, shown=shown))
    return list(refusals(release, None))


def _changed(plan: Path, change: Mapping[str, Any]) -> str | None:
    """The plan's text with the change, as JSON, which is YAML; None where there is none."""
    loaded = load_file(plan)
    return json.dumps(merge_patch(loaded.data, change)) if change and isinstance(loaded.data, dict) else None


def _rules(found: Inspection) -> set[str]:
    policy = found.loaded.release.policy
    names = [rule.name for rule in policy.rules] if policy else []
    return {name for name in names if any(f"(rule `{name}`, " in fault.expected for fault in found.broken)}


def _told(faults: Iterable[Fault]) -> list[str]:
    return [f"{fault.message}, {fault.expected}" for fault in faults]


def _compared(case: CaseModel, said: set[str], why: Iterable[str]) -> str:
    wanted = set(case.expect.refused) if isinstance(case.expect, RefusedModel) else set()
    if said == wanted:
        return ""
    told = "; ".join(why)
    expected = f"refused by {', '.join(sorted(wanted))}" if wanted else str(case.expect)
    return f"expected: {expected}; it is refused: {told}" if said else f"expected: {expected}; it passes"


def _at(case: CaseModel, moment: MomentModel, policy: Policy | None) -> str:
    shut = closed(policy, moment.do, moment.at, moment.takes) if policy is not None else None
    answer = "closed" if shut is not None else "open"
    if answer == case.expect:
        return ""
    return f"expected: {case.expect}; it is {shut.why if shut is not None else 'open'}"
