"""`az ml` files as they are: Microsoft's own examples, and the canonical form of every field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollout.core.canonical import read_deployment
from rollout.core.release import EndpointSpec
from rollout.plan.az_fields import deployment_fields, endpoint_spec, spelled
from rollout.plan.az_files import check_endpoint
from rollout.plan.az_shapes import DEPLOYMENT
from rollout.plan.documents import Document, merge_patch
from rollout.plan.loader import load_text

USER = "/subscriptions/S/resourceGroups/G/providers/Microsoft.ManagedIdentity/userAssignedIdentities/"


def document(text: str, origin: Path = Path("f.yml")) -> Document:
    """A document of that text."""
    loaded = load_text(text, str(origin))
    assert loaded.faults == ()
    return Document(loaded.data, loaded.source, origin)


def test_every_deployment_field() -> None:
    """Each declared field has its canonical key and spelling."""
    fields = deployment_fields(document("""\
name: blue
type: Kubernetes
model: azureml://registries/azureml/models/Llama/versions/2
code_configuration: {code: "azureml:code:1", scoring_script: score.py}
environment: azureml:/subscriptions/S/resourceGroups/G/providers/x/workspaces/W/environments/Env/versions/4
environment_variables: {A: 1, B: true, C: null}
app_insights_enabled: true
instance_type: Standard_DS3_v2
instance_count: 3
egress_public_network_access: Disabled
request_settings: {request_timeout_ms: "3000", max_concurrent_requests_per_instance: 2}
liveness_probe: {initial_delay: 20}
readiness_probe: {failure_threshold: 3}
scale_settings: {type: TargetUtilization, min_instances: 1}
resources: {requests: {cpu: 0.1, memory: 1Gi}}
data_collector: {sampling_rate: 1, rolling_rate: Day, collections: {inputs: {enabled: "True"}}}
private_network_connection: true
properties: {p: 1}
"""))  # fmt: skip
    assert fields == {
        "app_insights_enabled": True,
        "code": "azureml:code:1",
        "data_collector.collections.inputs.enabled": "True",
        "data_collector.rolling_rate": "day",
        "data_collector.sampling_rate": 1.0,
        "egress_public_network_access": "disabled",
        "environment": "azureml:env:4",
        "environment_variables.A": "1",
        "environment_variables.B": "True",
        "instance_type": "standard_ds3_v2",
        "liveness_probe.initial_delay": 20,
        "model": "azureml://registries/azureml/models/llama/versions/2",
        "private_network_connection": True,
        "properties.p": 1,
        "readiness_probe.failure_threshold": 3,
        "request_settings.max_concurrent_requests_per_instance": 2,
        "request_settings.request_timeout_ms": 3000,
        "resources.requests.cpu": "0.1",
        "resources.requests.memory": "1Gi",
        "scale_settings.min_instances": 1,
        "scale_settings.type": "target_utilization",
        "scoring_script": "score.py",
        "type": "kubernetes",
    }


def test_inline_environment_and_model(tmp_path: Path) -> None:
    """Inline assets are flat keys; local content stands there by its digest."""
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text("FROM x\n")
    (tmp_path / "m.pkl").write_text("m")
    fields = deployment_fields(document("""\
model: {name: house, version: 3, path: ./m.pkl, type: custom_model, description: ignored}
environment:
  name: env
  version: 2
  build: {path: ctx, dockerfile_path: Dockerfile}
  conda_file: {name: x, dependencies: [python]}
  inference_config: {scoring_route: {port: 80, path: /score}}
  os_type: Linux
""", tmp_path / "f.yml"))  # fmt: skip
    contents = {key: value for key, value in fields.items() if str(value).startswith("sha256:")}
    assert sorted(contents) == ["environment.build", "environment.conda_file", "model"]
    assert {key: value for key, value in fields.items() if key not in contents} == {
        "environment.build.dockerfile_path": "Dockerfile",
        "environment.inference_config.scoring_route.path": "/score",
        "environment.inference_config.scoring_route.port": 80,
        "environment.name": "env",
        "environment.os_type": "Linux",
        "environment.version": "2",
        "model.name": "house",
        "model.path": "m.pkl",
        "model.type": "custom_model",
        "model.version": "3",
    }


def test_declared_fields_are_spelt_as_observed_ones() -> None:
    """What a file declares and what the service answers for it meet in the same keys and values."""
    declared = deployment_fields(document("""\
model: azureml:House:3
environment: azureml:Env:1
code_configuration: {code: "azureml:Code:2", scoring_script: score.py}
instance_type: Standard_DS3_v2
app_insights_enabled: true
egress_public_network_access: disabled
environment_variables: {WORKERS: 2}
request_settings: {request_timeout_ms: 3000, max_concurrent_requests_per_instance: 4}
liveness_probe: {period: 7}
"""))  # fmt: skip
    workspace = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
    body: dict[str, Any] = {
        "id": f"{workspace}/onlineEndpoints/e/deployments/blue",
        "name": "blue",
        "properties": {
            "model": f"{workspace}/models/House/versions/3",
            "environmentId": f"{workspace}/environments/Env/versions/1",
            "codeConfiguration": {"codeId": f"{workspace}/codes/Code/versions/2", "scoringScript": "score.py"},
            "instanceType": "Standard_DS3_v2",
            "appInsightsEnabled": True,
            "egressPublicNetworkAccess": "Disabled",
            "environmentVariables": {"WORKERS": "2"},
            "requestSettings": {"requestTimeout": "PT3S", "maxConcurrentRequestsPerInstance": 4},
            "livenessProbe": {"period": "PT7S"},
            "provisioningState": "Succeeded",
        },
    }
    live = read_deployment(body).fields
    assert {key: live.get(key) for key in declared} == declared


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("name: E", {}),
        ("auth_mode: AMLToken", {"auth_mode": "aml_token"}),
        ("{description: d, tags: {a: 1, b: null}, properties: {p: q}}",
         {"description": "d", "tags": {"a": "1"}, "properties": {"p": "q"}}),
        ("public_network_access: Disabled", {"public_network_access": "disabled"}),
        ("identity: {type: user_assigned, user_assigned_identities:"
         f" [{{resource_id: {USER}B}}, {{resource_id: {USER}A}}]}}",
         {"identity": {"type": "user_assigned", "user_assigned_identities": [f"{USER}a".lower(), f"{USER}b".lower()]}}),
        ("identity: {type: SystemAssigned}", {"identity": {"type": "system_assigned"}}),
        ("compute: azureml:k8s", {"compute": "azureml:k8s"}),
        ("{location: westeurope, scoring_uri: https://x, provisioning_state: Succeeded}", {}),
    ],
)  # fmt: skip
def test_endpoint_fields(text: str, fields: dict[str, Any]) -> None:
    """Declared fields only, canonical; what the service alone decides is left out."""
    found = document(text)
    assert list(check_endpoint(found)) == []
    assert endpoint_spec(found, "E") == EndpointSpec(name="e", fields=fields)


@pytest.mark.parametrize(
    ("data", "patch", "merged"),
    [
        ({"a": 1, "b": 2}, {"b": 3}, {"a": 1, "b": 3}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": None}}, {"a": {"x": 1}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "text"}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({}, {"a": None}, {}),
    ],
)
def test_merge_patch(data: Any, patch: Any, merged: Any) -> None:
    """The examples of RFC 7386 that matter here."""
    assert merge_patch(data, patch) == merged


def test_the_document_is_spelled_as_the_sdk_takes_it() -> None:
    """Versions and quantities that people write as numbers, switches that they write as truths; all else as it is."""
    text = """\
instance_type: Standard_DS3_v2
instance_count: 2
model: {path: m, version: 3, tags: {a: 1}}
resources: {requests: {cpu: 1, memory: 2Gi}}
environment_variables: {WORKERS: 2}
data_collector: {sampling_rate: 1, collections: {inputs: {enabled: true, data: {name: d, version: 1}}}}
"""
    assert spelled(DEPLOYMENT, document(text).data) == {
        "instance_type": "Standard_DS3_v2",
        "instance_count": 2,
        "model": {"path": "m", "version": "3", "tags": {"a": 1}},
        "resources": {"requests": {"cpu": "1", "memory": "2Gi"}},
        "environment_variables": {"WORKERS": 2},
        "data_collector": {
            "sampling_rate": 1,
            "collections": {"inputs": {"enabled": "true", "data": {"name": "d", "version": "1"}}},
        },
    }
