"""What the core decides about: a plan lowered to two roles, with digests for all that its files contain.

Made by `rollout.plan.lowering` from either form of the language; nothing here knows YAML, paths or Azure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:  # policies are about stages
    from rollout.core.policy import Policy


class Role(StrEnum):
    """Whom a stage is about."""

    STABLE = "stable"
    CANDIDATE = "candidate"


class GateKind(StrEnum):
    """The kinds of gate; the value is the key in the plan."""

    SMOKE_TEST = "smoke_test"
    COMPARE = "compare"
    BAKE = "bake"
    APPROVAL = "approval"
    METRIC = "metric"


class OnFailure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What becomes of a candidate that failed, and how many seconds after."""

    candidate: Literal["keep", "scale_to_one", "delete"] = "keep"
    after: float = 0.0


class Stage(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What every stage has: its name, given or derived for display. `on_failure` overrides the plan's, for a failure at
    this stage."""

    name: str
    named: bool = False
    timeout: float | None = None
    on_failure: OnFailure | None = None


class Deploy(Stage, frozen=True, kw_only=True, gc=False, tag="deploy"):
    """The candidate's slot exists, carries the goal's revision and is `Succeeded`."""


class Mirror(Stage, frozen=True, kw_only=True, gc=False, tag="mirror"):
    """Copy `weight` percent of the live traffic to the candidate (0 to 50); its answers are thrown away."""

    weight: int


class Traffic(Stage, frozen=True, kw_only=True, gc=False, tag="traffic"):
    """Send `weight` percent of the live traffic to the candidate (1 to 100), the rest to stable."""

    weight: int


class Scale(Stage, frozen=True, kw_only=True, gc=False, tag="scale"):
    """The role has at least `count` instances."""

    role: Role
    count: int


class Delete(Stage, frozen=True, kw_only=True, gc=False, tag="delete"):
    """The role's deployment is gone; not before `after` seconds have passed since promotion."""

    role: Role = Role.STABLE
    after: float = 0.0


class Gate(Stage, frozen=True, kw_only=True, gc=False, tag="gate"):
    """A question that must be answered with PASS before the next stage.

    `digest` covers the kind, all parameters and the contents of the files they name. `seconds` is a bake's time.
    `limit` is how many seconds NO_DATA, ERROR and INCONCLUSIVE may last before the rollout holds.
    `body` is the gate's own parameters, read by `rollout.gates` and by nobody else.
    """

    kind: GateKind
    digest: str
    seconds: float = 0.0
    limit: float = 3600.0
    body: Any = None


AnyStage = Deploy | Mirror | Traffic | Scale | Delete | Gate


class DeploymentSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A deployment as the files declare it.

    `revision` is the digest of what it *is* (see `core.revision`). `settings` are the declared fields that converge
    in place (`tags`, `description`), canonical; `fields` are the declared fields that make up the revision,
    canonical, for showing. `document` is the complete `az ml` document as JSON text with `name` and `endpoint_name`
    left out; `origin` is the path of the file that its relative paths start from.
    """

    revision: str
    count: int = 1
    instance_type: str = ""
    settings: Mapping[str, Any] = {}
    fields: Mapping[str, Any] = {}
    document: str = "{}"
    origin: str = ""


class EndpointSpec(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The endpoint as the files declare it. `fields` holds declared fields only, canonical (see `core.canonical`)."""

    name: str
    fields: Mapping[str, Any] = {}


class LiteralForm(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What only the literal form has: the fixed names of the two roles, stable's own file, and `bootstrap`."""

    stable: str
    candidate: str
    stable_spec: DeploymentSpec | None
    bootstrap: tuple[AnyStage, ...] = ()


class Release(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A plan, lowered: one endpoint, one candidate, two slots, the stages of the way.

    `commit` is for people (recorded, never decided upon). The stages end with `traffic: 100`. `ignore` names fields
    that are left to somebody else once they are there (see `core.ignoring`). `allow_hazards` is the repository's
    policy; `refuse_hazards` that and the plan's. `provenance` is who runs this, and where (`core.history`): written
    once onto what is created, never decided upon. `policy` is what the repository demands, and what the plan adds.
    """

    name: str
    endpoint: EndpointSpec
    candidate: DeploymentSpec
    slots: tuple[str, str]
    stages: tuple[AnyStage, ...]
    literal: LiteralForm | None = None
    on_failure: OnFailure = OnFailure()
    on_revert: Literal["fast", "full"] = "fast"
    drift: Literal["heal", "report", "hold"] = "heal"
    capacity: Literal["match", "declared"] = "match"
    ignore: tuple[str, ...] = ()
    allow_hazards: tuple[str, ...] = ()
    refuse_hazards: tuple[str, ...] = ()
    commit: str = ""
    provenance: Mapping[str, str] = {}
    policy: Policy | None = None

    @property
    def goal(self) -> str:
        """The candidate's revision."""
        return self.candidate.revision

    @cached_property
    def memo(self) -> dict[tuple[str, ...], Any]:
        """What `core.journey` and `core.place` have worked out from this very value; no part of it, gone with it."""
        return {}
