"""Where facts about the service are from. Documents with the commit that was read, recordings with their entries."""

from __future__ import annotations

from typing import Final

from tests.conformance.case import Source


def documented(where: str) -> Source:
    """Microsoft says so, in a document or in the service's specification."""
    return Source("documented", where)


def recorded(*entries: int | str) -> Source:
    """The service did so: entries of the SDK's own recording of an endpoint's life, or what of it is meant."""
    which = ", ".join(f"entry {each}" if isinstance(each, int) else each for each in entries)
    return Source("recorded", f"azure-sdk-for-python, test_online_deployment.json @0edb01d7, {which}")


def captured(flow: str, *lines: int) -> Source:
    """azure-ai-ml 1.35.2 sends this, and works with such an answer."""
    numbers = ", ".join(map(str, lines))
    return Source("captured", f"azure-ai-ml 1.35.2, {flow}-flow.jsonl, line {numbers}" if lines else flow)


def seen(where: str) -> Source:
    """Somebody has seen it and said so in public."""
    return Source("seen", where)


def unverified(why: str) -> Source:
    """Nobody has verified it; the emulator takes the stricter reading."""
    return Source("unverified", why)


ROLLOUT: Final = "full-rollout"
VARIANTS: Final = "variants"
SCALE: Final = "scale-roundtrip"

SAFE: Final = documented("how-to-safely-rollout-online-endpoints.md @96b17518")
TROUBLE: Final = documented("how-to-troubleshoot-online-endpoints.md @a2d90a50")
BATCH_TROUBLE: Final = documented("how-to-troubleshoot-batch-endpoints.md")
QUOTAS: Final = documented("how-to-manage-quotas.md @8f2b68ee")
SIZES: Final = documented("reference-managed-online-endpoints-vm-sku-list.md @43dc14ea")
ENDPOINT_YAML: Final = documented("reference-yaml-endpoint-online.md @c3ecdba9")
MANAGED_YAML: Final = documented("reference-yaml-deployment-managed-online.md @ecec4d11")
DEPLOYING: Final = documented("how-to-deploy-online-endpoints.md @d592d419")
AUTOSCALING: Final = documented("how-to-autoscale-endpoints.md")
MONITORING: Final = documented("how-to-monitor-online-endpoints.md @6e4fb7ad")
SIGNING_IN: Final = documented("how-to-authenticate-online-endpoint.md")
TAGGING: Final = documented("azure-resource-manager/tag-resources.md")
THROTTLING: Final = documented("azure-resource-manager/request-limits-and-throttling.md")
ARM_ASYNC: Final = documented("azure-resource-manager/async-operations.md")
SWAGGER: Final = documented("azure-rest-api-specs, preview/2022-02-01-preview/mfe.json")
MODELS: Final = documented("azure-ai-ml 1.35.2, generated models of 2022-02-01-preview")
SDK: Final = Source("captured", "azure-ai-ml 1.35.2, source")
UNKNOWN_STATUS: Final = unverified("status and sentence of this refusal")
