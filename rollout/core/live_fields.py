"""Rarer members of a deployment's ARM body as flat canonical fields: scaling, resources, collected data, properties.

Only what the body says: nothing here has a value where the service sends none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollout.core.stamp import PROVENANCE

_SCALE: Final = {
    "min_instances": "minInstances",
    "max_instances": "maxInstances",
    "target_utilization_percentage": "targetUtilizationPercentage",
}
_RESOURCES: Final = {"requests": "containerResourceRequests", "limits": "containerResourceLimits"}
_SECONDS: Final = re.compile(r"PT([0-9]+)S")
_UNITS: Final = ("cpu", "memory", "gpu")
_DATA: Final = re.compile(r"(?:/data/|azureml:)([^/:]+)(?:/versions/|:)([^/:]+)$", re.IGNORECASE)
_PRIVATE: Final = "private-network-connection"
"""How the SDK sends `private_network_connection`: the member of that name is not in its model."""
_NOBODYS: Final = frozenset(
    {"azureasyncoperationuri", "azureml.onlineendpointid", "createdby", "createdat", "lastmodifiedby", "lastmodifiedat"}
    | {_PRIVATE}
)
"""Properties that the service or the SDK writes by itself (the SDK sends those back that it made up when reading)."""


def rarer_fields(properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Flat fields by the names of the plan language; `properties` is the deployment's `properties` member."""
    yield from _scale(_map(properties, "scaleSettings"))
    if requirements := _map(properties, "containerResourceRequirements"):
        yield from _resources(requirements)
    if collector := _map(properties, "dataCollector"):
        yield from _collector(collector)
    own = _map(properties, "properties")
    for name, value in own.items():
        if value is not None and not is_nobodys(name):
            yield f"properties.{name}", str(value)
    if properties.get("privateNetworkConnection") or _truth(own.get(_PRIVATE)):
        yield "private_network_connection", True
    if str(properties.get("endpointComputeType") or "Managed") != "Managed":
        yield "type", str(properties["endpointComputeType"]).lower()


def is_nobodys(name: str) -> bool:
    """Whether no person sets the property of that name."""
    lower = name.lower()
    return lower in _NOBODYS or lower.startswith(PROVENANCE)


def _scale(settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if str(settings.get("scaleType") or "Default") == "Default":
        return
    yield "scale_settings.type", "target_utilization"
    for name, member in _SCALE.items():
        if settings.get(member) is not None:
            yield f"scale_settings.{name}", settings[member]
    if interval := _SECONDS.fullmatch(str(settings.get("pollingInterval"))):
        yield "scale_settings.polling_interval", int(interval[1])


def _resources(requirements: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, member in _RESOURCES.items():
        asked = _map(requirements, member)
        yield from ((f"resources.{name}.{unit}", str(asked[unit])) for unit in _UNITS if asked.get(unit) is not None)


def _collector(collector: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if collector.get("rollingRate"):
        yield "data_collector.rolling_rate", str(collector["rollingRate"]).lower()
    headers = _map(collector, "requestLogging").get("captureHeaders")
    if headers:
        yield "data_collector.request_logging.capture_headers", list(headers)
    rates = []
    for name in _map(collector, "collections"):
        collection = _map(_map(collector, "collections"), name)
        at = f"data_collector.collections.{name}"
        mode = str(collection.get("dataCollectionMode")).lower()
        yield f"{at}.enabled", "true" if mode == "enabled" else "false"
        if collection.get("clientId"):
            yield f"{at}.client_id", str(collection["clientId"])
        if data := _DATA.search(str(collection.get("dataId"))):
            yield f"{at}.data.name", data[1]
            yield f"{at}.data.version", data[2]
        if isinstance(collection.get("samplingRate"), int | float):
            rates.append(float(collection["samplingRate"]))
    if rates:
        yield "data_collector.sampling_rate", rates[0]


def _truth(value: Any) -> bool:
    return str(value).lower() == "true"


def _map(body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = body.get(key)
    if found is None:
        return {}
    return found if type(found) is dict or isinstance(found, Mapping) else {}
