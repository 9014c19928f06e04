"""One check over the minutes of a run: what is shown, and since when. Recomputed from the counts at every look.

Nothing is remembered between two looks. The blocks, their order and what was known before each of them are the same for
every runner, so the answer is as well; `provisional` minutes, whose counts may still change, can only kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from math import exp, inf, log
from typing import Final

import msgspec

from rollout.core.evidence import one_arm, two_arms
from rollout.core.evidence.bursts import Belief, beliefs
from rollout.core.evidence.counts import Arm, Block, total
from rollout.core.evidence.grid import MINUTE

KILL: Final = 1e4
"""Evidence of the obvious: it does not wait until its last minutes are behind the watermark."""

Pair = tuple[Arm, Arm, Belief]


class State(StrEnum):
    """What the evidence shows. Five words, kept apart."""

    PROVEN = "proven"
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    NO_DATA = "no_data"
    SOURCE_FAILED = "source_failed"


class Check(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is asked: is the candidate's share of bad requests above stable's by more than `tolerate`; or, with an
    objective, above `at_most`? Shares from 0 to 1."""

    name: str
    tolerate: float = 0.0
    at_most: float | None = None


class Terms(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How sure: `share` is the part of the rollout's α that this check's "worse" may use, `alpha` that of "not worse";
    below `least` requests of the candidate in this stage nothing is said in its favour."""

    alpha: float = 0.05
    share: float = 0.05
    least: int = 50


class History(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The counts. `baseline` are stable's minutes before the first exposure; `blocks` all final minutes from then on;
    `provisional` those that are not final yet. `stage` is the first minute that counts in the candidate's favour."""

    blocks: tuple[Block, ...]
    stage: datetime
    baseline: tuple[Arm, ...] = ()
    provisional: tuple[Block, ...] = ()


class Finding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one check shows.

    `worse` and `not_worse` are log E at their highest, `track` log E of "worse" after each final block, `proofs` that
    of "not worse" after each block of this stage; `decided` is the end of the minute that decided. `stable` and
    `candidate` are the counts of this stage (of all minutes, if it is shown to be worse before this stage has any),
    `correlation` that within a minute as it is believed now, `minutes` the length of this stage so far. `failure` says
    why there are no counts at all.
    """

    check: Check
    state: State
    stable: Arm = Arm()
    candidate: Arm = Arm()
    worse: float = 0.0
    not_worse: float = 0.0
    correlation: float = 0.0
    minutes: int = 0
    decided: datetime | None = None
    track: tuple[float, ...] = ()
    proofs: tuple[float, ...] = ()
    failure: str = ""


def examine(check: Check, terms: Terms, history: History) -> Finding:
    """Judge one check."""
    known = [*history.baseline, *(block.stable for block in history.blocks)]
    believed = beliefs(known)[len(history.baseline) :]
    limit = log(1 / terms.share)
    track = tuple(_worse(check, history, history.blocks, believed, limit))
    stage = [index for index, block in enumerate(history.blocks) if block.start >= history.stage]
    proofs = list(_not_worse(check, history, stage, believed))
    seen = [history.blocks[index] for index in stage]
    finding = Finding(
        check=check,
        state=State.INCONCLUSIVE,
        stable=total(block.stable for block in seen),
        candidate=total(block.candidate for block in seen),
        worse=max(track, default=0.0),
        not_worse=max(proofs, default=0.0),
        correlation=believed[-1].correlation,
        minutes=len(stage),
        track=track,
        proofs=tuple(proofs),
    )
    if (hit := _first(track, limit)) is not None:
        return _shown_worse(finding, history, history.blocks[hit], 0)
    if (late := _killed(check, terms, history, believed)) is not None:
        at, value = late
        finding = msgspec.structs.replace(finding, worse=max(finding.worse, value))
        return _shown_worse(finding, history, history.provisional[at], at + 1)
    if _without_data(finding, terms):
        return msgspec.structs.replace(finding, state=State.NO_DATA)
    if (hit := _first(proofs, log(1 / terms.alpha))) is not None:
        return _decided(finding, State.PROVEN, seen[hit])
    return finding


def _shown_worse(finding: Finding, history: History, last: Block, provisional: int) -> Finding:
    """Worse, by the end of the block `last`. Where this stage's final minutes have no count of the candidate, those of
    all minutes that speak are told: of a former stage, a mirror, and the first so many that may still change."""
    if not finding.candidate.requests:
        every = (*history.blocks, *history.provisional[:provisional])
        stable, candidate = total(block.stable for block in every), total(block.candidate for block in every)
        finding = msgspec.structs.replace(finding, stable=stable, candidate=candidate)
    return _decided(finding, State.REGRESSION, last)


def _decided(finding: Finding, state: State, block: Block) -> Finding:
    return msgspec.structs.replace(finding, state=state, decided=block.start + MINUTE)


def _without_data(finding: Finding, terms: Terms) -> bool:
    compared = finding.check.at_most is None
    return finding.candidate.requests < terms.least or (compared and not finding.stable.requests)


def _first(values: Iterable[float], threshold: float) -> int | None:
    """The index of the first value that reaches the threshold: what a runner that looked then has seen."""
    return next((index for index, value in enumerate(values) if value >= threshold), None)


def _worse(
    check: Check, history: History, blocks: tuple[Block, ...], believed: list[Belief], limit: float
) -> Iterator[float]:
    if check.at_most is not None:
        minutes = [(block.candidate, belief) for block, belief in zip(blocks, believed, strict=False)]
        return one_arm.above(minutes, check.at_most, limit)
    known = two_arms.PRIOR + total(history.baseline)
    return two_arms.regression(_pairs(blocks, believed), check.tolerate, known, limit)


def _not_worse(check: Check, history: History, stage: list[int], believed: list[Belief]) -> Iterator[float]:
    """The evidence in the candidate's favour: of this stage alone, since another weight is another load."""
    start = stage[0] if stage else len(history.blocks)
    blocks, believed = history.blocks[start:], believed[start:]
    if check.at_most is not None:
        minutes = [(block.candidate, belief) for block, belief in zip(blocks, believed, strict=False)]
        return one_arm.below(minutes, check.at_most)
    known = two_arms.PRIOR + total((*history.baseline, *(block.stable for block in history.blocks[:start])))
    return two_arms.proof(_pairs(blocks, believed), check.tolerate, known)


def _pairs(blocks: Iterable[Block], believed: Iterable[Belief]) -> Iterator[Pair]:
    for block, belief in zip(blocks, believed, strict=False):
        yield block.stable, block.candidate, belief


def _killed(check: Check, terms: Terms, history: History, believed: list[Belief]) -> tuple[int, float] | None:
    """The index of the provisional minute in which the evidence is beyond any doubt, if there is one, and its log E."""
    every = (*history.blocks, *history.provisional)
    limit = log(max(KILL, 1 / terms.share))
    believed = [*believed, *[believed[-1]] * len(history.provisional)]
    values = list(_worse(check, history, every, believed, limit))[len(history.blocks) :]
    hit = _first(values, limit)
    return None if hit is None else (hit, values[hit])


def e_value(log_e: float) -> float:
    """E itself; infinity where it is too large for a number."""
    return exp(log_e) if log_e < 700 else inf
