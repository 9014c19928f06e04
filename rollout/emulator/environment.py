"""The environment variables that make unchanged clients use the emulator."""

from __future__ import annotations

from pathlib import Path

from rollout.emulator.identity import Identity


def variables(known: Identity, url: str, ca_bundle: Path) -> dict[str, str]:
    """For azure-ai-ml, azure-identity, requests, curl and aiohttp. Holds the client secret: never log it.

    `adfs` as tenant is what keeps MSAL from asking the public cloud whether it knows this authority; the cloud
    metadata and registry variables keep the SDK from looking for registries there.
    """
    return {
        "AZUREML_DEV_URL_MFE": url,
        "ARM_CLOUD_METADATA_URL": f"{url}/metadata/endpoints?api-version=2019-05-01",
        "REGISTRY_DISCOVERY_ENDPOINT_URL": f"{url}/",
        "REQUESTS_CA_BUNDLE": str(ca_bundle),
        "SSL_CERT_FILE": str(ca_bundle),
        "CURL_CA_BUNDLE": str(ca_bundle),
        "AZURE_AUTHORITY_HOST": url,
        "AZURE_TENANT_ID": "adfs",
        "AZURE_CLIENT_ID": known.client_id,
        "AZURE_CLIENT_SECRET": known.client_secret,
        "AZURE_SUBSCRIPTION_ID": known.subscription_id,
        "AZURE_RESOURCE_GROUP": known.resource_group,
        "AZUREML_WORKSPACE_NAME": known.workspace,
        "ROLLOUT_EMULATOR_URL": url,
        "ROLLOUT_EMULATOR_TENANT_ID": known.tenant_id,
        "ROLLOUT_EMULATOR_LOG_WORKSPACE_ID": known.log_workspace_id,
    }
