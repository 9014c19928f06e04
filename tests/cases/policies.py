"""The policy of a case: what is broken, what stops it, and windows in minutes of the case's time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rollout.core.policy import ACTIVITIES, Limits, Policy, PromotedRule, Rule, Span, Window
from tests.worlds.plane import START


class Minutes:
    """A calendar of windows that come once."""

    def __init__(self, spans: tuple[Span, ...]) -> None:
        self._spans = spans

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Minutes) and self._spans == other._spans

    def __hash__(self) -> int:
        return hash(self._spans)

    def spans(self, index: int, year: int) -> tuple[Span, ...]:
        """The one time of that window, where it is in that year."""
        span = self._spans[index]
        return (span,) if span.start.year <= year <= span.end.year else ()


def policy_of(said: Mapping[str, Any] | None) -> Policy | None:
    """`broken: […]`, `most_instances`, `stopped`, `break_glass`, `promoted_from`, and `windows` as
    `{NAME: deny start 0 90 begin}`."""
    if said is None:
        return None
    words = {name: text.split() for name, text in said.get("windows", {}).items()}
    windows = tuple(
        Window(
            name=name,
            opens=kind == "allow",
            activities=tuple(each for each in ACTIVITIES if activity in (each, "all")),
            whole="begin" not in rest,
        )
        for name, (kind, activity, _, _, *rest) in words.items()
    )
    spans = tuple(Span(start=_at(begin), end=_at(end)) for _, _, begin, end, *_ in words.values())
    limits = Limits(
        instances=said.get("most_instances"),
        refused_hazards=tuple(said.get("refused_hazards", ())),
        promoted_from=tuple(PromotedRule(environment=name) for name in said.get("promoted_from", ())),
    )
    return Policy(
        rules=(Rule(name="small", limits=limits, where="policy.yaml:4:5"),),
        broken=tuple(said.get("broken", ())),
        stopped=said.get("stopped", ""),
        break_glass=said.get("break_glass", ""),
        who="ann",
        windows=windows,
        calendar=Minutes(spans),
    )


def _at(minutes: str) -> Any:
    return START + timedelta(minutes=float(minutes))
