"""A length of time in words, to the second. What a plan can write back is `rollout.plan.durations.show_duration`."""

from __future__ import annotations


def span(seconds: float) -> str:
    """`3725` → `1h2m5s`."""
    rest = round(seconds)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
