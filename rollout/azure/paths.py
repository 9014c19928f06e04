"""Where things are: the addresses of one workspace's resources, relative to Resource Manager. Pure."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import quote, urlsplit

import msgspec

PROVIDER = "Microsoft.MachineLearningServices"
API_VERSION = "2024-04-01"
"""The stable version that has online endpoints with mirrored traffic; asked for in every request."""


class Paths(msgspec.Struct, frozen=True, dict=True):
    """One workspace. The methods give paths that start with a slash and carry no query."""

    subscription_id: str
    resource_group: str
    workspace: str

    @cached_property
    def group(self) -> str:
        """The resource group."""
        subscription, group = (quote(part, safe="") for part in (self.subscription_id, self.resource_group))
        return f"/subscriptions/{subscription}/resourceGroups/{group}"

    @cached_property
    def home(self) -> str:
        """The workspace itself."""
        return f"{self.group}/providers/{PROVIDER}/workspaces/{quote(self.workspace, safe='')}"

    @cached_property
    def endpoints(self) -> str:
        """All online endpoints of the workspace."""
        return f"{self.home}/onlineEndpoints"

    def endpoint(self, name: str) -> str:
        """An online endpoint."""
        return f"{self.endpoints}/{_quoted(name)}"

    def deployments(self, endpoint: str) -> str:
        """All deployments of an endpoint."""
        return f"{self.endpoint(endpoint)}/deployments"

    def deployment(self, endpoint: str, name: str) -> str:
        """One deployment."""
        return f"{self.deployments(endpoint)}/{quote(name, safe='')}"

    @property
    def subscription(self) -> str:
        """The subscription."""
        return f"/subscriptions/{quote(self.subscription_id, safe='')}"

    def usages(self, location: str) -> str:
        """What of a region's quotas is in use."""
        region = quote(location.replace(" ", "").lower(), safe="")
        return f"{self.subscription}/providers/{PROVIDER}/locations/{region}/usages"

    def authorization(self, what: str, version: str) -> str:
        """`permissions` or `locks` that count for the workspace; that provider has versions of its own."""
        return f"{self.home}/providers/Microsoft.Authorization/{what}?api-version={version}"

    def datastore(self, name: str) -> str:
        """A datastore of the workspace."""
        return f"{self.home}/datastores/{quote(name, safe='')}"

    def asset(self, kind: str, name: str, version: str) -> str:
        """One version of a registered asset; `kind` as in the address: `codes`, `models`, …"""
        return f"{self.home}/{kind}/{quote(name, safe='')}/versions/{quote(version, safe='')}"


def _quoted(name: str) -> str:
    """A name as a part of an address; that of a valid endpoint is one as it is."""
    return name if name.isascii() and name.replace("-", "").isalnum() else quote(name, safe="")


def with_version(url: str) -> str:
    """The address with our api-version, if it names none."""
    if "api-version=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}api-version={API_VERSION}"


def same_service(url: str, base: str) -> bool:
    """Whether an absolute URL that the service gave may get our token: the same scheme, port and host.

    A regional name below the host (`eastus2.management.azure.com`) counts as the same.
    """
    theirs, ours = urlsplit(url), urlsplit(base)
    if (theirs.scheme, theirs.port) != (ours.scheme, ours.port):
        return False
    host, home = theirs.hostname or "", ours.hostname or ""
    return bool(home) and (host == home or host.endswith("." + home))
