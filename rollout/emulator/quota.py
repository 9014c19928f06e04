"""Cores by virtual machine size, and what a deployment needs: 20 % more instances than it runs, for upgrades."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

from rollout.emulator.answers import JsonObject

_D_SERIES: Final[Mapping[int, int]] = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}
"""The old D and DS sizes count sizes, not cores; all later names have the cores in them."""
SIZES: Final = (
    "STANDARD_D2AS_V4", "STANDARD_DS1_V2", "STANDARD_DS2_V2", "STANDARD_DS3_V2", "STANDARD_DS4_V2", "STANDARD_DS5_V2",
    "STANDARD_E4S_V3", "STANDARD_E16S_V3", "STANDARD_E64S_V3", "STANDARD_F2S_V2", "STANDARD_F4S_V2", "STANDARD_F8S_V2",
    "STANDARD_NC4AS_T4_V3", "STANDARD_NC24ADS_A100_V4", "STANDARD_NC48ADS_A100_V4",
)  # fmt: skip
"""Sizes of the managed online endpoints' list that examples use."""
_NO_RESERVATION: Final = re.compile(
    r"standard_(nc(24|48|96)ads_a100_v4|nc40ads_h100_v5|nc80adis_h100_v5|nd96amsr_a100_v4|nd96asr_v4|nd40rs_v2"
    r"|nd96isr?_h100_v5)"
)
_SIZE: Final = re.compile(r"standard_([a-z]+)(\d+)([a-z_0-9]*)")


@functools.cache
def cores(instance_type: str) -> int:
    """Cores of one instance, read from the size's name; 0 for a name that is not a size (Kubernetes)."""
    match = _SIZE.fullmatch(instance_type.lower())
    if not match:
        return 0
    series, number, rest = match.group(1), int(match.group(2)), match.group(3)
    if series in ("d", "ds") and ("_v2" in rest or not rest):
        return _D_SERIES.get(number, number)
    return number


@functools.cache
def needed(instance_type: str, count: int) -> int:
    """Cores that `count` instances reserve."""
    if _NO_RESERVATION.fullmatch(instance_type.lower()):
        return count * cores(instance_type)
    return math.ceil(count * 1.2 - 1e-9) * cores(instance_type)


def used(deployments: Iterable[JsonObject]) -> int:
    """Cores that these deployments reserve together."""
    return sum(needed(doc["properties"].get("instanceType") or "", doc["sku"]["capacity"]) for doc in deployments)
