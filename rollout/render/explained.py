"""What a gate shows and why: its value beside its limit, counts, evidence over time, what decided, what was asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from typing import Any, Final

import msgspec

from rollout.render import harmless
from rollout.render.chart import chart
from rollout.render.styled import Line, Meaning, line, plain, spans

_MEANINGS: Final[Mapping[str, Meaning]] = {"PASS": "good", "FAIL": "bad"}
_ORDER: Final = ("regression", "source_failed", "no_data", "inconclusive", "proven")
_WIDTH: Final = 80
_QUERY: Final = 400
"""Characters of a query that are shown; all of it is in JSON."""


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """A gate's verdict with all that it was made of, as in the `evidence` of a measurement."""

    gate: str
    outcome: str
    reason: str
    evidence: Mapping[str, Any] = {}

    @property
    def checks(self) -> Sequence[Mapping[str, Any]]:
        """Its checks, the one that decided first."""
        found = [one for one in self.evidence.get("checks", ()) if isinstance(one, Mapping)]
        return sorted(found, key=lambda one: _rank(str(one.get("state"))))


def lines(told: Explained, width: int = _WIDTH) -> Iterator[Line]:
    """For a terminal of that width."""
    yield spans(
        (f"{told.gate}: ", "title"), (told.outcome, _MEANINGS.get(told.outcome, "warn")), (f"  {told.reason}", "")
    )
    for number, check in enumerate(told.checks):
        yield from _check(check, width, decided=number == 0)
    if split := told.evidence.get("split"):
        seen = f"{split['seen']:.1%} of the requests, configured {split['configured']:.1%}"
        yield line(f"  split: the candidate gets {seen}{', which is not the same' if split['broken'] else ''}")
    if source := told.evidence.get("source"):
        yield line(f"  source: {source['kind']}, counts are final after {source['lag']:g} s")
    for number, row in enumerate(told.evidence.get("rows", ()), 1):
        yield line(f"  {number:>3}. {row}")


def markdown(told: Explained) -> str:
    """The same, the charts in a fence."""
    head = f"### {harmless.prose(told.gate)}: {told.outcome}\n\n{harmless.prose(told.reason, 2000)}\n\n"
    return head + harmless.fence(plain(list(lines(told))[1:]), "text") + "\n"


def _rank(state: str) -> int:
    return _ORDER.index(state) if state in _ORDER else len(_ORDER)


def _check(check: Mapping[str, Any], width: int, *, decided: bool) -> Iterator[Line]:
    state = str(check.get("state"))
    yield line()
    yield spans((f"  {check.get('check')}: {state}", "title"), (", which decided" if decided else "", "dim"))
    if failure := check.get("failure"):
        yield line(f"    {failure}")
    if "candidate" in check and "stable" in check:
        yield from _value(check)
    shares = (check.get("alpha_worse", 0.05), check.get("alpha_not_worse", 0.05))
    curves = (("it is worse", check.get("track", ())), ("it is not worse", check.get("proofs", ())))
    for (what, logs), alpha in zip(curves, shares, strict=True):
        if logs:
            limit = log(1 / alpha)
            yield line(f"    evidence that {what}: E {_e(max(logs))} of {1 / alpha:,.0f}, {len(logs)} minutes")
            for row in chart(logs, limit, width - 4):
                yield line(f"    {row}")
    if query := check.get("query"):
        yield line(f"    asked: {str(query)[:_QUERY]}", "dim")


def _value(check: Mapping[str, Any]) -> Iterator[Line]:
    mine, theirs = check["candidate"], check["stable"]
    objective = check.get("at_most")
    rates = _rate(mine), _rate(theirs)
    tolerated = objective if objective is not None else rates[1] + float(check.get("tolerate") or 0.0)
    by = "its objective" if objective is not None else f"stable's plus {float(check.get('tolerate') or 0.0):.2%}"
    yield line(f"    value {rates[0]:.2%}, limit {tolerated:.2%} ({by})")
    for name, arm in (("candidate", mine), ("stable", theirs)):
        yield line(f"    {name:9} {arm['bad']:,.0f} bad of {arm['requests']:,.0f} requests in this stage")
    if correlation := check.get("correlation"):
        yield line(f"    requests of a minute fail together (correlation {correlation:g}): they count for less")
    if when := check.get("decided"):
        yield line(f"    decided by the minute that ended {when}")


def _rate(arm: Mapping[str, Any]) -> float:
    return float(arm["bad"]) / float(arm["requests"]) if arm["requests"] else 0.0


def _e(log_e: float) -> str:
    return f"{exp(log_e):,.2g}" if log_e < 0 else f"{exp(log_e):,.1f}" if log_e < 7 else f"10^{log_e / 2.302585:.0f}"
