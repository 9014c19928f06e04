"""The same look as a loop with `azure-ai-ml`: `python -m benchmarks.fleet_by_sdk COUNT`, with the emulator's variables.

Prints the CPU and wall seconds as JSON; imports and sign-in come before.
"""

from __future__ import annotations

import json
import os
import sys

from azure.ai.ml import MLClient
from azure.identity import ClientSecretCredential

from benchmarks.fleet_pass import used
from benchmarks.fleet_stand import name_of


def main(count: int) -> None:
    """Each endpoint, and its deployments."""
    names = ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET")
    places = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZUREML_WORKSPACE_NAME")
    credential = ClientSecretCredential(*(os.environ[name] for name in names))
    client = MLClient(credential, *(os.environ[name] for name in places))

    def loop(first: int, last: int) -> None:
        for number in range(first, last):
            client.online_endpoints.get(name_of(number))
            list(client.online_deployments.list(name_of(number)))

    loop(0, 2)
    print(json.dumps(used(lambda: loop(2, count + 2))))


if __name__ == "__main__":
    main(int(sys.argv[1]))
