"""The walk-through as people script it today, with `azure-ai-ml`: what `rollout apply` must not be slower than.

Started by `benchmarks.walk_through` with the variables of `rollout emulator env`; its argument is the plans' folder.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from azure.ai.ml import MLClient, load_online_deployment, load_online_endpoint
from azure.identity import ClientSecretCredential

NAME = "my-endpoint"


def main(plans: Path) -> None:
    """Endpoint, blue, all traffic, two instances, green, its test by the header, 90/10, 0/100, blue deleted."""
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    credential = ClientSecretCredential(*(os.environ[name] for name in names))
    places = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZUREML_WORKSPACE_NAME")
    client = MLClient(credential, *(os.environ[name] for name in places))
    endpoint = load_online_endpoint(plans / "safe-rollout/endpoint.yml")
    client.online_endpoints.begin_create_or_update(endpoint).result()
    client.online_deployments.begin_create_or_update(
        load_online_deployment(plans / "safe-rollout/blue-deployment.yml")
    ).result()
    _split(client, blue=100)
    blue = client.online_deployments.get("blue", NAME)
    blue.instance_count = 2
    client.online_deployments.begin_create_or_update(blue).result()
    client.online_deployments.begin_create_or_update(
        load_online_deployment(plans / "safe-rollout/green-deployment.yml")
    ).result()
    request = str(plans / "house-prices/sample-request.json")
    client.online_endpoints.invoke(NAME, deployment_name="green", request_file=request)
    _split(client, blue=90, green=10)
    green = client.online_deployments.get("green", NAME)
    green.instance_count = 2
    client.online_deployments.begin_create_or_update(green).result()
    _split(client, blue=0, green=100)
    client.online_deployments.begin_delete("blue", NAME).result()


def _split(client: MLClient, **weights: int) -> None:
    endpoint = client.online_endpoints.get(NAME)
    endpoint.traffic = weights
    client.online_endpoints.begin_create_or_update(endpoint).result()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
