"""Which of a resource's tags are ours. What they say: `core.progress`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PREFIX: Final = "rollout."
"""What the names of our tags begin with."""


def ours(tags: Mapping[str, str]) -> dict[str, str]:
    """Only our tags of `tags` (ARM compares tag names without case)."""
    return {lower: value for name, value in tags.items() if (lower := name.lower()).startswith(PREFIX)}


def foreign(tags: Mapping[str, str]) -> dict[str, str]:
    """Everybody else's tags, as they are."""
    return {name: value for name, value in tags.items() if not name.lower().startswith(PREFIX)}
