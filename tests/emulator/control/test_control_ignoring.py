"""Values that the service takes and ignores, on demand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from rollout.emulator.rules import Rules
from rollout.emulator.settings import Settings
from tests.worlds.plane import START, deployment_body


def _rules(*ignores: str) -> Rules:
    seconds = {"endpoint_create": 1.0, "endpoint_update": 1.0, "deployment_create": 1.0, "deployment_update": 1.0}
    return Rules(Settings(seconds=seconds, min_polls=0, unpolled_grace=0.0, ignores=ignores))


def _endpoint(description: str) -> dict[str, Any]:
    properties = {"authMode": "Key", "properties": {}, "description": description}
    return {"location": "eastus2", "identity": {"type": "SystemAssigned"}, "tags": {}, "properties": properties}


def _put(rules: Rules, description: str, *, later: int) -> Any:
    """The description after a PUT; the PUT itself is taken as ever."""
    now = START + timedelta(minutes=later)
    assert rules.put_endpoint("house", _endpoint(description), now).status == 201
    found: Any = rules.get_endpoint("house", rules.settle(now)).body
    assert found["properties"]["provisioningState"] == "Succeeded"
    return found["properties"]["description"]


def test_an_ignored_member_stays_as_it_was() -> None:
    """A new resource does without it; all others are taken."""
    assert _put(_rules(), "one", later=0) == "one"
    ignoring = _rules("endpoint.description")
    assert [_put(ignoring, text, later=n) for n, text in enumerate(("one", "two"))] == [None, None]
    other = _rules("endpoint.publicNetworkAccess", "deployment.description")
    assert [_put(other, text, later=n) for n, text in enumerate(("one", "two"))] == ["one", "two"]


def test_members_of_deployments() -> None:
    """One of its properties, and the instance count beside them."""
    rules = _rules("deployment.instanceType", "deployment.sku")
    _put(rules, "", later=0)
    held = _rules("deployment.sku")
    _put(held, "", later=0)
    for later, model in enumerate(("v1", "v2"), start=1):
        now = START + timedelta(minutes=later)
        assert held.put_deployment("house", "blue", deployment_body(model, 3, {}), now).status == 201
        held.settle(now)
    found: Any = held.get_deployment("house", "blue", START + timedelta(minutes=9)).body
    assert (found["sku"]["capacity"], found["properties"]["model"]) == (1, "azureml:m:v2")
    refused: Any = rules.put_deployment("house", "blue", deployment_body("v1", 1, {}), START + timedelta(minutes=1))
    assert "instanceType is required for managed deployments." in str(refused.body)
