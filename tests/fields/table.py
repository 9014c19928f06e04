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
    "name, endpoint_name, type, compute, location": "only said at creation; a plan never changes them",
    "scale_settings.type": "another type has other fields: all of them are named, not one",
    "traffic, mirror_traffic": "refused in a file: the stages decide",
    "data_collector.collections.*.data.data_id": "the same as name and version, which have rows",
    "$schema, id, kind, creation_context, provisioning_state, scoring_uri, openapi_uri": "what only the service says",
}
"""Fields without a row, and why."""

KUBERNETES_ENDPOINT: Final = "name: {name}\nauth_mode: key\ncompute: azureml:cluster\n"
KUBERNETES: Final = """\
type: kubernetes
model: azureml:prices:1
code_configuration: {code: azureml:scorer:1, scoring_script: score.py}
environment: azureml:runtime:1
instance_type: small
scale_settings:
  {type: target_utilization, min_instances: 1, max_instances: 3, polling_interval: 10,
   target_utilization_percentage: 70}
resources:
  requests: {cpu: "0.5", memory: 1Gi, nvidia.com/gpu: "1"}
  limits: {cpu: "1", memory: 2Gi, nvidia.com/gpu: "1"}
"""

KUBERNETES_ROWS: Final = (
    _raw("scale_settings.min_instances", "scaleSettings", "minInstances", to=2),
    _raw("scale_settings.max_instances", "scaleSettings", "maxInstances", to=5),
    _raw("scale_settings.polling_interval", "scaleSettings", "pollingInterval", to="PT20S"),
    _raw("scale_settings.target_utilization_percentage", "scaleSettings", "targetUtilizationPercentage", to=80),
    *(
        _raw(f"resources.{plan}.{unit}", "containerResourceRequirements", member, unit, to="4")
        for plan, member in (("requests", "containerResourceRequests"), ("limits", "containerResourceLimits"))
        for unit in ("cpu", "memory", "gpu")
    ),
)
"""Rows of a second deployment: what only Kubernetes has."""

_DEPLOYMENT_YAML: Final = "documented: CLI (v2) managed online deployment YAML schema"
_ENDPOINT_YAML: Final = "documented: CLI (v2) online endpoint YAML schema"
SOURCES: Final = {
    ("endpoint", "description"): "recorded: the service answers null",
    ("endpoint", "auth_mode"): _ENDPOINT_YAML,
    ("endpoint", "public_network_access"): f"{_ENDPOINT_YAML}; recorded",
    ("deployment", "description"): "recorded: the service answers null",
    ("deployment", "app_insights_enabled"): f"{_DEPLOYMENT_YAML}; recorded",
    ("deployment", "egress_public_network_access"): f"{_DEPLOYMENT_YAML}; recorded",
    ("deployment", "request_settings"): f"{_DEPLOYMENT_YAML}; recorded (`max_queue_wait_ms` as `PT0S`)",
    ("deployment", "liveness_probe"): f"{_DEPLOYMENT_YAML}; recorded",
    ("deployment", "readiness_probe"): f"{_DEPLOYMENT_YAML}; recorded",
    ("deployment", "type"): "documented: `type` is for Kubernetes only",
    ("deployment", "scale_settings"): f"{_DEPLOYMENT_YAML}; recorded",
    ("deployment", "data_collector"): f"{_DEPLOYMENT_YAML}",
}
"""Where each default is known from, by the first word of its field."""
