"""An endpoint under test, and where new ones come from."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.conformance.target import Target, deployment_body, endpoint_body


@dataclass(slots=True)
class House:
    """One endpoint of the tests' own. `content`: what its deployments run."""

    target: Target
    name: str
    content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Below the workspace."""
        return f"onlineEndpoints/{self.name}"

    def at(self, deployment: str) -> str:
        """A deployment's path below the workspace."""
        return f"{self.path}/deployments/{deployment}"

    def body(self, traffic: Any = None, mirror: Any = None, **properties: Any) -> dict[str, Any]:
        """A PUT's body."""
        return endpoint_body(self.target.location, traffic, mirror, **properties)

    def deployed(self, capacity: int = 1, **properties: Any) -> dict[str, Any]:
        """A PUT's body for a deployment."""
        return deployment_body(self.target.location, self.content, capacity, **properties)

    def put(self, traffic: Any = None, mirror: Any = None, **properties: Any) -> requests.Response:
        """PUT the endpoint, without waiting."""
        return self.target.ask("PUT", self.path, self.body(traffic, mirror, **properties))

    def set(self, traffic: Any = None, mirror: Any = None, **properties: Any) -> None:
        """PUT the endpoint, to its end."""
        self.target.do("PUT", self.path, self.body(traffic, mirror, **properties))

    def deploy(self, name: str, capacity: int = 1, **properties: Any) -> None:
        """PUT a deployment, to its end."""
        self.target.do("PUT", self.at(name), self.deployed(capacity, **properties))

    def begin(self, name: str, capacity: int = 1, **properties: Any) -> requests.Response:
        """PUT a deployment, without waiting."""
        return self.target.ask("PUT", self.at(name), self.deployed(capacity, **properties))

    def show(self, deployment: str = "") -> dict[str, Any]:
        """The endpoint, or one of its deployments, as it is now."""
        found: dict[str, Any] = self.target.read(self.at(deployment) if deployment else self.path)
        return found

    def weights(self) -> tuple[dict[str, int], dict[str, int]]:
        """Live and mirrored weights, without the zeroes."""
        inner = self.show()["properties"]
        live, mirror = (
            {name: weight for name, weight in inner[kind].items() if weight} for kind in ("traffic", "mirrorTraffic")
        )
        return live, mirror


@dataclass(slots=True)
class Fresh:
    """Makes endpoints with names that nobody else has, and deletes them at the end."""

    target: Target
    content: Mapping[str, Any] = field(default_factory=dict)
    made: list[House] = field(default_factory=list)

    def house(self, *deployments: str, traffic: Mapping[str, int] | None = None, **properties: Any) -> House:
        """A new endpoint with these deployments; all traffic to the first unless said otherwise."""
        house = self.named(**properties)
        for name in deployments:
            house.deploy(name)
        split = {deployments[0]: 100} if deployments and traffic is None else traffic
        if split:
            house.set(split, **properties)
        return house

    def named(self, **properties: Any) -> House:
        """A new endpoint without deployments."""
        house = self.planned()
        house.set(**properties)
        return house

    def kept(self, use: str, *deployments: str) -> House:
        """One endpoint for all cases of a use: made when the first of them asks."""
        known = [house for house in self.made if house.name.endswith(f"-{use}")]
        if known:
            return known[0]
        house = self.planned()
        house.name += f"-{use}"
        house.set()
        for name in deployments:
            house.deploy(name)
        return house

    def planned(self) -> House:
        """A name that is free; nothing is made yet, but it is cleaned up all the same."""
        house = House(self.target, f"conf-{uuid.uuid4().hex[:12]}", self.content)
        self.made.append(house)
        return house

    def clean_up(self) -> None:
        """Delete what was made. The emulator is thrown away as a whole instead."""
        for house in () if self.target.emulated else self.made:
            with contextlib.suppress(requests.RequestException, AssertionError):
                self.target.do("DELETE", house.path)
