"""The closed union of all that we ever do to Azure. One action is one resource's write.

An action says what the world shall be after it, never how to get there; `reason` is for people and is never read by
code. Endpoint writes carry the progress record in the same request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from rollout.core.hazards import Hazard
from rollout.core.observed import Weights
from rollout.core.progress import Progress
from rollout.core.release import DeploymentSpec, EndpointSpec


class FieldChange(msgspec.Struct, frozen=True, gc=False):
    """One managed field: its path, the live value and the declared one (both canonical)."""

    path: str
    before: Any
    after: Any


class Act(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every action has."""

    reason: str
    hazards: tuple[Hazard, ...] = ()


class CreateEndpoint(Act, frozen=True, kw_only=True, gc=False, tag="create_endpoint"):
    """Create the endpoint with its declared fields and no traffic."""

    endpoint: EndpointSpec
    progress: Progress


class SetTraffic(Act, frozen=True, kw_only=True, gc=False, tag="set_traffic"):
    """One PUT: live weights, mirror weights, declared endpoint fields (None: leave them) and the record. `changes` are
    the declared fields that differ and that this write converges along the way."""

    before: Weights
    weights: Weights
    endpoint: EndpointSpec | None
    progress: Progress
    changes: tuple[FieldChange, ...] = ()


class UpdateEndpoint(Act, frozen=True, kw_only=True, gc=False, tag="update_endpoint"):
    """Converge declared endpoint fields in place; weights stay."""

    endpoint: EndpointSpec
    changes: tuple[FieldChange, ...]
    progress: Progress


class Record(Act, frozen=True, kw_only=True, gc=False, tag="record"):
    """A marker: PATCH the tags with the record, and nothing else. `progress` None removes our tags."""

    progress: Progress | None


class DeployRevision(Act, frozen=True, kw_only=True, gc=False, tag="deploy"):
    """Create the deployment, or update it in place, so that it carries `spec.revision` with `count` instances.

    `mode` says which of the two the decision saw. `born` is the stamp for its tags, `provenance` the properties that a
    creation writes (the service never lets them be altered), `fleet` the release of a fleet that it is a part of,
    `promoted_from` the environments that had promoted it.
    """

    deployment: str
    spec: DeploymentSpec
    count: int
    born: str
    mode: Literal["create", "update"]
    changes: tuple[FieldChange, ...] = ()
    provenance: Mapping[str, str] = {}
    fleet: str = ""
    promoted_from: str = ""


class ScaleDeployment(Act, frozen=True, kw_only=True, gc=False, tag="scale"):
    """Change the number of instances, nothing else."""

    deployment: str
    before: int
    count: int


class CarryAutoscale(Act, frozen=True, kw_only=True, gc=False, tag="carry_autoscale"):
    """Give the deployment what the autoscale setting with the ARM id `source` says, under a name of its own."""

    deployment: str
    origin: str
    source: str


class DropAutoscale(Act, frozen=True, kw_only=True, gc=False, tag="drop_autoscale"):
    """Delete the autoscale setting with that ARM id: what it scales is to shrink or to go."""

    deployment: str
    setting: str


class UpdateDeployment(Act, frozen=True, kw_only=True, gc=False, tag="update_deployment"):
    """Converge the settings (tags, description) of a deployment in place; what it *is* stays. `tags` are ours: they say
    what was written (`core.codes`)."""

    deployment: str
    changes: tuple[FieldChange, ...]
    tags: Mapping[str, str] = {}


class DeleteDeployment(Act, frozen=True, kw_only=True, gc=False, tag="delete"):
    """Delete a deployment that has neither live nor mirrored traffic."""

    deployment: str


class DeleteEndpoint(Act, frozen=True, kw_only=True, gc=False, tag="delete_endpoint"):
    """Delete the endpoint and everything in it. Only ever a person's command (`rollout destroy`)."""

    endpoint: str


Action = (
    CreateEndpoint
    | SetTraffic
    | UpdateEndpoint
    | Record
    | DeployRevision
    | ScaleDeployment
    | CarryAutoscale
    | DropAutoscale
    | UpdateDeployment
    | DeleteDeployment
    | DeleteEndpoint
)
