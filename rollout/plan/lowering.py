"""Both forms of a plan → `Release`: one endpoint, one candidate, two roles, one list of stages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rollout.core.release import AnyStage, EndpointSpec, LiteralForm, Mirror, OnFailure, Release, Role
from rollout.errors import Fault
from rollout.plan.az_fields import deployment_spec, local_assets
from rollout.plan.contents import content_digests
from rollout.plan.documents import Document
from rollout.plan.evidence_lowering import check_evidence, shared_out
from rollout.plan.layers import PlanFile
from rollout.plan.models import DeployStage, PlanModel
from rollout.plan.order import check_bootstrap, check_order
from rollout.plan.positions import Path
from rollout.plan.roles import Cast, cast_of, mentioned
from rollout.plan.stages import Placed, StageReader


class Ways(msgspec.Struct, frozen=True):
    """The stages of a plan: the candidate's way, and how an endpoint that serves nothing gets its stable."""

    cast: Cast
    stages: tuple[AnyStage, ...]
    bootstrap: tuple[AnyStage, ...] = ()
    places: tuple[Path, ...] = ()
    """Where each of `stages` is written."""


def lower_stages(plan: PlanFile, model: PlanModel, faults: list[Fault]) -> Ways | None:
    """The stages about roles; None, or something not to be used, if there are faults."""
    cast = cast_of(plan, model, faults)
    if cast is None:
        return None
    written = [(("stages", index), stage) for index, stage in enumerate(model.stages)]
    given = [(("bootstrap", index), stage) for index, stage in enumerate(model.bootstrap or ())]
    start = _bootstrap_length(cast, written)
    if start and given:
        faults.append(
            plan.fault(
                "PLAN208",
                written[0][0],
                f"`{cast.stable}` is deployed here and in `bootstrap`",
                expected="it in one of them",
            )
        )
    bootstrap = StageReader(plan, cast, faults, Role.STABLE).read(given or written[:start])
    stages = StageReader(plan, cast, faults).read(written[start:])
    if len(stages) == len(written) - start:
        faults.extend(check_order(plan, stages))
        faults.extend(check_evidence(plan, stages))
    if bootstrap or given:
        faults.extend(check_bootstrap(plan, bootstrap))
    return Ways(
        cast,
        shared_out([stage for _, stage in stages]),
        tuple(stage for _, stage in bootstrap),
        tuple(path for path, _ in stages),
    )


def check_mirror(plan: PlanFile, ways: Ways, documents: Sequence[Document | None]) -> list[Fault]:
    """Kubernetes endpoints cannot mirror."""
    kubernetes = any(document and document.data.get("type") == "kubernetes" for document in documents)
    if not kubernetes:
        return []
    mirrors = [place for place, stage in zip(ways.places, ways.stages, strict=False) if isinstance(stage, Mirror)]
    message = "a Kubernetes endpoint cannot mirror traffic"
    return [plan.fault("PLAN204", place, message, expected="no mirror stage") for place in mirrors]


def lower(model: PlanModel, ways: Ways, endpoint: EndpointSpec, documents: dict[str, Document], commit: str) -> Release:
    """The release. `documents` are the deployments by name, or the one called `candidate`.

    Raises OSError if local content cannot be read.
    """
    cast = ways.cast
    literal = None
    candidate = documents[cast.candidate or "candidate"]
    whole = (candidate, documents[cast.stable]) if cast.literal else (candidate,)
    known = content_digests(path for document in whole for path in local_assets(document))
    if cast.literal:
        stable = deployment_spec(documents[cast.stable], known)
        literal = LiteralForm(
            stable=cast.stable, candidate=cast.candidate, stable_spec=stable, bootstrap=ways.bootstrap
        )
    return Release(
        name=model.name,
        endpoint=endpoint,
        candidate=deployment_spec(candidate, known),
        slots=(cast.stable, cast.candidate) if cast.literal else (model.slots[0], model.slots[1]),
        stages=ways.stages,
        literal=literal,
        on_failure=OnFailure(candidate=model.on_failure.candidate, after=model.on_failure.for_),
        on_revert=model.on_revert,
        drift=model.drift,
        capacity=model.capacity,
        ignore=model.ignore,
        refuse_hazards=model.refuse_hazards,
        commit=commit,
    )


def _bootstrap_length(cast: Cast, written: Sequence[Placed]) -> int:
    """How many stages at the beginning bring up stable: all before the candidate's first, if they deploy stable."""
    if not cast.literal:
        return 0
    candidate: Path = (cast.candidate, "candidate")
    first = next(
        (index for index, (_, stage) in enumerate(written) if set(mentioned(stage)) & set(candidate)), len(written)
    )
    deploys = any(
        isinstance(stage, DeployStage) and stage.deploy.deployment in (cast.stable, "stable")
        for _, stage in written[:first]
    )
    return first if deploys else 0
