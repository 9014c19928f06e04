"""The seam between the control plane (what ARM says) and the data plane (what serves)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What one deployment runs. Paths are local directories into which the control plane has unpacked the blobs.

    `kind` is `scoring_script` (run for real), or `mlflow`, `triton`, `custom` (answered by a labelled stub).
    `timeout_ms`, `max_concurrent` and `queue_ms` are the request settings in force (defaults filled in).
    """

    endpoint: str
    deployment: str
    kind: str = "scoring_script"
    code_dir: Path | None = None
    scoring_script: str | None = None
    model_dir: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    count: int = 1
    timeout_ms: int = 5000
    max_concurrent: int = 1
    queue_ms: int = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a provisioning ended. `code` is the service's `error.code` (`ResourceNotReady`, `BadArgument`, ...)."""

    ok: bool
    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What the router must know of an endpoint. `keys` are the accepted bearer values for `auth_mode`."""

    endpoint: str
    traffic: Mapping[str, int] = field(default_factory=dict)
    mirror: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    auth_mode: str = "Key"


class Backend(Protocol):
    """Runs containers and routes requests to them. Names are lower-case."""

    async def deploy(self, container: Container) -> Outcome:
        """Start (or replace, one instance after the other) the instances; return when all answer, or cannot."""

    async def scale(self, endpoint: str, deployment: str, count: int) -> Outcome:
        """Start or stop instances until there are `count`."""

    async def remove(self, endpoint: str, deployment: str) -> None:
        """Stop all instances of a deployment. Removing what is not there is fine."""

    def route(self, route: Route) -> None:
        """Take over the endpoint's weights, mirror and keys, at once."""

    def unroute(self, endpoint: str) -> None:
        """The endpoint is gone."""

    def logs(self, endpoint: str, deployment: str, tail: int) -> str:
        """The last lines of one instance's log."""


class NoBackend:
    """A backend without processes: everything deploys at once and nothing answers. For laws, fuzzing and fleets.

    `broken` names deployments whose instances never become ready.
    """

    def __init__(self) -> None:
        self.broken: set[str] = set()

    async def deploy(self, container: Container) -> Outcome:
        """Succeed, unless the deployment is called broken."""
        if container.deployment in self.broken:
            return Outcome(ok=False, code="ResourceNotReady", message="User container has crashed or terminated")
        return Outcome(ok=True)

    async def scale(self, endpoint: str, deployment: str, count: int) -> Outcome:
        """Succeed."""
        return Outcome(ok=True)

    async def remove(self, endpoint: str, deployment: str) -> None:
        """Do nothing."""

    def route(self, route: Route) -> None:
        """Do nothing."""

    def unroute(self, endpoint: str) -> None:
        """Do nothing."""

    def logs(self, endpoint: str, deployment: str, tail: int) -> str:
        """Nothing ran, nothing was logged."""
        return ""
