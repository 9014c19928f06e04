"""What may hurt: the closed set of hazards, each with its sentence, and how one comes to be allowed.

A hazard that the plan itself declares by a stage or a setting is *shown*: whoever approves the change set sees it. One
that nobody asked for is *refused* until the command line (`--allow-hazard`) or the repository's policy names it.
`refuse_hazards` of a plan or of the repository makes a shown one a refused one; a plan cannot do the opposite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

ANY: Final = "*"
"""Allows everything: for looking ahead only, never on a command line."""
NOTHING: Final[frozenset[str]] = frozenset()

CREATES_ENDPOINT: Final = "creates-endpoint"
DELETES_DEPLOYMENT: Final = "deletes-deployment"
DELETES_ENDPOINT: Final = "deletes-endpoint"
DELETES_TRAFFIC: Final = "deletes-traffic"
TRAFFIC_JUMP: Final = "traffic-jump"
NOTICED_JUMP: Final = 50
"""Points of live weight in one write; a larger step is shown."""
UNGATED_TRAFFIC: Final = "ungated-traffic"
TAKES_UNMANAGED: Final = "takes-unmanaged-traffic"
SCALE_DOWN: Final = "scale-down"
AUTH_CHANGE: Final = "auth-change"
UNPINNED_ASSET: Final = "unpinned-asset"
UNVERIFIED_CONTENT: Final = "unverified-content"
BLOCKS_ROLLBACK: Final = "blocks-rollback"
QUOTA_RISK: Final = "quota-risk"
RELEASES_UNVERIFIED: Final = "releases-unverified"

HAZARDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        CREATES_ENDPOINT: "an endpoint is created: whoever deleted it by hand may not expect it back",
        DELETES_DEPLOYMENT: "a deployment is deleted",
        DELETES_ENDPOINT: "the endpoint is deleted, with its address and its keys",
        DELETES_TRAFFIC: "what is deleted serves requests now",
        TRAFFIC_JUMP: "one write gives the candidate more than half of the traffic at once",
        UNGATED_TRAFFIC: "a candidate gets traffic that no gate has looked at before",
        TAKES_UNMANAGED: "traffic is taken from a deployment that is not the plan's; to be allowed by its name",
        SCALE_DOWN: "there are fewer instances afterwards",
        AUTH_CHANGE: "callers that reach the endpoint now may be turned away: its sign-in, network or identity changes",
        UNPINNED_ASSET: "a label such as `@latest` moves: what is deployed may not be what was looked at",
        UNVERIFIED_CONTENT: "what a rollback would return to was made by others: nobody has proven what it is",
        BLOCKS_ROLLBACK: "what served before is gone or replaced afterwards: `rollback --to former` is over",
        QUOTA_RISK: "the quota does not suffice, or nobody can tell whether it does",
        RELEASES_UNVERIFIED: "what serves may be what the file declares already; it is released all the same",
    }
)
"""Every hazard with the sentence that explains it."""
SYNONYMS: Final[Mapping[str, str]] = MappingProxyType({"unproven-capacity": QUOTA_RISK})
"""Names that are understood, too."""
BY_TARGET_ONLY: Final = frozenset({TAKES_UNMANAGED})
"""Hazards that only a name together with its target (`NAME:TARGET`) allows."""


class Hazard(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One thing that may hurt. `target`: the deployment (or endpoint field) that it is about. `why`: what happens, in
    words. `declared`: the plan, or a person's command, says so itself. `allowed` False: refused."""

    name: str
    target: str = ""
    why: str = ""
    declared: bool = False
    allowed: bool = False

    @property
    def flag(self) -> str:
        """What allows it on the command line."""
        targeted = f"{self.name}:{self.target}" if self.name in BY_TARGET_ONLY else self.name
        return f"--allow-hazard {targeted}"

    @property
    def state(self) -> str:
        """`shown`, `allowed` or `refused`."""
        if not self.allowed:
            return "refused"
        return "shown" if self.declared else "allowed"


def declared(name: str, target: str, why: str) -> Hazard:
    """A hazard that a person's own command asks for: shown, never refused."""
    return Hazard(name=name, target=target, why=why, declared=True, allowed=True)


def weighed(found: Iterable[Hazard], allowed: frozenset[str], refused: frozenset[str]) -> tuple[Hazard, ...]:
    """The hazards with what is allowed of them. `refused` are the names for which being declared is not enough."""
    return tuple(
        msgspec.structs.replace(one, allowed=permits(allowed, one) or (one.declared and one.name not in refused))
        for one in found
    )


def permits(allowed: frozenset[str], hazard: Hazard) -> bool:
    """Whether one of the names in `allowed` is that hazard's."""
    if ANY in allowed or f"{hazard.name}:{hazard.target}" in allowed:
        return True
    return hazard.name in allowed and hazard.name not in BY_TARGET_ONLY


def refusal(found: Iterable[Hazard]) -> str:
    """Why it is refused, and the flags that would allow it; "" where nothing is."""
    missing = [one for one in found if not one.allowed]
    if not missing:
        return ""
    reasons = "; ".join(dict.fromkeys(one.why for one in missing))
    flags = " ".join(dict.fromkeys(one.flag for one in missing))
    return f"{reasons}; allow it by name: {flags}"


def canonical(names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared: synonyms replaced, targets kept."""
    return frozenset(_canonical(name) for name in names)


def unknown(name: str) -> bool:
    """Whether that is the name of no hazard (its target, if it has one, left aside)."""
    kind = _canonical(name).partition(":")[0]
    return kind not in HAZARDS


def _canonical(name: str) -> str:
    kind, colon, target = name.partition(":")
    return f"{SYNONYMS.get(kind, kind)}{colon}{target.lower()}"
