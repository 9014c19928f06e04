"""The fields that a plan can declare, a value for each, and how somebody changes just that one through the SDK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

Change = Callable[[Any], None]


class Row(msgspec.Struct, frozen=True):
    """One field: its path in the diff, and the change. `through` says whose PUT carries it: the SDK's entity, or the
    body that the service showed, where the SDK cannot say that field or loses others with it."""

    path: str
    change: Change
    through: str = "SDK"


ENDPOINT: Final = """\
name: {name}
description: Prices of houses
auth_mode: key
public_network_access: enabled
identity: {{type: system_assigned}}
tags: {{team: pricing}}
properties: {{origin: test}}
"""

DEPLOYMENT: Final = """\
description: The first
tags: {stage: trial}
properties: {origin: test}
model: azureml:prices:1
model_mount_path: /var/prices
code_configuration: {code: azureml:scorer:1, scoring_script: score.py}
environment: azureml:runtime:1
environment_variables: {MODE: fast}
instance_type: Standard_DS3_v2
instance_count: 2
app_insights_enabled: true
egress_public_network_access: disabled
private_network_connection: true
request_settings: {request_timeout_ms: 30000, max_concurrent_requests_per_instance: 4, max_queue_wait_ms: 700}
liveness_probe: {initial_delay: 20, period: 15, timeout: 3, success_threshold: 2, failure_threshold: 20}
readiness_probe: {initial_delay: 20, period: 15, timeout: 3, success_threshold: 2, failure_threshold: 20}
data_collector:
  rolling_rate: day
  sampling_rate: 0.5
  request_logging: {capture_headers: [x-trace]}
  collections: {inputs: {enabled: "true", client_id: c1, data: {name: seen, version: "1", path: azureml://datastores/workspaceblobstore/paths/seen}}}
"""


def put(*path: str, to: Any) -> Change:
    """Set one member of a body or an entity."""

    def change(found: Any) -> None:
        for part in path[:-1]:
            found = found[part] if isinstance(found, dict) else getattr(found, part)
        if isinstance(found, dict):
            found[path[-1]] = to
        else:
            setattr(found, path[-1], to)

    return change


def _raw(path: str, *members: str, to: Any) -> Row:
    return Row(path, put("properties", *members, to=to), "REST")


ENDPOINT_ROWS: Final = (
    Row("description", put("description", to="Others")),
    Row("tags.team", put("tags", "team", to="sales")),
    Row("auth_mode", put("auth_mode", to="aml_token")),
    Row("public_network_access", put("properties", "publicNetworkAccess", to="Disabled"), "REST"),
    Row("identity.type", put("identity", to={"type": "None"}), "REST"),
)

_PROBE: Final = (
    ("initial_delay", "initialDelay", "PT25S"),
    ("period", "period", "PT16S"),
    ("timeout", "timeout", "PT4S"),
    ("success_threshold", "successThreshold", 3),
    ("failure_threshold", "failureThreshold", 21),
)
_COLLECTION: Final = ("dataCollector", "collections", "inputs")

DEPLOYMENT_ROWS: Final = (
    Row("description", put("description", to="Another")),
    Row("tags.stage", put("tags", "stage", to="live")),
    Row("instance_count", put("instance_count", to=1)),
    Row("model", put("model", to="azureml:prices:2")),
    Row("environment", put("environment", to="azureml:runtime:2")),
    Row("code", put("code_configuration", "code", to="azureml:scorer:2")),
    _raw("scoring_script", "codeConfiguration", "scoringScript", to="other.py"),
    Row("environment_variables.MODE", put("environment_variables", "MODE", to="slow")),
    Row("app_insights_enabled", put("app_insights_enabled", to=False)),
    Row("request_settings.request_timeout_ms", put("request_settings", "request_timeout_ms", to=31000)),
    Row(
        "request_settings.max_concurrent_requests_per_instance",
        put("request_settings", "max_concurrent_requests_per_instance", to=5),
    ),
    Row("request_settings.max_queue_wait_ms", put("request_settings", "max_queue_wait_ms", to=800)),
    *(
        _raw(f"{plan}_probe.{name}", f"{plan}Probe", member, to=value)
        for plan in ("liveness", "readiness")
        for name, member, value in _PROBE
    ),
    _raw("model_mount_path", "modelMountPath", to="/var/others"),
    _raw("instance_type", "instanceType", to="Standard_F4s_v2"),
    _raw("egress_public_network_access", "egressPublicNetworkAccess", to="Enabled"),
    _raw("data_collector.rolling_rate", "dataCollector", "rollingRate", to="Hour"),
    _raw("data_collector.sampling_rate", *_COLLECTION, "samplingRate", to=0.25),
    _raw(
        "data_collector.request_logging.capture_headers", "dataCollector", "requestLogging", "captureHeaders", to=["y"]
    ),
    _raw("data_collector.collections.inputs.enabled", *_COLLECTION, "dataCollectionMode", to="disabled"),
    _raw("data_collector.collections.inputs.client_id", *_COLLECTION, "clientId", to="c2"),
    _raw("data_collector.collections.inputs.data.name", *_COLLECTION, "dataId", to="azureml:other:1"),
    _raw("data_collector.collections.inputs.data.version", *_COLLECTION, "dataId", to="azureml:seen:2"),
)

NOT_CHANGED: Final = {
    "properties.* (both)": "the service lets properties be added, never altered",
    "private_network_connection": "the SDK sends it as a property, which the service never alters",
    "data_collector.collections.*.data.path": "the service shows the registered asset, not where it lies",
    "compute, location, name, type": "only said at creation; a plan never changes them",
    "scale_settings.*, resources.*": "Kubernetes deployments, which this tool does not create",
}
"""Fields without a row, and why."""
