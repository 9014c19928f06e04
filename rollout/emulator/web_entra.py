"""Sign-in, cloud metadata and registry discovery: what clients ask before they come to Resource Manager."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from rollout.emulator.answers import Answer
from rollout.emulator.service import Service
from rollout.emulator.web_registries import discovery


async def answer(service: Service, request: Request, path: str) -> Answer:
    """Answer one request of the sign-in area."""
    parts = path.strip("/").split("/")
    match request.method, parts:
        case "GET", [tenant, "v2.0", ".well-known", "openid-configuration"]:
            return Answer(200, service.entra.configuration(tenant))
        case "GET", [tenant, ".well-known", "openid-configuration"]:
            return Answer(200, service.entra.configuration(tenant))
        case "GET", [_, "discovery", "instance"]:
            return Answer(200, service.entra.instance_discovery())
        case "GET", [_, "discovery", "v2.0", "keys"]:
            return Answer(200, {"keys": []})
        case "POST", [_, "oauth2", "v2.0", "token"] | [_, "oauth2", "token"]:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            return service.entra.token(form, time.time())
        case "GET", ["registrymanagement", "v1.0", "registries", name, "discovery"]:
            return Answer(200, discovery(service.scope, name))
        case "GET", ["metadata", "endpoints"]:
            return Answer(200, [_cloud(service)])
        case _:
            return Answer(404, {"error": {"code": "NotFound", "message": f"Nothing is served at '{path}'."}})


def _cloud(service: Service) -> dict[str, Any]:
    """This emulator as a cloud, in Resource Manager's metadata form."""
    url = service.scope.base_url
    return {
        "name": "RolloutEmulator",
        "portal": "https://portal.azure.com",
        "resourceManager": f"{url}/",
        "authentication": {"loginEndpoint": f"{url}/", "audiences": [f"{url}/"], "tenant": service.scope.tenant_id},
        "suffixes": {"storage": "core.windows.net"},
    }
