"""A fleet: many endpoints released in waves. Values; what may happen next is decided in `core.fleet_decide`.

Nothing about a fleet is recorded anywhere: how each member stands is read from its own endpoint, every time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from rollout.core.capacity import Need

NOTHING: Final = Need()


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """Members that are released side by side, in this order; `bake` in seconds after the last promotion."""

    name: str
    members: tuple[str, ...]
    after: tuple[str, ...] = ()
    max_in_flight: int = 1
    bake: float = 0.0


class FleetPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A fleet file, lowered. `error_budget`: so many members may fail; `after` of its waves has no cycle."""

    name: str
    waves: tuple[Wave, ...]
    error_budget: int = 0
    on_failure: Literal["keep", "roll_back"] = "keep"

    def wave_of(self, member: str) -> Wave:
        """The wave that it belongs to."""
        return next(wave for wave in self.waves if member in wave.members)


class Standing(StrEnum):
    """How one member stands. `pending`: nothing of its goal is there. `in_flight`: its run is under way. `released`:
    its goal is promoted. `failed`: its goal failed, or was rolled back. `held`: a person must act (a hold, a refusal).
    `unknown`: it could not be looked at."""

    PENDING = "pending"
    IN_FLIGHT = "in_flight"
    RELEASED = "released"
    FAILED = "failed"
    HELD = "held"
    UNKNOWN = "unknown"


SETTLED: Final = (Standing.RELEASED, Standing.FAILED)
"""Who stands like that has come to an end of its run."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One member at one look.

    `since`: when its goal was promoted, where somebody knows. `begun`: something of its run is there, so that it takes
    a place in its wave even while it is held. `unfinished`: it is settled, but for something that can be done now (a
    delete, drift, a clean-up). `astray`: it is pending while another goal's candidate still has traffic. `returnable`:
    its goal was promoted by this release of the fleet, and what was promoted before is still there. `need`: what the
    rest of its way takes beyond what it has now; `pool`: the subscription and region whose quota that counts against.
    """

    name: str
    standing: Standing
    reason: str = ""
    since: datetime | None = None
    begun: bool = False
    unfinished: bool = False
    astray: bool = False
    returnable: bool = False
    need: Need = NOTHING
    pool: str = ""


class WaveState(StrEnum):
    """`waiting`: not before others. `open`: members may start. `baking`: all are settled, its bake is not over.
    `complete`: those after it may start. `blocked`: some member must be seen to, or the error budget is exceeded."""

    WAITING = "waiting"
    OPEN = "open"
    BAKING = "baking"
    COMPLETE = "complete"
    BLOCKED = "blocked"


class WaveView(msgspec.Struct, frozen=True, kw_only=True):
    """How one wave stands, and why. `until`: when its bake ends."""

    name: str
    state: WaveState
    reason: str = ""
    until: datetime | None = None


class FleetStatus(StrEnum):
    """`act`: members may start, go on or go back. `wait`: time must pass. `hold`: a person must act. `done`: every
    member is released, or failed within the budget."""

    ACT = "act"
    WAIT = "wait"
    HOLD = "hold"
    DONE = "done"


class FleetDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What may happen now: which members start, which go on, whose candidate of another goal gives its traffic back
    (`give_back`), and which released ones go back to what they had before (`take_back`). `waiting` says of each other
    pending member what it waits for. `failed`: how many count against the budget."""

    status: FleetStatus
    reason: str
    start: tuple[str, ...] = ()
    advance: tuple[str, ...] = ()
    give_back: tuple[str, ...] = ()
    take_back: tuple[str, ...] = ()
    waves: tuple[WaveView, ...] = ()
    waiting: Mapping[str, str] = {}
    failed: int = 0
    next_after: datetime | None = None
