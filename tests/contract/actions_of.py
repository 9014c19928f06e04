"""The actions of the contract's tests, with their reasons left to one word."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Literal

from msgspec.structs import replace

from rollout.core import actions
from rollout.core.observed import Endpoint, Weights, all_to
from rollout.core.progress import Progress
from rollout.core.release import DeploymentSpec, EndpointSpec
from tests.contract.benches import Bench, look

RECORD = Progress(plan="plan", since=datetime(2026, 1, 1, tzinfo=UTC))


def record(commit: str) -> Progress:
    """Another record than `RECORD`."""
    return replace(RECORD, commit=commit)


def create(name: str, progress: Progress = RECORD, **fields: Any) -> actions.CreateEndpoint:
    """Create the endpoint with those declared fields."""
    return actions.CreateEndpoint(reason="new", endpoint=EndpointSpec(name=name, fields=fields), progress=progress)


def put(
    before: Endpoint, weights: Weights, progress: Progress = RECORD, fields: dict[str, Any] | None = None
) -> actions.SetTraffic:
    """Write a split, a record, and declared fields, if any."""
    spec = EndpointSpec(name=before.name, fields=fields) if fields else None
    return actions.SetTraffic(reason="move", before=before.weights, weights=weights, endpoint=spec, progress=progress)


def deploy(
    name: str, revision: str = "v1", count: int = 1, mode: Literal["create", "update"] = "create", born: str = "b1"
) -> actions.DeployRevision:
    """Deploy a revision that needs no assets: its description is all that it is made of."""
    fields = {"description": revision}
    document = json.dumps({"instance_type": "Standard_DS3_v2", "description": revision})
    spec = DeploymentSpec(
        revision=revision, count=count, instance_type="Standard_DS3_v2", settings=fields, document=document
    )
    return actions.DeployRevision(reason="new", deployment=name, spec=spec, count=count, born=born, mode=mode)


async def created(bench: Bench, *names: str, **fields: Any) -> Endpoint:
    """The endpoint with those deployments, without traffic."""
    await bench.plane.apply(create(bench.name, **fields), None)
    for name in names:
        await bench.plane.apply(deploy(name), await look(bench))
    return await look(bench)


async def serving(bench: Bench, *names: str) -> Endpoint:
    """The same, with all traffic on the first."""
    before = await created(bench, *names)
    await bench.plane.apply(put(before, all_to(names[0])), before)
    return await look(bench)
