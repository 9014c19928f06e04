"""The region's usages, as `Microsoft.MachineLearningServices/locations/{location}/usages` lists them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rollout.core.capacity import Usage


def read_usages(entries: Sequence[Any]) -> list[Usage]:
    """Every entry with a name and two numbers; others are nobody's limit."""
    return list(_read(entries))


def _read(entries: Sequence[Any]) -> Iterator[Usage]:
    for entry in entries:
        name = entry.get("name") if isinstance(entry, Mapping) else None
        value = name.get("value") if isinstance(name, Mapping) else name
        used, limit = (entry.get(key) if isinstance(entry, Mapping) else None for key in ("currentValue", "limit"))
        if value and isinstance(used, int) and isinstance(limit, int):
            yield Usage(str(value), used, limit)
