"""From what the checks show to the gate's verdict, with the sentence for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log
from typing import Any, Final

import msgspec

from rollout.core.evidence.counts import Arm
from rollout.core.evidence.judge import Finding, State, Terms, e_value
from rollout.core.evidence.split import Split
from rollout.core.verdict import Outcome, Verdict

_ORDER: Final = (State.REGRESSION, State.SOURCE_FAILED, State.NO_DATA, State.INCONCLUSIVE, State.PROVEN)

MILD: Final = 0.5
"""A candidate with fewer bad requests than that serves more people than a stable that breaks down."""


class Sides(msgspec.Struct, frozen=True, gc=False):
    """The names of the two deployments, for sentences."""

    stable: str
    candidate: str


def verdict(
    findings: Sequence[Finding],
    split: Split | None,
    sides: Sides,
    terms: Terms,
    *,
    needs_proof: bool,
    early: float | None = None,
) -> Verdict:
    """The worst of the findings decides. A split that is not the configured one is never in the candidate's favour.

    Without `needs_proof` a bake goes on as long as nothing is shown to be worse (`promote_when: unproven`). What is
    proven may end it `early`, so many seconds after its start (None: not before its time is over).
    """
    worst = min(findings, key=lambda finding: _ORDER.index(finding.state))
    evidence = {"checks": [_told(finding, terms) for finding in findings], "split": _split(split)}
    reason = sentence(worst, sides, terms)
    match worst.state:
        case State.REGRESSION:
            answers = all(one.candidate.rate < MILD for one in findings)
            return Verdict(outcome=Outcome.FAIL, reason=reason, evidence=evidence, mild=answers)
        case State.SOURCE_FAILED:
            return Verdict(outcome=Outcome.ERROR, reason=reason, evidence=evidence)
        case State.NO_DATA:
            return Verdict(outcome=Outcome.NO_DATA, reason=reason, evidence=evidence)
    if split is not None and split.broken:
        reason = f"{sides.candidate} gets {split.seen:.1%} of the requests, not {split.configured:.1%} as configured"
        return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, evidence=evidence)
    if worst.state is State.PROVEN:
        reason = "; ".join(sentence(finding, sides, terms) for finding in findings)
        return Verdict(outcome=Outcome.PASS, reason=reason, evidence=evidence, after=early)
    return Verdict(outcome=Outcome.INCONCLUSIVE if needs_proof else Outcome.PASS, reason=reason, evidence=evidence)


def sentence(finding: Finding, sides: Sides, terms: Terms) -> str:
    """What one check shows, in a sentence."""
    name, check = finding.check.name, finding.check
    if finding.state is State.SOURCE_FAILED:
        return f"{name}: {finding.failure}"
    mine = _counts(finding.candidate, sides.candidate)
    against = f"at most {check.at_most:.2%}" if check.at_most is not None else _counts(finding.stable, sides.stable)
    if finding.state is State.NO_DATA:
        if finding.candidate.requests < terms.least:
            seen = f"{finding.candidate.requests:,.0f} requests"
            return f"{name}: {sides.candidate} has answered {seen} in this stage, at least {terms.least} are needed"
        return f"{name}: {sides.stable} has answered no requests in this stage, there is nothing to compare with"
    counts = f"{name}: {mine}, {against}"
    match finding.state:
        case State.REGRESSION:
            when = f" at {finding.decided:%H:%M}" if finding.decided else ""
            return f"{counts}: worse, shown{when} (E {_e(max(finding.worse, 0))}, limit {1 / terms.share:,.0f})"
        case State.PROVEN:
            within = "" if check.at_most is not None else f" by {check.tolerate:.2%} or more"
            return f"{counts}: proven not to be worse{within} (E {_e(finding.not_worse)}, limit {1 / terms.alpha:,.0f})"
        case _:
            towards = f"E {_e(finding.not_worse)} of {1 / terms.alpha:,.0f}{_left(finding, terms)}"
            return f"{counts}: neither worse nor proven not to be ({towards})"


def _left(finding: Finding, terms: Terms) -> str:
    """How much longer it takes if the evidence goes on to grow as it did; "" where it does not grow."""
    if finding.not_worse <= 0 or not finding.minutes:
        return ""
    more = (log(1 / terms.alpha) - finding.not_worse) / finding.not_worse * finding.minutes
    return f", about {ceil(more)} min more at this rate"


def _counts(arm: Arm, name: str) -> str:
    return f"{arm.bad:,.0f} bad of {arm.requests:,.0f} ({arm.rate:.2%}) of {name}"


def _e(log_e: float) -> str:
    found = e_value(log_e)
    return f"{found:,.2g}" if found < 1 else f"{found:,.1f}" if found < 1000 else f"10^{log_e / 2.302585:.0f}"


def _told(finding: Finding, terms: Terms) -> Mapping[str, Any]:
    """A finding as plain JSON values."""
    return {
        "check": finding.check.name,
        "state": finding.state.value,
        "tolerate": finding.check.tolerate,
        "at_most": finding.check.at_most,
        "stable": msgspec.to_builtins(finding.stable),
        "candidate": msgspec.to_builtins(finding.candidate),
        "log_e_worse": round(finding.worse, 4),
        "log_e_not_worse": round(finding.not_worse, 4),
        "alpha_worse": terms.share,
        "alpha_not_worse": terms.alpha,
        "correlation": round(finding.correlation, 6),
        "decided": finding.decided.isoformat() if finding.decided else None,
        "track": [round(value, 3) for value in finding.track],
        "proofs": [round(value, 3) for value in finding.proofs],
        "failure": finding.failure,
    }


def _split(split: Split | None) -> Mapping[str, Any] | None:
    if split is None:
        return None
    seen = {"configured": split.configured, "seen": round(split.seen, 6), "log_e": round(split.log_e, 4)}
    return {**seen, "broken": split.broken}
