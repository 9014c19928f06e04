"""Creating and updating deployments through `azure-ai-ml`, which registers models, code and environments as users
know it. It costs seconds and 100 MB to import, so only `start` imports it.

The SDK does everything up to the deployment's PUT; from there on the operation is followed like any other. Its own
poller is never started (it prints dots to stdout and asks every five seconds): the hook on the PUT's answer ends
the call.
"""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from rollout.azure.credentials import TokenSource
from rollout.azure.deployments import Order
from rollout.azure.errors import from_exception
from rollout.azure.muted import muted_thread
from rollout.azure.paths import Paths
from rollout.ports import RequestCount

_PUBLIC_HOSTS: Final = {
    "management.azure.com": "AzureCloud",
    "management.usgovcloudapi.net": "AzureUSGovernment",
    "management.chinacloudapi.cn": "AzureChinaCloud",
}
_DEPLOYMENT: Final = re.compile(r"/onlineEndpoints/[^/]+/deployments/[^/]+$", re.IGNORECASE)
_SDK_LOGGERS: Final = "azure.ai.ml"


class Place(Protocol):
    """What is needed of a `Target`."""

    @property
    def arm_url(self) -> str:
        """Resource Manager's address."""

    @property
    def ca_bundle(self) -> str | None:
        """Path of further certificate authorities."""

    @property
    def paths(self) -> Paths:
        """The workspace."""


class _Accepted(Exception):
    """Not an error: it ends the SDK's call once the deployment's PUT has been taken."""

    def __init__(self, operation: str | None) -> None:
        super().__init__("accepted")
        self.operation = operation


class SdkDeployer:
    """`deployments.Deployer` on azure-ai-ml, in a thread; its requests count among `requests`."""

    def __init__(self, place: Place, source: TokenSource, requests: RequestCount) -> None:
        self._place = place
        self._source = source
        self._requests = requests

    async def start(self, order: Order) -> str | None:
        """See `deployments.Deployer`. Raises our faults."""
        return await asyncio.to_thread(self._start, order)

    def _start(self, order: Order) -> str | None:
        what = f"deploy {order.deployment}"
        try:
            with muted_thread():
                client = self._ml_client()
                client.online_deployments.begin_create_or_update(_entity(order))
        except _Accepted as accepted:
            return accepted.operation
        except Exception as error:
            raise from_exception(error, what) from error
        return None

    def _ml_client(self) -> Any:
        if self._place.ca_bundle:
            # The SDK's blob client takes no option for this; `requests` reads the variable.
            os.environ["REQUESTS_CA_BUNDLE"] = self._place.ca_bundle
        os.environ.setdefault("TQDM_DISABLE", "1")
        from azure.ai.ml import MLClient

        from rollout.azure.bounded_transport import BoundedTransport

        _quiet()
        paths = self._place.paths
        return MLClient(
            self._source,
            paths.subscription_id,
            paths.resource_group,
            paths.workspace,
            # Without it the SDK never looks at how the upload of a file ended, and waits for ever for one that failed.
            # The bars themselves are switched off above.
            show_progress=True,
            enable_telemetry=False,
            transport=BoundedTransport(),
            raw_request_hook=self._count,
            raw_response_hook=_stop_when_accepted,
            **_cloud(self._place.arm_url),
        )

    def _count(self, request: Any) -> None:
        method, path = request.http_request.method, urlsplit(request.http_request.url).path
        if method in ("PUT", "PATCH", "DELETE") or path.endswith("/startPendingUpload"):
            self._requests.writes += 1
        else:
            self._requests.reads += 1


def _entity(order: Order) -> Any:
    from azure.ai.ml import load_online_deployment

    document: dict[str, Any] = json.loads(order.document)
    document |= {
        "name": order.deployment,
        "endpoint_name": order.endpoint,
        "instance_count": order.count,
        "tags": {**(document.get("tags") or {}), **order.tags},
        "properties": {**(document.get("properties") or {}), **order.properties},
    }
    return load_online_deployment(io.StringIO(json.dumps(document)), relative_origin=order.origin or None)


def _stop_when_accepted(response: Any) -> None:
    request, answer = response.http_request, response.http_response
    is_deployment = _DEPLOYMENT.search(urlsplit(request.url).path)
    if request.method == "PUT" and is_deployment and answer.status_code < 300:
        raise _Accepted(answer.headers.get("Azure-AsyncOperation"))


def _cloud(arm_url: str) -> Mapping[str, Any]:
    """The SDK's words for where Resource Manager is. Any address but Microsoft's is a cloud of its own."""
    parts = urlsplit(arm_url)
    if name := _PUBLIC_HOSTS.get(parts.hostname or ""):
        return {"cloud": name}
    base = f"{arm_url.rstrip('/')}/"
    return {
        "cloud": f"rollout-{parts.netloc}",
        "cloud_metadata": {
            "azure_portal": base,
            "resource_manager": base,
            "active_directory": base,
            "aml_resource_id": "https://ml.azure.com/",
            "storage_endpoint": "core.windows.net",
            "registry_discovery_endpoint": base,
        },
    }


def _quiet() -> None:
    """The SDK's loggers write to stderr by handlers of their own: leave what they say to our logging."""
    for name in [name for name in logging.root.manager.loggerDict if name.startswith(_SDK_LOGGERS)]:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        if logger.level != logging.WARNING:  # setting it empties the caches of all loggers, hundreds of times
            logger.setLevel(logging.WARNING)
        logger.propagate = True
