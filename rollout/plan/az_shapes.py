"""The shapes of `az ml` files: every key of the managed and Kubernetes endpoint and deployment schemas.

A shape is a word (`text`, `whole`, `number`, `truth`, `any`, `map`, `texts`), a set of allowed words (compared
without case and underscores, as the CLI does), a mapping of keys to shapes, or a tuple of alternatives of which the
last one is the mapping form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Shape = str | frozenset[str] | Mapping[str, Any] | tuple[Any, ...]

_ROUTE: Final = {"port": "whole", "path": "text"}
_RESOURCES: Final = {"cpu": "scalar", "memory": "scalar", "gpu": "scalar", "nvidia.com/gpu": "scalar"}
_PROBE: Final = {
    "period": "whole",
    "initial_delay": "whole",
    "timeout": "whole",
    "success_threshold": "whole",
    "failure_threshold": "whole",
}
_ASSET: Final = {
    "$schema": "text",
    "id": "text",
    "name": "text",
    "version": "scalar",
    "description": "text",
    "tags": "map",
    "properties": "map",
    "datastore": "text",
    "creation_context": "any",
    "intellectual_property": "any",
}
_MODEL: Final = {
    **_ASSET,
    "path": "text",
    "type": "text",
    "flavors": "map",
    "stage": "text",
    "job_name": "text",
    "latest_version": "scalar",
    "utc_time_created": "any",
    "system_metadata": "map",
    "default_deployment_template": "any",
    "allowed_deployment_templates": "any",
}
_ENVIRONMENT: Final = {
    **_ASSET,
    "image": "text",
    "conda_file": ("text", "map"),
    "build": {"path": "text", "dockerfile_path": "text"},
    "inference_config": {"liveness_route": _ROUTE, "readiness_route": _ROUTE, "scoring_route": _ROUTE},
    "os_type": frozenset({"linux", "windows"}),
    "latest_version": "scalar",
}
_COLLECTOR: Final = {
    "collections": "collections",
    "rolling_rate": frozenset({"minute", "hour", "day"}),
    "sampling_rate": "number",
    "request_logging": {"capture_headers": "texts"},
}
COLLECTION: Final[Mapping[str, Shape]] = {
    "enabled": ("truth", frozenset({"true", "false"})),
    "data": ("text", {"name": "text", "path": "text", "version": "scalar", "data_id": "text"}),
    "client_id": "text",
}

DEPLOYMENT: Final[Mapping[str, Shape]] = {
    "$schema": "text",
    "name": "text",
    "endpoint_name": "text",
    "type": frozenset({"managed", "kubernetes"}),
    "description": "text",
    "id": "text",
    "tags": "map",
    "properties": "map",
    "model": ("text", _MODEL),
    "model_mount_path": "text",
    "code_configuration": {"code": "text", "scoring_script": "text"},
    "environment": ("text", _ENVIRONMENT),
    "environment_variables": "map",
    "app_insights_enabled": "truth",
    "instance_type": "text",
    "instance_count": "whole",
    "scale_settings": {
        "type": frozenset({"default", "target_utilization"}),
        "polling_interval": "whole",
        "target_utilization_percentage": "whole",
        "min_instances": "whole",
        "max_instances": "whole",
    },
    "request_settings": {
        "request_timeout_ms": "whole",
        "max_concurrent_requests_per_instance": "whole",
        "max_queue_wait_ms": "whole",
    },
    "liveness_probe": _PROBE,
    "readiness_probe": _PROBE,
    "resources": {"requests": _RESOURCES, "limits": _RESOURCES},
    "data_collector": _COLLECTOR,
    "egress_public_network_access": frozenset({"enabled", "disabled"}),
    "private_network_connection": "truth",
    "provisioning_state": "text",
    "creation_context": "any",
}

ENDPOINT: Final[Mapping[str, Shape]] = {
    "$schema": "text",
    "name": "text",
    "id": "text",
    "kind": "text",
    "description": "text",
    "tags": "map",
    "properties": "map",
    "auth_mode": frozenset({"key", "aml_token", "aad_token"}),
    "public_network_access": frozenset({"enabled", "disabled"}),
    "identity": {
        "type": frozenset({"none", "system_assigned", "user_assigned", "system_assigned,user_assigned"}),
        "principal_id": "text",
        "tenant_id": "text",
        "user_assigned_identities": "maps",
    },
    "traffic": "map",
    "mirror_traffic": "map",
    "compute": "text",
    "location": "text",
    "provisioning_state": "text",
    "scoring_uri": "text",
    "openapi_uri": "text",
}


def fold(word: Any) -> str:
    """A word without case and separators: `AMLToken`, `aml_token` and `AmlToken` are one."""
    return str(word).lower().replace("_", "").replace(" ", "")


def chosen(value: Any, words: frozenset[str]) -> str | None:
    """The allowed word that `value` spells, in its usual spelling."""
    return next((word for word in words if fold(word) == fold(value)), None)
