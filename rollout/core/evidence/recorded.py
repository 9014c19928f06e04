"""What a bake's verdict was made of, as plain JSON values, and the way back: to judge the same minutes again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from rollout.core.evidence.counts import Arm, Block
from rollout.core.evidence.judge import Check, Finding, History, Terms, examine
from rollout.core.evidence.verdicts import Sides

Minute = tuple[datetime, float, float, float, float]
"""Start, stable's requests, bad ones, the candidate's requests, bad ones."""


class Span(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The instants of one look: `start` of the evidence, of what counts in the candidate's favour (`stage`), the end of
    what is final (`horizon`) and of what there is (`end`). Whole minutes; `since` is when the bake began."""

    start: datetime
    stage: datetime
    horizon: datetime
    end: datetime
    since: datetime

    def history(self, blocks: Sequence[Block]) -> History:
        """The blocks by what they are good for."""
        return History(
            baseline=tuple(block.stable for block in blocks if block.start < self.start),
            blocks=tuple(block for block in blocks if self.start <= block.start < self.horizon),
            provisional=tuple(block for block in blocks if block.start >= max(self.horizon, self.start)),
            stage=self.stage,
        )


class RecordedCheck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One check as it is on record; `minutes` begin an hour before the first exposure."""

    check: str
    tolerate: float
    at_most: float | None
    minutes: tuple[Minute, ...]


class Recorded(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The record of one verdict: enough to judge it again."""

    checks: tuple[RecordedCheck, ...]
    span: Span
    sides: Sides
    terms: Terms


class Change(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Other terms; None: as it was. A rate `at_most` of None leaves a check against stable."""

    alpha: float | None = None
    tolerate: float | None = None
    at_most: float | None = None


def record(blocks: Sequence[Block]) -> list[list[Any]]:
    """Minutes as JSON values."""
    return [
        [
            f"{block.start:%Y-%m-%dT%H:%M:%SZ}",
            block.stable.requests,
            block.stable.bad,
            block.candidate.requests,
            block.candidate.bad,
        ]
        for block in blocks
    ]


def read(evidence: Mapping[str, Any]) -> Recorded:
    """The record in a verdict's evidence. Raises msgspec.ValidationError if it is none."""
    return msgspec.convert(evidence, Recorded)


def rejudged(found: Recorded, change: Change) -> tuple[tuple[Finding, ...], Terms]:
    """Every check again, by the same minutes, and the terms that it was judged by.

    Without a change these are the numbers of the record, bit for bit: whoever looks, and whenever.
    """
    terms = found.terms
    if change.alpha is not None:
        terms = Terms(alpha=change.alpha, share=terms.share * change.alpha / terms.alpha, least=terms.least)
    return tuple(_again(one, found.span, terms, change) for one in found.checks), terms


def _again(one: RecordedCheck, span: Span, terms: Terms, change: Change) -> Finding:
    check = Check(
        name=one.check,
        tolerate=one.tolerate if change.tolerate is None else change.tolerate,
        at_most=one.at_most if change.at_most is None else change.at_most,
    )
    blocks = [Block(start, Arm(n, k), Arm(m, j)) for start, n, k, m, j in one.minutes]
    return examine(check, terms, span.history(blocks))
