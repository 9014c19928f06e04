"""What the alert rules say that a gate names: look at each, and judge it for the time since the first exposure."""

from __future__ import annotations

from datetime import datetime, timedelta

from rollout.core.evidence.alerts import Stage, judge
from rollout.core.gate_bodies import Alert, short
from rollout.core.verdict import Outcome, Verdict
from rollout.errors import RolloutError
from rollout.gates.words import cut
from rollout.ports import AlertRules


async def measure(rules: AlertRules, alert: Alert, stage: Stage, now: datetime) -> Verdict:
    """The verdict of one alert rule. One that cannot be read is an ERROR, never "has not fired"."""
    try:
        rule = await rules.look(alert.rule)
    except RolloutError as error:
        return Verdict(outcome=Outcome.ERROR, reason=f"the alert {short(alert.rule)}: {cut(str(error))}")
    return judge(alert, rule, stage, now)


def stage_of(exposed: datetime, since: datetime, seconds: float, over: float) -> Stage:
    """The time in question of a gate that was reached at `since`: a bake of so many seconds, or a metric that looks so
    many seconds back, at most to the first exposure."""
    begun = max(exposed, since - timedelta(seconds=over)) if over else since
    return Stage(exposed=exposed, since=begun, end=since + timedelta(seconds=seconds))
