"""Whether the way ahead may be begun at all: a later stage's hazard is refused before the first write, not half-way."""

from __future__ import annotations

from rollout.core import hazards
from rollout.core.change_set import ways_hazards
from rollout.core.decision import Decision, Status, gives_back
from rollout.core.observed import Observation
from rollout.core.release import Release
from rollout.errors import Refused


def must_be_allowed(release: Release, seen: Observation, decision: Decision, allowed: frozenset[str]) -> None:
    """Raise Refused if anything ahead is a hazard that nobody allowed. What writes nothing, and the way back, never
    asks."""
    if decision.status is not Status.ACT or gives_back(decision):
        return
    refusal = hazards.refusal(ways_hazards(release, seen, allowed))
    if refusal:
        raise Refused(refusal, hint="or change the plan; what each name means: rollout explain hazards")
