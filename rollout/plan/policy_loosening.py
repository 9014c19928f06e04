"""Whether a policy says less than another: a plan (or a folder) may tighten the repository's rules, never loosen them.

All rules count anyway, so that what is looser had no effect; it is refused because its author means something else.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from fnmatch import fnmatchcase

from rollout.core.policy import BETWEEN, PROMOTION, ApprovalRule, BakeRule, Limits
from rollout.core.spans import span

Looser = tuple[str, str]
"""The limit, and what is wrong with it."""


def loosened(outer: Limits, inner: Limits, given: Set[str]) -> Iterator[Looser]:
    """Every limit of `inner`, of those that are `given`, that would let pass what `outer` refuses."""
    for limit, unit, most, mine in (
        ("largest_first_weight", " %", outer.first_weight, inner.first_weight),
        ("largest_step", " points", outer.step, inner.step),
        ("most_instances", " instances", outer.instances, inner.instances),
    ):
        if most is not None and mine is not None and mine > most:
            yield limit, f"{mine}{unit} would loosen the {most}{unit} that the policy allows"
    for bake in inner.bakes:
        yield from _bake(outer.bakes, bake)
    yield from _emptied(outer, inner, given)
    yield from _more(outer, inner)
    for approval in inner.approvals:
        yield from _approval(outer.approvals, approval)
    yield from _sources(outer, inner)
    yield from _deletes(outer, inner, given)


def _bake(rules: tuple[BakeRule, ...], mine: BakeRule) -> Iterator[Looser]:
    for rule in rules:
        if mine.seconds < rule.seconds and _covers(rule.before, mine.before):
            yield "shortest_bake", f"{span(mine.seconds)} would loosen the {span(rule.seconds)} that the policy demands"


def _covers(theirs: int, mine: int) -> bool:
    """Whether what is in front of `mine` is in front of `theirs`, too."""
    special = (BETWEEN, PROMOTION)
    return theirs == mine or (theirs not in special and mine not in special and theirs <= mine)


def _emptied(outer: Limits, inner: Limits, given: Set[str]) -> Iterator[Looser]:
    """A list that is given and empty says that nothing is demanded."""
    for limit, theirs, mine in (
        ("shortest_bake", outer.bakes, inner.bakes),
        ("gates", outer.gates, inner.gates),
        ("approvals", outer.approvals, inner.approvals),
        ("refused_hazards", outer.refused_hazards, inner.refused_hazards),
        ("promoted_from", outer.promoted_from, inner.promoted_from),
    ):
        if limit in given and theirs and not mine:
            yield limit, "nothing here would loosen what the policy demands"


def _more(outer: Limits, inner: Limits) -> Iterator[Looser]:
    """Words of a closed list that the other does not have."""
    for mine in inner.instance_types or () if outer.instance_types is not None else ():
        if not any(fnmatchcase(mine.lower(), pattern.lower()) for pattern in outer.instance_types or ()):
            yield "instance_types", f"{mine} would loosen what the policy allows"
    for mine in inner.allowed_hazards or () if outer.allowed_hazards is not None else ():
        if mine not in (outer.allowed_hazards or ()):
            yield "allowed_hazards", f"{mine} would loosen what the policy allows"


def _approval(rules: tuple[ApprovalRule, ...], mine: ApprovalRule) -> Iterator[Looser]:
    for rule in rules:
        if not _covers(rule.before, mine.before):
            continue
        more = [name for name in mine.by if rule.by and name.casefold() not in {each.casefold() for each in rule.by}]
        if more:
            yield "approvals", f"the yes of {', '.join(more)} would loosen whose yes the policy demands"
        if rule.other and not mine.other:
            yield "approvals", "`other: false` would loosen the four eyes that the policy demands"


def _sources(outer: Limits, inner: Limits) -> Iterator[Looser]:
    """The same environment for a shorter time. Another one is asked beside it."""
    least = {rule.environment: rule.seconds for rule in outer.promoted_from}
    for mine in inner.promoted_from:
        if mine.seconds < (theirs := least.get(mine.environment, 0.0)):
            told = f"{span(mine.seconds)} in {mine.environment} would loosen the {span(theirs)} that the policy demands"
            yield "promoted_from", told


def _deletes(outer: Limits, inner: Limits, given: Set[str]) -> Iterator[Looser]:
    if "deletes" not in given:
        return
    if not outer.deletes and inner.deletes:
        yield "deletes", "the policy allows no deletes"
    elif outer.delete_after is not None and inner.deletes and (inner.delete_after or 0.0) < outer.delete_after:
        mine = span(inner.delete_after or 0.0)
        yield "deletes", f"{mine} would loosen the {span(outer.delete_after)} that the policy demands"
