"""The faults: every preset of the emulator, and a few of them for good instead of once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rollout.emulator.presets.all import GROUPS
from rollout.emulator.presets.preset import Preset

Rule = Mapping[str, Any]
TITLES: Final[Mapping[str, str]] = {
    "operations": "The creation of the deployment fails",
    "requests": "A request to Resource Manager is refused, lost or answered wrong",
    "scoring": "The scoring requests of the smoke test are answered otherwise",
}
FOR_GOOD: Final = ("conflict", "throttled", "server-error", "unavailable")
"""What is got over when it happens once: also as something that does not end."""


@dataclass(frozen=True, slots=True)
class Provoked:
    """One fault: its name, where it strikes, what it is, what it is known from, and the rule for the emulator."""

    id: str
    group: str
    what: str
    source: str
    rule: Rule


def _provoked(group: str, preset: Preset, *, for_good: bool = False) -> Provoked:
    """For good: the smoke test asks twice where a key is refused, and other requests are repeated too."""
    rule = msgspec.to_builtins(preset.fault)
    lasting = for_good or group == "scoring"
    name = f"{preset.name}-for-good" if for_good else preset.name
    what = f"{preset.what}, for good" if for_good else preset.what
    return Provoked(name, TITLES[group], what, preset.source, {**rule, "times": None} if lasting else rule)


def _all() -> Iterator[Provoked]:
    for group, presets in GROUPS.items():
        yield from (_provoked(group, preset) for preset in presets)
        yield from (_provoked(group, preset, for_good=True) for preset in presets if preset.name in FOR_GOOD)


FAULTS: Final[tuple[Provoked, ...]] = tuple(_all())
"""In the order of the presets."""
