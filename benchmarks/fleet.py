"""`diff` over a fleet in sync: against bare clients and the SDK, in memory, and under Resource Manager's limits.

The emulator is a process of its own and delays every answer by 20 ms; the plans are read before. The CPU is that of the
client's process; the machine is shared, so what counts are ratios within a turn, and their median; for the curves the
best of some passes. The endpoints are copies, so their records are equal and are parsed once for all; one of its own
costs each some 20 µs more.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any, Final

from benchmarks.curve import Curve
from benchmarks.fleet_stand import stand
from benchmarks.table import Row
from rollout.core.bucket import best_time

FEW: Final = (10, 100)
COUNT: Final = 1_000
MANY: Final = 10_000
MOST_EXPONENT: Final = 1.05
TURNS: Final = 15
BY_SDK: Final = 50
THROTTLED: Final = 2.0
"""Seconds of the service's time in one of ours, where it throttles."""
AT_FULL_SPEED: Final = 1_000.0


def rows() -> Iterator[Row | Curve]:
    """All of it; some minutes."""
    with stand(COUNT, speed=AT_FULL_SPEED, throttle=False) as here:
        found = here.child("benchmarks.fleet_pass", here.plans, TURNS)
        here.served()
        alone = here.child("benchmarks.fleet_pass", here.plans, 0)
        reads = (here.served() - (50 + 2)) / alone["passes"]
        cpu, wall = here.child("benchmarks.fleet_by_sdk", BY_SDK)
    yield from _against_bare(found["turns"])
    yield Row(name="reads of a pass over 1,000", value=reads, most=COUNT + 2)
    mine = median(turn["ours"][0] for turn in found["turns"]) / COUNT
    waited = median(turn["ours"][1] for turn in found["turns"]) / COUNT
    yield Row(name="the SDK's loop ÷ diff, an endpoint: CPU", value=cpu / BY_SDK / mine, least=5.0)
    yield Row(name="… wall", value=wall / BY_SDK / waited, least=5.0)
    yield from _growth(alone)
    yield from _throttled()


def _against_bare(turns: list[dict[str, Any]]) -> Iterator[Row]:
    budgets = {"same": ("the same requests", 1.5), "one_by_one": ("the endpoints one by one", 1.3)}
    for name, (said, most) in budgets.items():
        for index, what in enumerate(("CPU", "wall")):
            ratio = median(turn["ours"][index] / turn[name][index] for turn in turns)
            yield Row(name=f"diff ÷ bare aiohttp, {said}: {what}", value=ratio, most=most)
    mine = median(turn["ours"][0] for turn in turns)
    yield Row(name="diff over 1,000, CPU", value=1e6 * mine / COUNT, unit="µs an endpoint")


def _growth(thousand: dict[str, float]) -> Iterator[Row | Curve]:
    """How CPU and memory grow with the endpoints; what one keeps is told by the difference of two sizes, so that what
    is there anyway does not count."""
    found = {**{size: _alone(size) for size in FEW}, COUNT: thousand, MANY: _alone(MANY)}
    kept = (found[MANY]["grown"] - found[COUNT]["grown"]) / (MANY - COUNT) / 1e3
    yield Row(name="kept after a decision", value=kept, unit="kB", most=20.0)
    cpu = {size: 1e3 * one["cpu"] for size, one in found.items()}
    yield Curve(name="CPU of a pass", x="endpoints", unit="ms", points=cpu, most=MOST_EXPONENT)
    memory = {size: max(one["grown"], 4096) / 1e3 for size, one in found.items()}
    yield Curve(name="memory kept", x="endpoints", unit="kB", points=memory, most=MOST_EXPONENT)


def _alone(size: int) -> dict[str, float]:
    with stand(size, speed=AT_FULL_SPEED, throttle=False) as here:
        found: dict[str, float] = here.child("benchmarks.fleet_pass", here.plans, 0)
    return found


def _throttled() -> Iterator[Row]:
    """A pass that needs four times what the bucket holds."""
    with stand(COUNT, speed=THROTTLED, throttle=True) as here:
        seconds = float(here.child("benchmarks.fleet_throttled", here.plans)) * THROTTLED
        reads = here.served()
    yield Row(name="throttled pass ÷ the bucket's best time", value=seconds / best_time("reads", COUNT + 2), most=1.1)
    yield Row(name="… requests that were refused (429) and repeated", value=reads - (COUNT + 2), most=0)
