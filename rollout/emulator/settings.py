"""What can be set about the emulated service: where it is, how fast, and how it behaves where that is unverified.

The unverified behaviours (docs/emulator.md lists them) default to the stricter reading, so that what passes here is
not refused by the real service.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

RECORDED_SECONDS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "endpoint_create": 90.0,
        "endpoint_update": 20.4,
        "endpoint_patch": 10.0,
        "endpoint_delete": 60.0,
        "deployment_create": 570.0,
        "deployment_update": 570.0,
        "deployment_scale": 240.0,
        "deployment_patch": 10.0,
        "deployment_delete": 120.0,
        "regenerate_keys": 5.0,
    }
)
"""How long each operation takes, in seconds of the service's time. Creates and traffic are recorded, others guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The one workspace that is emulated, and the address under which clients reach it."""

    subscription_id: str = "00000000-0000-0000-0000-00000000e111"
    resource_group: str = "emulator"
    workspace: str = "emulator"
    workspace_guid: str = "11111111-2222-4333-8444-00000000e111"
    tenant_id: str = "00000000-0000-0000-0000-0000000a11ce"
    location: str = "eastus2"
    base_url: str = "https://127.0.0.1:8443"

    @property
    def subscription_path(self) -> str:
        """`/subscriptions/...`."""
        return f"/subscriptions/{self.subscription_id}"

    @property
    def workspace_path(self) -> str:
        """The ARM id of the workspace."""
        return f"{self.group_path}/providers/Microsoft.MachineLearningServices/workspaces/{self.workspace}"

    @property
    def group_path(self) -> str:
        """The ARM id of the resource group."""
        return f"{self.subscription_path}/resourceGroups/{self.resource_group}"

    @property
    def storage_id(self) -> str:
        """The ARM id of the workspace's storage account."""
        return f"{self.group_path}/providers/Microsoft.Storage/storageAccounts/acct"

    @property
    def registry_id(self) -> str:
        """The ARM id of the workspace's container registry."""
        return f"{self.group_path}/providers/Microsoft.ContainerRegistry/registries/acr"

    @property
    def operations_path(self) -> str:
        """What operation URLs start with, up to `mfeOperationsStatus` or `mfeOperationResults`."""
        return f"{self.subscription_path}/providers/Microsoft.MachineLearningServices/locations/{self.location}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the service behaves. Rules are deterministic in it; times are seconds of the service's time.

    docs/emulator.md is made from the texts below the fields.
    """

    seed: str = "emulator"
    """What ids, keys and tokens are made of; a served emulator adds its own."""
    seconds: Mapping[str, float] = field(default_factory=lambda: RECORDED_SECONDS)
    """How long each kind of operation takes."""
    min_polls: int = 2
    """An operation is seen at work at least so often before it ends."""
    unpolled_grace: float = 1.0
    """Unless nobody polls for so many seconds after it was due."""
    poll_hint: float | None = None
    """Real seconds that a client is asked to wait between polls; None: the service says nothing, as recorded."""
    keep_history: bool = True
    """Whether every committed state can be looked at (`/_emulator/history`)."""
    cores: int = 500
    """Cores of the region (documented default)."""
    deployments: int = 500
    """Documented limit of a subscription."""
    deployments_per_endpoint: int = 20
    """Documented limit."""
    endpoints: int = 100
    """Documented limit of a subscription."""
    instances_per_deployment: int = 50
    """Documented limit."""
    metrics_delay: float = 0.0
    """Seconds until a minute's metrics arrive, after it is over."""
    logs_delay: float = 0.0
    """Seconds until a request's line arrives in the traffic log."""
    ignores: tuple[str, ...] = ()
    """What of a PUT is silently not taken, such as `endpoint.description` or `deployment.requestSettings` (members of
    `properties`), or `deployment.sku`; see `rollout.emulator.ignoring`."""
    # Below, what nobody has verified: the stricter reading is the default.
    deployment_locks_endpoint: bool = True
    """Unverified: a deployment's operation also blocks the endpoint and its other deployments."""
    busy_status: int = 409
    """Unverified: status for a write while another is under way (documented for Kubernetes; the sentence for
    deployments is known, its status is not)."""
    refuse_traffic_to_failed: bool = True
    """Unverified: weight for a deployment that is not `Succeeded` is refused."""
    refuse_instance_type_change: bool = True
    """Unverified: an in-place change of the instance type is refused (it is create-only; Kubernetes ignores it)."""
    refuse_auth_mode_change: bool = True
    """Unverified: an endpoint's authentication mode cannot be changed."""
    refuse_identity_change: bool = True
    """Unverified: the type of its identity cannot be changed."""
    refuse_zero_instances: bool = True
    """Unverified: `instance_count: 0` is refused."""
    patch_replaces_tags: bool = True
    """Unverified: PATCH replaces all tags instead of merging."""
    scaling_state: str = "Scaling"
    """Unverified: the state shown while only the count changes."""
