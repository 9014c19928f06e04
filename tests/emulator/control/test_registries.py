"""Registries with the unchanged SDK: models and environments are shared, found, and deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rollout.emulator.server import EmulatorServer
from tests.emulator.control.bodies import deployment_body
from tests.emulator.control.conftest import Arm
from tests.emulator.control.test_control_sdk import _done, environment, files, ml

__all__ = ["environment", "files", "ml"]
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_where_a_registry_is(arm: Arm) -> None:
    """The discovery that the SDK begins with, and the registry itself."""
    scope = arm.server.service.scope
    found = arm.session.get(f"{arm.server.url}/registrymanagement/v1.0/registries/azureml/discovery").json()
    assert found["primaryRegionResourceProviderUri"] == f"{arm.server.url}/"
    assert (found["subscriptionId"], found["resourceGroup"]) == (scope.subscription_id, "emulator")
    whole = arm.ask("GET", found["resourceId"]).json()
    assert (whole["name"], whole["type"]) == ("azureml", "Microsoft.MachineLearningServices/registries")


def test_models_of_a_registry_with_the_sdk(
    server: EmulatorServer, environment: dict[str, str], ml: Any, files: Path
) -> None:
    """Put a local model into a registry, get it back by version and label, deploy it in the workspace."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, Model
    from azure.identity import DefaultAzureCredential

    shared = MLClient(DefaultAzureCredential(), registry_name="Common")
    for version in ("1", "2"):
        shared.models.create_or_update(Model(name="house", version=version, path=str(files / "model")))
    assert shared.models.get("house", version="1").id == "azureml://registries/common/models/house/versions/1"
    assert shared.models.get("house", label="latest").version == "2"
    assert sorted(model.version for model in shared.models.list(name="house")) == ["1", "2"]
    _done(ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="by-registry")))
    wish = ManagedOnlineDeployment(
        name="blue",
        endpoint_name="by-registry",
        model="azureml://registries/common/models/house/versions/2",
        environment="azureml://registries/azureml/environments/sklearn-1.5/labels/latest",
        instance_type="Standard_DS3_v2",
        instance_count=1,
    )
    made = _done(ml.online_deployments.begin_create_or_update(wish))
    assert made.provisioning_state == "Succeeded"
    assert made.model == "azureml://registries/common/models/house/versions/2"


def test_environments_of_a_registry(server: EmulatorServer, environment: dict[str, str]) -> None:
    """The same of environments."""
    from azure.ai.ml import MLClient
    from azure.ai.ml.entities import Environment
    from azure.identity import DefaultAzureCredential

    shared = MLClient(DefaultAzureCredential(), registry_name="common")
    shared.environments.create_or_update(Environment(name="env", version="1", image="mcr.microsoft.com/base:1"))
    found = shared.environments.get("env", version="1")
    assert (found.image, found.id) == (
        "mcr.microsoft.com/base:1",
        "azureml://registries/common/environments/env/versions/1",
    )


def test_labels_in_ids(arm: Arm) -> None:
    """`…/labels/latest` of the workspace's own assets: there is one, or the deployment fails."""
    name = arm.house()
    root = f"{arm.server.service.scope.workspace_path}/environments"
    arm.ask("PUT", "environments/labelled/versions/1", {"properties": {"image": "i"}})
    good, bad = (deployment_body(environmentId=f"{root}/{each}/labels/latest") for each in ("labelled", "nobody"))
    done = arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", good))
    failed = arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/green", bad))
    assert (done["status"], failed["status"], failed["error"]["code"]) == ("Succeeded", "Failed", "BadArgument")


def test_models_of_mlflow(server: EmulatorServer, ml: Any, tmp_path: Path) -> None:
    """An MLflow model is registered with its type, and deployed without a script."""
    from azure.ai.ml.constants import AssetTypes
    from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, Model

    (tmp_path / "MLmodel").write_text("flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n")
    model = ml.models.create_or_update(
        Model(name="flow", version="1", type=AssetTypes.MLFLOW_MODEL, path=str(tmp_path))
    )
    assert (model.type, ml.models.get("flow", label="latest").version) == ("mlflow_model", "1")
    _done(ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name="with-mlflow")))
    wish = ManagedOnlineDeployment(
        name="blue", endpoint_name="with-mlflow", model=model, instance_type="Standard_DS3_v2", instance_count=1
    )
    made = _done(ml.online_deployments.begin_create_or_update(wish))
    assert (made.provisioning_state, made.code_configuration) == ("Succeeded", None)
