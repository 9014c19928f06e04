"""The rarer members of a deployment's body, as the service sends them, by the names of the plan language."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from rollout.core.live_fields import rarer_fields


def flat(**properties: Any) -> dict[str, Any]:
    """The fields of a body with those members."""
    return dict(rarer_fields(properties))


def test_a_body_without_any_has_none() -> None:
    """Nothing has a value where the service sends none, or says what it says of every deployment."""
    usual = {"scaleSettings": {"scaleType": "Default", "minInstances": 1}, "endpointComputeType": "Managed"}

    assert flat() == {}
    assert flat(**usual, properties={"azureml.onlineendpointid": "x", "rollout.plan": "p", "empty": None}) == {}
    assert flat(scaleSettings=None, dataCollector="odd", properties=[], endpointComputeType=None) == {}


def test_how_a_cluster_scales() -> None:
    """Kubernetes alone: between which counts, by what, and how often it is looked at."""
    scale = {
        "scaleType": "TargetUtilization",
        "minInstances": 0,
        "maxInstances": 4,
        "targetUtilizationPercentage": 70,
        "pollingInterval": "PT15S",
    }

    assert flat(scaleSettings=MappingProxyType(scale), endpointComputeType="Kubernetes") == {
        "scale_settings.type": "target_utilization",
        "scale_settings.min_instances": 0,
        "scale_settings.max_instances": 4,
        "scale_settings.target_utilization_percentage": 70,
        "scale_settings.polling_interval": 15,
        "type": "kubernetes",
    }


@pytest.mark.parametrize("interval", [None, "", "PT1M", "PTS", "15S", "PT15", "PT1.5S", "PT15SX"])
def test_an_interval_in_other_words_is_not_told(interval: str | None) -> None:
    """Only whole seconds are compared."""
    settings = {"scaleType": "TargetUtilization", "pollingInterval": interval}

    assert flat(scaleSettings=settings) == {"scale_settings.type": "target_utilization"}


def test_what_a_container_asks_for() -> None:
    """Requests and limits; numbers as the text that the language has."""
    asked = {
        "containerResourceRequests": {"cpu": "0.5", "memory": "1Gi", "gpu": None},
        "containerResourceLimits": {"cpu": 1},
    }

    assert flat(containerResourceRequirements=asked) == {
        "resources.requests.cpu": "0.5",
        "resources.requests.memory": "1Gi",
        "resources.limits.cpu": "1",
    }


def test_what_is_collected() -> None:
    """By collection; the rate that the service keeps with each of them is one for all in the language."""
    collector = {
        "rollingRate": "Hour",
        "requestLogging": {"captureHeaders": ("x-one", "x-two")},
        "collections": {
            "inputs": {
                "dataCollectionMode": "Enabled",
                "clientId": 7,
                "dataId": "/subscriptions/s/providers/x/workspaces/w/data/house/versions/3",
                "samplingRate": 1,
            },
            "outputs": {"dataCollectionMode": "Disabled", "dataId": "azureml:prices:12", "samplingRate": 0.5},
            "other": {"dataId": "house", "samplingRate": "1"},
            "empty": None,
        },
    }

    assert flat(dataCollector=collector) == {
        "data_collector.rolling_rate": "hour",
        "data_collector.request_logging.capture_headers": ["x-one", "x-two"],
        "data_collector.collections.inputs.enabled": "true",
        "data_collector.collections.inputs.client_id": "7",
        "data_collector.collections.inputs.data.name": "house",
        "data_collector.collections.inputs.data.version": "3",
        "data_collector.collections.outputs.enabled": "false",
        "data_collector.collections.outputs.data.name": "prices",
        "data_collector.collections.outputs.data.version": "12",
        "data_collector.collections.other.enabled": "false",
        "data_collector.collections.empty.enabled": "false",
        "data_collector.sampling_rate": 1.0,
    }
    assert flat(dataCollector={"collections": {}, "requestLogging": {"captureHeaders": []}}) == {}


@pytest.mark.parametrize(
    ("body", "private"),
    [
        ({"privateNetworkConnection": True}, True),
        ({"properties": {"private-network-connection": "True"}}, True),
        ({"privateNetworkConnection": False, "properties": {"private-network-connection": "false"}}, False),
        ({"properties": {}}, False),
    ],
)
def test_a_private_network(body: dict[str, Any], private: bool) -> None:
    """As a member, or as the property that the SDK sends instead."""
    assert flat(**body) == ({"private_network_connection": True} if private else {})


def test_properties_of_persons() -> None:
    """Texts, whatever was sent; those that the service, the SDK or we write are nobody's."""
    sent = {"Team": "ml", "cost": 7, "CreatedBy": "x", "Rollout.Plan": "p", "private-network-connection": "false"}

    assert flat(properties=sent) == {"properties.Team": "ml", "properties.cost": "7"}
