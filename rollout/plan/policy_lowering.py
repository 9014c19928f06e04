"""Policies as written → the policy of one plan: what applies to it, what it breaks, and where each rule is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from rollout.core.policy import (
    ACTIVITIES,
    ApprovalRule,
    BakeRule,
    GateRule,
    Limits,
    Policy,
    PromotedRule,
    Rule,
    Violation,
    Window,
)
from rollout.core.policy_check import violations
from rollout.core.release import GateKind, Release
from rollout.errors import Fault
from rollout.plan.policy_calendar import Expanded, Times, days_of
from rollout.plan.policy_cel import FALSE, UNKNOWN, as_data, evaluate, is_installed
from rollout.plan.policy_files import PolicyLayer
from rollout.plan.policy_loosening import loosened
from rollout.plan.policy_models import DeletesModel, LimitsModel, PlanPolicyModel, WindowModel

THE_PLANS: Final = "the plan's own"
"""What the rule is called that a plan carries itself."""
_LIMITS: Final = frozenset(LimitsModel.model_fields)
_TRIED: Final = 2024
"""A year to try calendars with."""


class Placed(msgspec.Struct, frozen=True):
    """A rule with where it stands: its file, and the keys that lead to its limits there."""

    rule: Rule
    model: LimitsModel
    layer: PolicyLayer
    at: tuple[str | int, ...]

    def where(self, limit: str) -> str:
        """`file:line:column` of one of its limits."""
        return self.layer.where(*self.at, limit)

    @property
    def written(self) -> dict[str, str]:
        """Each limit that it gives, with its value and the place of that."""
        entry = self.layer.data["rules"][self.at[1]] if self.at else self.layer.data
        given = [name for name in entry if name in _LIMITS]
        return {name: f"{json.dumps(entry[name], ensure_ascii=False)}  ({self.where(name)})" for name in given}

    @property
    def path(self) -> tuple[str | int, ...]:
        """The keys that lead to it from the file's beginning."""
        return (*self.layer.at, *self.at)


class Applying(msgspec.Struct, frozen=True):
    """All that applies to one plan, and what it breaks."""

    policy: Policy
    placed: tuple[Placed, ...]
    violations: tuple[Violation, ...]


def applying(layers: Sequence[PolicyLayer], release: Release, environment: str, faults: list[Fault]) -> Applying | None:
    """The policy of that release in that environment ("": not known, every rule applies). Loosening is a fault."""
    scope = (environment, release.endpoint.name)
    placed = tuple(found for layer in layers for found in _rules(layer, scope))
    faults.extend(fault for index, one in enumerate(placed) for fault in _looser(placed[:index], one))
    windows, times = _windows(layers, scope, faults)
    faults.extend(_no_library(placed))
    if faults:
        return None
    rules = tuple(one.rule for one in placed)
    found = (*violations(rules, release), *_expressions(placed, release, environment))
    policy = Policy(
        rules=rules,
        windows=windows,
        broken=tuple(sentence(one, placed, release) for one in found),
        stopped=next((why for layer in layers if (why := getattr(layer.model, "stop_the_line", ""))), ""),
        calendar=Expanded(times) if times else None,
    )
    return Applying(policy, placed, found)


def _no_library(placed: Sequence[Placed]) -> list[Fault]:
    """A fault for each rule with expressions that nobody here can evaluate."""
    message, hint = "expressions need a library for CEL", "pip install 'azureml-rollout[cel]'"
    wanting = [] if is_installed() else [one for one in placed if one.model.expressions]
    return [one.layer.pointer.fault("PLAN122", (*one.path, "expressions"), message, hint=hint) for one in wanting]


def _expressions(placed: Sequence[Placed], release: Release, environment: str) -> list[Violation]:
    """Those that are not true, and those that say nothing."""
    asked = [(index, each) for index, one in enumerate(placed) for each in one.model.expressions]
    if not asked:
        return []
    answers = evaluate([each.cel for _, each in asked], {"release": as_data(release, environment)})
    return [
        Violation(
            code=FALSE if answer is False else UNKNOWN,
            rule=index,
            message=(each.message or "this is not true") if answer is False else f"cannot be evaluated: {answer}",
            expected=each.cel,
            field="name",
            limit="expressions",
        )
        for (index, each), answer in zip(asked, answers, strict=True)
        if answer is not True
    ]


def sentence(wrong: Violation, placed: Sequence[Placed], release: Release) -> str:
    """A violation for people, with the rule's place."""
    rule = placed[wrong.rule]
    stage = f"stage {release.stages[wrong.stage].name}: " if wrong.stage is not None else ""
    return f"{stage}{wrong.message}, {wrong.expected} (rule `{rule.rule.name}`, {rule.where(wrong.limit)})"


def applies(environments: Sequence[str], endpoints: Sequence[str], scope: tuple[str, str]) -> bool:
    """Whether something with these patterns concerns that environment and endpoint."""
    environment, endpoint = scope
    here = not environments or not environment or any(fnmatchcase(environment, each) for each in environments)
    return here and (not endpoints or any(fnmatchcase(endpoint, each.lower()) for each in endpoints))


def _rules(layer: PolicyLayer, scope: tuple[str, str]) -> list[Placed]:
    model = layer.model
    if isinstance(model, PlanPolicyModel):
        rule = Rule(name=THE_PLANS, limits=limits_of(model), where=layer.where())
        return [Placed(rule, model, layer, ())]
    return [
        Placed(Rule(name=each.name, limits=limits_of(each), where=layer.where(*at)), each, layer, at)
        for index, each in enumerate(model.rules)
        for at in [("rules", index)]
        if applies(each.environments, each.endpoints, scope)
    ]


def limits_of(model: LimitsModel) -> Limits:
    """The limits in values of the core."""
    return Limits(
        first_weight=model.largest_first_weight,
        step=model.largest_step,
        bakes=tuple(BakeRule(seconds=each.for_, before=each.before) for each in model.shortest_bake),
        gates=tuple(GateRule(kind=GateKind(each.kind), before=each.before) for each in model.gates),
        approvals=tuple(ApprovalRule(before=each.before, by=each.by, other=each.other) for each in model.approvals),
        instance_types=model.instance_types,
        instances=model.most_instances,
        allowed_hazards=model.allowed_hazards,
        refused_hazards=model.refused_hazards,
        promoted_from=tuple(
            PromotedRule(environment=each.environment, seconds=each.baked) for each in model.promoted_from
        ),
        expressions=tuple(each.cel for each in model.expressions),
        deletes=model.deletes != "none",
        delete_after=model.deletes.after if isinstance(model.deletes, DeletesModel) else None,
    )


def _looser(before: Sequence[Placed], one: Placed) -> list[Fault]:
    """Where a later file says less than one before it. Rules of one file stand beside each other."""
    found = []
    for other in before:
        if other.layer is one.layer:
            continue
        for limit, what in loosened(other.rule.limits, one.rule.limits, one.model.model_fields_set):
            expected = f"what rule `{other.rule.name}` says ({other.where(limit)}), or stricter"
            found.append(one.layer.pointer.fault("POLICY120", (*one.path, limit), what, expected=expected))
    return found


def _windows(
    layers: Sequence[PolicyLayer], scope: tuple[str, str], faults: list[Fault]
) -> tuple[tuple[Window, ...], tuple[Times, ...]]:
    windows: list[Window] = []
    times: list[Times] = []
    for number, layer in enumerate(layers):
        for index, model in enumerate(layer.model.windows):
            wrong = _calendars(layer, index, model)
            faults.extend(wrong)
            if not wrong and applies(model.environments, model.endpoints, scope):
                windows.append(_window(layer, number, index, model))
                times.append(Times(model, layer.model.holidays))
    return tuple(windows), tuple(times)


def _window(layer: PolicyLayer, number: int, index: int, model: WindowModel) -> Window:
    calendars: Mapping[str, Any] = {
        name: layer.model.holidays[name].model_dump(mode="json") for name in (model.days, model.except_) if name
    }
    said = model.model_dump(mode="json", exclude={"name", "environments", "endpoints"}, exclude_none=True)
    return Window(
        name=model.name,
        opens=model.allow is not None,
        activities=tuple(each for each in ACTIVITIES if each in (model.allow or model.deny or ())),
        layer=number,
        whole=model.fit == "whole",
        says=msgspec.json.encode([said, calendars], order="deterministic").decode(),
        where=layer.where("windows", index),
    )


def _calendars(layer: PolicyLayer, index: int, model: WindowModel) -> list[Fault]:
    """Faults of the calendars that a window names."""
    found = []
    for key, name in (("days", model.days), ("except", model.except_)):
        path = (*layer.at, "windows", index, key)
        if name is not None and name not in layer.model.holidays:
            known = ", ".join(layer.model.holidays)
            expected = f"one of {known}" if known else "`holidays: {NAME: {dates: […]}}` in this file"
            found.append(layer.pointer.fault("PLAN121", path, f"there is no calendar `{name}`", expected=expected))
        elif name is not None:
            found += _usable(layer, name)
    return found


def _usable(layer: PolicyLayer, name: str) -> list[Fault]:
    path = (*layer.at, "holidays", name)
    try:
        days_of(layer.model.holidays[name], _TRIED)
    except LookupError as error:
        return [layer.pointer.fault("PLAN121", path, str(error.args[0]), expected="an ISO 3166 code")]
    except ImportError:
        hint = "pip install 'azureml-rollout[holidays]', or list the days under `dates`"
        message = "public holidays of countries need the package `holidays`"
        return [layer.pointer.fault("PLAN122", path, message, hint=hint)]
    return []
