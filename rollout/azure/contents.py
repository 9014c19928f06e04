"""What an adopted deployment's code *is*: the content hash that the SDK leaves on the code asset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.core.observed import Deployment, Endpoint
from rollout.core.our_tags import ours
from rollout.errors import RolloutError


async def with_contents(client: ArmClient, paths: Paths, endpoint: Endpoint) -> Endpoint:
    """The same snapshot, with the hash of the serving deployment's code where neither tag nor record says what it is.

    One read at most; none for an endpoint that has our record. What cannot be read stays unknown.
    """
    found = endpoint.deployment(endpoint.weights.serving[0]) if len(endpoint.weights.serving) == 1 else None
    if found is None or found.revision is not None or ours(endpoint.tags):
        return endpoint
    digest = await _code_digest(client, paths, found)
    if not digest:
        return endpoint
    known = msgspec.structs.replace(found, contents={"code": f"sha256:{digest}"})
    others = tuple(known if other is found else other for other in endpoint.deployments)
    return msgspec.structs.replace(endpoint, deployments=others)


async def _code_digest(client: ArmClient, paths: Paths, found: Deployment) -> str:
    kind, _, reference = str(found.fields.get("code") or "").partition(":")
    name, _, version = reference.rpartition(":")
    if kind != "azureml" or not name or "/" in reference:
        return ""
    try:
        answer = await client.find(paths.asset("codes", name, version), f"read the code of {found.name}")
    except RolloutError:
        return ""
    return "" if answer.status == 404 else _hash(answer.body)


def _hash(body: Any) -> str:
    inner: Any = body
    for member in ("properties", "properties"):
        inner = inner.get(member) if isinstance(inner, Mapping) else None
    return str(inner.get("hash_sha256") or "") if isinstance(inner, Mapping) else ""
