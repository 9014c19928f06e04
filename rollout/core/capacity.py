"""Is there room for what is still to be created? Proven before the first write, from the service's own numbers.

The service keeps 20 % of a managed deployment's instances free for upgrades: `ceil(1.2 x instances) x cores` count
against the quota of the region and of the family of sizes; a few sizes are exempt. Blue and green are both there for a
while, so what counts is the most that is there at any moment of the way.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from rollout.core.actions import (
    Action,
    CreateEndpoint,
    DeleteDeployment,
    DeployRevision,
    ScaleDeployment,
)
from rollout.core.hazards import QUOTA_RISK
from rollout.core.observed import Endpoint
from rollout.errors import Refused

UNPROVEN: Final = QUOTA_RISK
"""The hazard of going on where capacity cannot be proven, or is missing."""
MOST_DEPLOYMENTS: Final = 20
MOST_INSTANCES: Final = 50
_NAME: Final = re.compile(r"(?=.{3,32}$)[a-zA-Z](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?")
_SIZE: Final = re.compile(r"standard_(?P<series>[a-z]+)(?P<number>\d+)(?P<rest>[a-z]*)(?P<more>(?:_[a-z0-9]+)*)")
_COUNTED: Final[Mapping[str, int]] = {
    "1": 1, "2": 2, "3": 4, "4": 8, "5": 16, "11": 2, "12": 4, "13": 8, "14": 16, "15": 20,
}  # fmt: skip
"""The old D and DS sizes count sizes, not cores; all later names have the cores in them."""
_EXEMPT: Final = re.compile(
    r"standard_(nc(24|48|96)ads_a100_v4|nc40ads_h100_v5|nc80adis_h100_v5|nd96amsr_a100_v4|nd96asr_v4|nd40rs_v2"
    r"|nd96isr?_h100_v5)"
)
"""Sizes without the reservation (reference-managed-online-endpoints-vm-sku-list)."""
_TOTALS: Final = frozenset({"totalcores", "totaldedicatedcores", "cores", "totalclusterdedicatedregionalvcpus"})
_UNIT: Final = re.compile(r"(?<=family)(cluster)?(dedicated)?v?cpus$")


class Usage(msgspec.Struct, frozen=True, gc=False):
    """One line of the region's usages: what is in use, and how much there may be (below 0: no limit)."""

    name: str
    used: int
    limit: int


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a way needs more than there is now: cores by size, deployments; with the sum in words."""

    cores: tuple[tuple[str, int], ...] = ()
    deployments: int = 0
    words: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """Cores of all sizes."""
        return sum(count for _, count in self.cores)

    def __bool__(self) -> bool:
        return bool(self.words or self.faults)


def cores_of(instance_type: str) -> int | None:
    """Cores of one instance, read from the size's name; None for a name that is not a size."""
    match = _SIZE.fullmatch(instance_type.lower())
    if match is None:
        return None
    if match["series"] in ("d", "ds") and not match["rest"] and match["more"] in ("", "_v2"):
        return _COUNTED.get(match["number"])
    return int(match["number"]) or None


def reserved(instance_type: str, count: int) -> int:
    """Instances that so many running ones reserve."""
    return count if _EXEMPT.fullmatch(instance_type.lower()) else math.ceil(count * 1.2 - 1e-9)


def families_of(instance_type: str) -> frozenset[str]:
    """What a size's quota may be called, folded: `Standard DSv2 Family Cluster Dedicated vCPUs` and
    `standardDSv2Family` are `standarddsv2family`; the accelerator stands before the version, or behind it."""
    match = _SIZE.fullmatch(instance_type.lower())
    if match is None:
        return frozenset()
    parts = [part for part in match["more"].split("_") if part]
    version = next((part for part in parts if re.fullmatch(r"v\d+", part)), "")
    others = "".join(part for part in parts if part != version)
    start = f"standard{match['series']}{match['rest']}"
    return frozenset({f"{start}{others}{version}family", f"{start}{version}{others}family"})


def need(actions: Sequence[Action], live: Endpoint | None) -> Need:
    """What carrying those actions out, in their order, takes at its peak beyond what is there."""
    now = {found.name: (found.instance_type, found.count) for found in live.deployments} if live else {}
    start, held = dict(now), dict(now)
    peak: dict[str, int] = {}
    most, words, faults = 0, list[str](), list[str]()
    counted = live is None or not live.fields.get("compute")  # a cluster's sizes are its own
    for action in actions:
        match action:
            case CreateEndpoint(endpoint=spec):
                faults += _name_faults("endpoint", spec.name)
                counted = not spec.fields.get("compute")
            case DeployRevision(deployment=name, spec=spec, count=count):
                faults += _name_faults("deployment", name) if name not in held else []
                held[name] = (spec.instance_type, count)
                if counted and spec.fields.get("type") != "kubernetes":
                    words += _sum(name, spec.instance_type, count, faults)
            case ScaleDeployment(deployment=name, count=count) if name in held and count > held[name][1]:
                held[name] = (held[name][0], count)
                words += _sum(name, held[name][0], count, faults) if counted else []
            case DeleteDeployment(deployment=name):
                held.pop(name, None)
        for size, more in _growth(start, held).items():
            peak[size] = max(peak.get(size, 0), more)
        most = max(most, len(held))
    if most > max(MOST_DEPLOYMENTS, len(start)):
        faults.append(f"an endpoint has at most {MOST_DEPLOYMENTS} deployments, there would be {most}")
    if not words and not faults:
        return Need()
    return Need(
        cores=tuple(sorted((size, more) for size, more in peak.items() if more > 0)),
        deployments=most,
        words=tuple(dict.fromkeys(words)),
        faults=tuple(dict.fromkeys(faults)),
    )


def shortage(wanted: Need, usages: Sequence[Usage]) -> tuple[str, ...]:
    """Everything that stands in the way, each with its sum; () where there is room."""
    found = list(wanted.faults)
    for usage in usages:
        more = asked(wanted, usage.name)
        if more and usage.limit >= 0 and usage.used + more > usage.limit:
            free = max(0, usage.limit - usage.used)
            found.append(
                f"{usage.name}: {more} cores more are needed, {free} of {usage.limit} are free"
                f" ({'; '.join(wanted.words)})"
            )
    return tuple(found)


def line(wanted: Need, usages: Sequence[Usage]) -> str:
    """The sum in one line, for the diff."""
    total = next((usage for usage in usages if _folded(usage.name) in _TOTALS), None)
    room = f"; {total.used} of {total.limit} are in use" if total and total.limit >= 0 else "; no core quota is listed"
    return f"capacity: {'; '.join(wanted.words)}: {wanted.total} cores more{room}"


def prove(wanted: Need, usages: Sequence[Usage], allowed: frozenset[str]) -> None:
    """Raise Refused with every sum that does not work out, unless the hazard is allowed."""
    found = shortage(wanted, usages)
    if found and UNPROVEN not in allowed:
        raise Refused(
            "capacity: " + "; ".join(found),
            hint="ask for quota, use fewer or smaller instances, or delete what is not needed;"
            f" --allow-hazard {UNPROVEN} tries it all the same",
        )


def asked(wanted: Need, usage: str) -> int:
    """How many cores count against that usage."""
    name = _folded(usage)
    if name in _TOTALS:
        return wanted.total
    return sum(count for size, count in wanted.cores if name in families_of(size))


def _folded(usage: str) -> str:
    """A quota's name without case, spaces and unit."""
    return _UNIT.sub("", re.sub(r"[^a-z0-9]", "", usage.lower()))


def _sum(name: str, instance_type: str, count: int, faults: list[str]) -> list[str]:
    """The sum of one deployment in words; a fault where it cannot be made."""
    if count > MOST_INSTANCES:
        faults.append(f"{name}: a deployment has at most {MOST_INSTANCES} instances, not {count}")
    cores, kept = cores_of(instance_type), reserved(instance_type, count)
    if cores is None:
        faults.append(f"{name}: the size {instance_type or '(none)'} is not known, so its cores cannot be counted")
        return []
    upgrade = "" if kept == count else f" (20 % for upgrades: {kept})"
    return [f"{name} {count} × {instance_type}{upgrade} × {cores} cores = {kept * cores}"]


def _growth(start: Mapping[str, tuple[str, int]], held: Mapping[str, tuple[str, int]]) -> dict[str, int]:
    """Cores by size beyond what there was."""
    more: dict[str, int] = {}
    for sign, there in ((1, held), (-1, start)):
        for size, count in there.values():
            taken = reserved(size, count) * (cores_of(size) or 0)
            more[size.lower()] = more.get(size.lower(), 0) + sign * taken
    return more


def _name_faults(kind: str, name: str) -> list[str]:
    if _NAME.fullmatch(name):
        return []
    return [f"{name} is no name for {'an' if kind == 'endpoint' else 'a'} {kind}: 3 to 32 letters, digits, dashes"]
