"""Who is who on the live endpoint: which revision a deployment really carries, and what is promoted."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from rollout.core.observed import Deployment, Endpoint
from rollout.core.progress import Progress, Promoted
from rollout.core.proof import Proof, prove
from rollout.core.release import DeploymentSpec, Release


class Nobody(msgspec.Struct, frozen=True, gc=False):
    """Nothing has traffic: a first release."""


class Ambiguous(msgspec.Struct, frozen=True, gc=False):
    """Several deployments share the traffic and no record says which one is stable."""

    names: tuple[str, ...]


class Changed(msgspec.Struct, frozen=True, gc=False):
    """What the record calls promoted is there, but carries something else now."""

    name: str


class Known(msgspec.Struct, frozen=True, gc=False):
    """The promoted deployment. `adopted`: taken from the traffic, because no record names a living one."""

    promoted: Promoted
    adopted: bool


Promotion = Nobody | Ambiguous | Changed | Known


def identified(endpoint: Endpoint, progress: Progress | None) -> Endpoint:
    """The same snapshot, with every deployment's `revision` what it really carries (see `effective`)."""
    found = tuple([effective(found, progress) for found in endpoint.deployments])
    return endpoint if found == endpoint.deployments else msgspec.structs.replace(endpoint, deployments=found)


def effective(found: Deployment, progress: Progress | None) -> Deployment:
    """`found` with the revision and stamp that can be believed.

    The tags say what we deployed; the record says which content that had when it was ready. Tags lost but content
    as recorded (an old CLI drops a deployment's tags): the recorded revision. Tags kept but content other (an update
    in place by hand): not ours any more. Without a tag or a record, a made-up revision that equals no goal.
    """
    unknown = f"~{found.content}"
    for known in _recorded(found.name, progress) if found.content else ():
        if found.revision is None and found.content == known.content:
            return _with(found, known.revision, known.born)
        if found.born == known.born and found.content == known.content:
            return _with(found, known.revision, known.born)  # the tag, or what was proven to be the same (`recognised`)
        if found.born == known.born:
            return _with(found, unknown, "")
    return _with(found, found.revision or unknown, found.born or "")


def what_is_promoted(endpoint: Endpoint, progress: Progress | None) -> Promotion:
    """Design §4, "What is promoted?". `endpoint` must be `identified`."""
    recorded = progress.promoted if progress else None
    if recorded is not None and (found := endpoint.deployment(recorded.name)):
        return Known(recorded, False) if found.revision == recorded.revision else Changed(recorded.name)
    serving = endpoint.weights.serving
    if not serving:
        return Nobody()
    found = endpoint.deployment(serving[0])
    if len(serving) > 1 or found is None:
        return Ambiguous(serving)
    return Known(promoted_of(found), True)


def recognised(release: Release, endpoint: Endpoint, promotion: Promotion) -> tuple[Endpoint, Promotion]:
    """What is promoted under the revision of its file, where the live fields prove that it is what the file declares.

    Not exact for what was adopted without any tag of ours: what its file does not say is not ours to see.
    """
    found = endpoint.deployment(promotion.promoted.name) if isinstance(promotion, Known) else None
    if found is None or not isinstance(promotion, Known):
        return endpoint, promotion
    spec = spec_of(release, found.name)
    if spec is None or promotion.promoted.revision == spec.revision:
        return endpoint, promotion
    if prove(spec, found, exact=not is_unverified(promotion.promoted.revision)) is not Proof.PROVEN:
        return endpoint, promotion
    proven = msgspec.structs.replace(found, revision=spec.revision)
    deployments = tuple([proven if other is found else other for other in endpoint.deployments])
    promoted = msgspec.structs.replace(promotion.promoted, revision=spec.revision)
    return msgspec.structs.replace(endpoint, deployments=deployments), Known(promoted, promotion.adopted)


def spec_of(release: Release, name: str) -> DeploymentSpec | None:
    """The file of the deployment of that name: the candidate's, but for the stable of a literal plan."""
    form = release.literal
    return form.stable_spec if form is not None and name == form.stable else release.candidate


def is_unverified(revision: str) -> bool:
    """Whether that is the revision of a deployment of which no tag and no record says what it is."""
    return revision.startswith("~")


def promoted_of(found: Deployment) -> Promoted:
    """The record that calls that live deployment promoted."""
    return Promoted(
        name=found.name,
        revision=found.revision or "",
        count=found.count,
        born=found.born or "",
        content=found.content,
    )


def _recorded(name: str, progress: Progress | None) -> Iterator[Promoted]:
    """What the record says about that deployment, in whichever role, as far as it knows the content."""
    if progress is None:
        return
    run = progress.run
    mine: Promoted | None = None
    if run is not None and run.slot == name:
        mine = Promoted(name=name, revision=run.goal, born=run.born, content=run.content)
    for known in (progress.promoted, mine, progress.former):
        if known is not None and known.name == name and known.content:
            yield known


def _with(found: Deployment, revision: str, born: str) -> Deployment:
    if found.revision == revision and found.born == born:
        return found
    return msgspec.structs.replace(found, revision=revision, born=born)
