"""All presets by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rollout.emulator.presets.operations import FAILURES
from rollout.emulator.presets.preset import Preset
from rollout.emulator.presets.requests import REFUSALS
from rollout.emulator.presets.scoring import SCORING

GROUPS: Final[Mapping[str, tuple[Preset, ...]]] = MappingProxyType(
    {"operations": FAILURES, "requests": REFUSALS, "scoring": SCORING}
)
"""Operations that fail, requests to Resource Manager, scoring requests."""
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType(
    {preset.name: preset for group in GROUPS.values() for preset in group}
)
