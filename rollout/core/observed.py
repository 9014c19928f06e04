"""A snapshot of the live endpoint in canonical form. Read from ARM's JSON by `core.canonical`.

Canonical: names lower-case, zero weights left out, durations in seconds, ARM ids lower-case; so that two snapshots
of the same world are equal, whatever spelling the service chose (research: names are case-insensitive, and zero
weights come and go between the SDK's read and write forms).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

SUCCEEDED: Final = "Succeeded"
FAILED: Final = "Failed"
CANCELED: Final = "Canceled"
IN_FLIGHT: Final = frozenset({"Creating", "Updating", "Scaling", "Deleting"})
"""Provisioning states in which the service still works, and refuses other writes."""


class Weights(msgspec.Struct, frozen=True, gc=False):
    """How the endpoint splits its requests: percent of live traffic, and percent mirrored, by deployment.

    Build it with `weights()`, which makes it canonical; then equality means "the same split".
    """

    traffic: tuple[tuple[str, int], ...] = ()
    mirror: tuple[tuple[str, int], ...] = ()

    def live(self, name: str) -> int:
        """Percent of live traffic that `name` gets; 0 if it is not named."""
        return _share(self.traffic, name)

    def mirrored(self, name: str) -> int:
        """Percent of live traffic that is copied to `name`; 0 if it is not named."""
        return _share(self.mirror, name)

    def touches(self, name: str) -> bool:
        """Whether `name` gets any request that does not name it: live or mirrored."""
        return self.live(name) > 0 or self.mirrored(name) > 0

    @property
    def serving(self) -> tuple[str, ...]:
        """The deployments with live traffic, in the order of their names."""
        return tuple([name for name, _ in self.traffic])


def weights(traffic: Mapping[str, int], mirror: Mapping[str, int] | None = None) -> Weights:
    """The canonical `Weights`: lower-case names in order, zeroes left out."""
    return Weights(_canonical(traffic), _canonical(mirror or {}))


def all_to(name: str) -> Weights:
    """All live traffic to one deployment, nothing mirrored."""
    return Weights(((name, 100),), ())


def _share(split: tuple[tuple[str, int], ...], name: str) -> int:
    for key, weight in split:
        if key == name:
            return weight
    return 0


def _canonical(split: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted([(name.lower(), weight) for name, weight in split.items() if weight]))


class Scaling(msgspec.Struct, frozen=True, gc=False):
    """The autoscale setting of a deployment: its ARM id, a digest of what it says but for whom, and whether we carried
    it there."""

    id: str
    digest: str = ""
    carried: bool = False


class Deployment(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One live deployment.

    `revision` and `born` are our tags (None: not ours, or lost). `content` is a digest of the fields that make up
    what the deployment *is*, as the service echoes them; it changes when somebody updates the deployment in place,
    whatever the tags say. `fields` holds the canonical live values for the diff; `contents` the content hashes
    (`sha256:…`) of its assets, by field, where they were read; `provenance` what our write-once properties say.
    `operation` is the URL of the operation that the service is carrying out on it, if it names one. `autoscaled`: its
    count is somebody else's; `scaling` is the enabled autoscale setting that says so, where there is one.
    """

    name: str
    state: str
    count: int
    revision: str | None = None
    born: str | None = None
    content: str = ""
    instance_type: str = ""
    autoscaled: bool = False
    scaling: Scaling | None = None
    fields: Mapping[str, Any] = {}
    contents: Mapping[str, str] = {}
    tags: Mapping[str, str] = {}
    provenance: Mapping[str, str] = {}
    operation: str | None = None

    @property
    def ready(self) -> bool:
        """Whether the service calls it `Succeeded`."""
        return self.state == SUCCEEDED


class Endpoint(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The live endpoint with its deployments.

    `tags` are all tags, ours and foreign. `modified` is the service's own time of the last write to the endpoint,
    a lower bound for "since when are the weights as they are" when our record is lost.
    """

    name: str
    id: str = ""
    state: str = SUCCEEDED
    weights: Weights = Weights()
    deployments: tuple[Deployment, ...] = ()
    tags: Mapping[str, str] = {}
    fields: Mapping[str, Any] = {}
    scoring_uri: str = ""
    swagger_uri: str = ""
    auth_mode: str = "key"
    location: str = ""
    modified: datetime | None = None
    operation: str | None = None

    def deployment(self, name: str) -> Deployment | None:
        """The deployment of that (lower-case) name, if it exists."""
        for found in self.deployments:
            if found.name == name:
                return found
        return None

    @property
    def in_flight(self) -> tuple[str, ...]:
        """Names of what the service is still working on; the endpoint's own name first."""
        mine = (self.name,) if self.state in IN_FLIGHT else ()
        return (*mine, *[found.name for found in self.deployments if found.state in IN_FLIGHT])


class Observation(msgspec.Struct, frozen=True, gc=False):
    """What one look at the service gave: the endpoint (None: there is none) and the service's time of the answer."""

    endpoint: Endpoint | None
    now: datetime
