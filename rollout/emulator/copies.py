"""Many endpoints at once: copies of one that is there, with its deployments, tags and weights, under other names.

The service knows nothing like it. It is how tests and benchmarks come to thousands of endpoints within a second.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rollout.emulator import persistence
from rollout.emulator.answers import plain
from rollout.emulator.endpoints import find
from rollout.emulator.world import World


def copy(world: World, origin: str, names: Sequence[str]) -> None:
    """Add the copies, without regard to limits. An endpoint that has such a name is replaced. Raises `Rejected` (404)
    without the origin, 409 while it is being worked on."""
    held = find(world, origin)
    if held.busy:
        raise plain(409, "Conflict", f"An operation on {origin} is under way.")
    raw = persistence.encoded(held)
    address = re.compile(rb"(?i)(endpoints/)" + re.escape(held.name.encode()) + rb'(?=["/])')
    for name in names:
        made = persistence.decoded(address.sub(rb"\g<1>" + name.encode(), raw))
        made.doc = {**made.doc, "name": name}
        made.keys = (world.secret("key"), world.secret("key"))
        world.endpoints[name.lower()] = made
        world.changed.add(name.lower())
