"""Request bodies, and a service in memory to send them to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from rollout.emulator.answers import Answer
from rollout.emulator.rules import Rules
from rollout.emulator.settings import Settings

START = datetime(2026, 1, 1, tzinfo=UTC)


def endpoint_body(
    traffic: dict[str, Any] | None = None, mirror: dict[str, Any] | None = None, **top: Any
) -> dict[str, Any]:
    """What the SDK sends for an endpoint."""
    return {
        "location": "eastus2",
        "identity": {"type": "SystemAssigned"},
        "tags": {},
        "properties": {
            "authMode": "Key",
            "properties": {},
            "traffic": traffic or {},
            "mirrorTraffic": mirror or {},
        },
    } | top


def deployment_body(count: int = 1, *, size: str = "Standard_DS3_v2", **changed: Any) -> dict[str, Any]:
    """What the SDK sends for a managed deployment; `changed` goes into its properties."""
    inner: dict[str, Any] = {
        "endpointComputeType": "Managed",
        "instanceType": size,
        "model": None,
        "properties": {},
        "environmentVariables": {},
        "appInsightsEnabled": False,
    }
    return {
        "location": "eastus2",
        "tags": {},
        "sku": {"name": "Default", "capacity": count},
        "properties": inner | changed,
    }


class Bench:
    """Rules with a clock; each write is followed by its end unless the test wants to look in between."""

    def __init__(self, settings: Settings | None = None, *, backend: bool = False) -> None:
        self.rules = Rules(settings, backend=backend)
        self.now = START

    def settle(self) -> None:
        """Let everything under way end."""
        self.now = self.rules.settle(self.now)

    def later(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)

    def endpoint(self, traffic: dict[str, Any] | None = None, **more: Any) -> Answer:
        """PUT the endpoint `house`."""
        return self.rules.put_endpoint("house", endpoint_body(traffic, **more), self.now)

    def deployment(self, name: str, count: int = 1, **changed: Any) -> Answer:
        """PUT a deployment of `house`."""
        return self.rules.put_deployment("house", name, deployment_body(count, **changed), self.now)

    def weights(self) -> tuple[dict[str, int], dict[str, int]]:
        """Committed live and mirrored weights."""
        inner = self.rules.get_endpoint("house", self.now).body["properties"]
        return inner["traffic"], inner["mirrorTraffic"]

    def serving(self, *names: str) -> Bench:
        """With an endpoint and these deployments, all traffic on the first."""
        self.endpoint()
        self.settle()
        for name in names:
            self.deployment(name)
            self.settle()
        self.endpoint({names[0]: 100})
        self.settle()
        return self


def sentence(answer: Answer) -> str:
    """What a refusal says to people, without its envelope."""
    error = answer.body["error"]
    details = error.get("details") or ()
    if not details:
        return str(error["message"])
    text: str = details[0]["message"]
    return text.removeprefix('{{"errors":{{"":["').removesuffix(
        '"]}},"title":"One or more validation errors occurred."}}'
    )
