"""What the state of an alert rule of Azure Monitor says about a stage: has it fired since the stage began?

An alert has a beginning and, once its condition is not met any more, an end. What began before the candidate got its
first request is not the candidate's fault, and while it goes on nothing can be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from rollout.core.gate_bodies import Alert, short
from rollout.core.verdict import Outcome, Verdict

DELAY: Final = timedelta(minutes=2)
"""So long after a rule has looked its alert may still be on its way (nothing is documented; on the safe side)."""


class Firing(msgspec.Struct, frozen=True, gc=False):
    """One alert of a rule: when it fired, when that was over (None: it goes on), and about which resource."""

    fired: datetime
    resolved: datetime | None = None
    target: str = ""


class Rule(msgspec.Struct, frozen=True, gc=False):
    """An alert rule as it is now, and all its alerts of the time that was asked for. `every` is how often it looks."""

    id: str
    enabled: bool
    every: timedelta = timedelta(minutes=1)
    firings: tuple[Firing, ...] = ()


class Stage(msgspec.Struct, frozen=True, gc=False):
    """The time in question: the first exposure, the stage's own beginning, and its planned end."""

    exposed: datetime
    since: datetime
    end: datetime


def judge(alert: Alert, rule: Rule, stage: Stage, now: datetime) -> Verdict:
    """What that rule says about the stage now."""
    name = f"the alert {short(alert.rule)}"
    if not rule.enabled:
        return _told(Outcome.ERROR, f"{name} is disabled, so it says nothing", rule)
    concerned = [one for one in rule.firings if one.resolved is None or one.resolved > stage.since]
    mine = [one for one in concerned if one.fired >= stage.exposed]
    if mine:
        first = min(mine, key=lambda one: one.fired)
        said = f"{name} fired at {first.fired:%H:%M}{_about(first)}"
        if alert.on_fired == "fail":
            return _told(Outcome.FAIL, said, rule)
        verdict = _told(Outcome.INCONCLUSIVE, f"{said}: a person must look (on_fired: hold)", rule)
        return msgspec.structs.replace(verdict, stuck=True)
    if (before := next((one for one in concerned if one.resolved is None), None)) is not None:
        reason = f"{name} has been on since {before.fired:%Y-%m-%d %H:%M}, before the candidate got any request"
        return _told(Outcome.INCONCLUSIVE, reason, rule)
    final = stage.end + rule.every + DELAY
    if stage.end <= now < final:
        reason = f"{name} has not fired, and may still until {final:%H:%M}: it looks every {_minutes(rule.every)}"
        return _told(Outcome.INCONCLUSIVE, reason, rule)
    return _told(Outcome.PASS, f"{name} has not fired since {stage.since:%H:%M}", rule)


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """All of them together: the worst decides, a PASS says what each has said. At least one."""
    found = min(verdicts, key=_rank)
    told = [entry for verdict in verdicts for entry in verdict.evidence.get("alerts", ())]
    evidence: dict[str, Any] = {key: value for verdict in verdicts for key, value in verdict.evidence.items()}
    evidence |= {"alerts": told} if told else {}
    if found.outcome is not Outcome.PASS:
        mild = all(verdict.mild for verdict in verdicts if verdict.outcome is Outcome.FAIL)
        return msgspec.structs.replace(found, evidence=evidence, mild=found.mild and mild)
    after = next((verdict.after for verdict in verdicts if verdict.after is not None), None)
    reason = "; ".join(verdict.reason for verdict in verdicts)
    return Verdict(outcome=Outcome.PASS, reason=reason, evidence=evidence, after=after)


_ORDER: Final = (Outcome.FAIL, Outcome.ERROR, Outcome.NO_DATA, Outcome.INCONCLUSIVE, Outcome.PASS)


def _rank(verdict: Verdict) -> tuple[bool, int]:
    """What holds at once comes after a FAIL and before all that waits."""
    return verdict.outcome is not Outcome.FAIL and not verdict.stuck, _ORDER.index(verdict.outcome)


def _told(outcome: Outcome, reason: str, rule: Rule) -> Verdict:
    told: Mapping[str, Any] = {
        "rule": rule.id,
        "outcome": outcome.value,
        "enabled": rule.enabled,
        "looks_every": rule.every.total_seconds(),
        "firings": msgspec.to_builtins(rule.firings),
    }
    return Verdict(outcome=outcome, reason=reason, evidence={"alerts": [told]})


def _about(firing: Firing) -> str:
    over = "" if firing.resolved is None else f" and was over at {firing.resolved:%H:%M}"
    return (f" for {short(firing.target)}" if firing.target else "") + over


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:g} min"
