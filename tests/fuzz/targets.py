"""All targets, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from tests.fuzz.files import AZ, PLAN
from tests.fuzz.live import ARM, TAGS
from tests.fuzz.polled import POLLER
from tests.fuzz.shown import MARKDOWN
from tests.fuzz.target import Target

TARGETS: Final[Mapping[str, Target]] = MappingProxyType(
    {target.name: target for target in (PLAN, AZ, ARM, TAGS, MARKDOWN, POLLER)}
)
