"""Which workspace, and how to get there: a value, cheap to import for every command that takes a target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import msgspec

from rollout.azure.paths import Paths

PUBLIC_ARM: Final = "https://management.azure.com"
_SCOPES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "management.usgovcloudapi.net": (
            "https://management.usgovcloudapi.net/.default",
            "https://ml.azure.us/.default",
        ),
        "management.chinacloudapi.cn": ("https://management.chinacloudapi.cn/.default", "https://ml.azure.cn/.default"),
    }
)
_PUBLIC_SCOPES: Final = ("https://management.azure.com/.default", "https://ml.azure.com/.default")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Which workspace, and how to get there.

    `environment` holds the variables that choose the credential; None: those of this process. It may hold secrets,
    so it is never shown. `ca_bundle` is the path of further certificate authorities (PEM).
    """

    subscription_id: str
    resource_group: str
    workspace: str
    arm_url: str = PUBLIC_ARM
    ca_bundle: str | None = None
    environment: Mapping[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.subscription_id}/{self.resource_group}/{self.workspace} at {self.arm_url})"

    @property
    def paths(self) -> Paths:
        """The addresses of the workspace's resources."""
        return _paths(self.subscription_id, self.resource_group, self.workspace)

    @property
    def loopback(self) -> bool:
        """Whether this is a server on this machine, to which no proxy leads."""
        return urlsplit(self.arm_url).hostname in ("127.0.0.1", "localhost", "::1")

    @property
    def scopes(self) -> tuple[str, str]:
        """The token scopes for Resource Manager and for scoring."""
        return _SCOPES.get(urlsplit(self.arm_url).hostname or "", _PUBLIC_SCOPES)


@lru_cache(maxsize=64)
def _paths(subscription_id: str, resource_group: str, workspace: str) -> Paths:
    """Kept, with what it has quoted: every plan of a fleet asks for the same."""
    return Paths(subscription_id, resource_group, workspace)
