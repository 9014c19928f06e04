"""Is the split of the requests the configured one? The sample-ratio check.

The mixture of Lindon & Malek (NeurIPS 2022, arXiv:2011.03567) for two arms: under the configured share every request
goes to the candidate with that probability, whatever came before.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import lgamma, log
from typing import Final

import msgspec

from rollout.core.evidence.counts import Block

ALPHA: Final = 0.001
"""The probability of a false alarm in one bake, however often it is looked at."""
TOLERATED: Final = 0.2
"""A share that differs by at most a fifth of what is configured (of the smaller arm) is good enough."""
_STRENGTH: Final = 10.0


class Split(msgspec.Struct, frozen=True, gc=False):
    """The candidate's share as configured and as seen; `log_e` is the evidence that they differ."""

    configured: float
    seen: float
    log_e: float

    @property
    def broken(self) -> bool:
        """Whether the real split is shown to be another one, and by more than is tolerated."""
        least = TOLERATED * min(self.configured, 1 - self.configured)
        return self.log_e >= log(1 / ALPHA) and abs(self.seen - self.configured) > least


def check(blocks: Iterable[Block], share: float) -> Split | None:
    """Compare with `share`, the part of the requests of both arms that is the candidate's. None: nothing to compare."""
    found = list(blocks)
    candidate = sum(block.candidate.requests for block in found)
    stable = sum(block.stable.requests for block in found)
    if not 0 < share < 1 or not candidate + stable:
        return None
    a, b = _STRENGTH * share, _STRENGTH * (1 - share)
    mixture = _log_beta(a + candidate, b + stable) - _log_beta(a, b)
    log_e = mixture - candidate * log(share) - stable * log(1 - share)
    return Split(configured=share, seen=candidate / (candidate + stable), log_e=log_e)


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
