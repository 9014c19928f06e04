"""What a gate says. Five words, kept apart: a metric that could not be read is not a metric that failed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec


class Outcome(StrEnum):
    """PASS goes on, FAIL rolls back; the other three wait up to the gate's limit, then hold."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    NO_DATA = "NO_DATA"
    ERROR = "ERROR"


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The outcome, one sentence of reason for people, and the evidence (counts, samples) as plain JSON values.

    `after`: a PASS that may end a bake so many seconds after its start instead of after all of its time. `stuck`: an
    answer that will not come, however long one waits; the gate holds at once. `mild`: a FAIL of a candidate that
    answers most of its requests; it may keep a part of the traffic for the minutes that a small stable takes to grow.
    """

    outcome: Outcome
    reason: str
    evidence: Mapping[str, Any] = {}
    after: float | None = None
    stuck: bool = False
    mild: bool = False
