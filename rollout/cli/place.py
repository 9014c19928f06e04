"""A workspace that a command works on."""

from __future__ import annotations

import msgspec

from rollout.azure.address import Target


class Place(msgspec.Struct, frozen=True):
    """A target, how many seconds of its time pass in one of ours, and its name for people."""

    target: Target
    speed: float
    label: str
