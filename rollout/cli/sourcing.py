"""What other environments show of a plan's release, where its policy asks (`promoted_from`): two reads for each."""

from __future__ import annotations

from msgspec.structs import replace

from rollout.cli.environments import Environment, environments
from rollout.cli.place import Place
from rollout.cli.session import Session, opened
from rollout.cli.targets import resolve
from rollout.core.observed import Observation
from rollout.core.policy import Shown
from rollout.core.promoted_from import shown, unproven
from rollout.core.release import Release
from rollout.errors import RolloutError
from rollout.plan.load import LoadedPlan, load_release
from rollout.plan.repository import find_repository


async def with_sources(session: Session, loaded: LoadedPlan, seen: Observation) -> LoadedPlan:
    """The plan with what the environments show that its policy asks for. Nothing is read where no rule asks, or where
    the endpoint itself says enough (`seen`, the look at it)."""
    release = loaded.release
    if release.policy is None or not (wanted := unproven(release, seen.endpoint)):
        return loaded
    known = environments(find_repository(loaded.path))
    found = tuple([await _told(session, loaded, name, known.get(name)) for name in wanted])
    return replace(loaded, release=replace(release, policy=replace(release.policy, shown=found)))


async def _told(session: Session, loaded: LoadedPlan, name: str, source: Environment | None) -> Shown:
    """What that environment shows; where it cannot be looked at, why not: no evidence is no."""
    if source is None:
        return Shown(environment=name, why=f"`rollout.yaml` has no environment {name}")
    try:
        before = load_release(source.plan, overlay=source.overlay)
        there = await _look(session, _place(session, loaded, before), before.release)
        return replace(shown(name, before.release, there, loaded.release, source.gates), least=source.baked)
    except RolloutError as error:
        return Shown(environment=name, why=f"it cannot be looked at: {error}")


async def _look(session: Session, place: Place, release: Release) -> Observation:
    endpoint = release.endpoint.name
    if place.label == session.place.label:
        return await session.plane.observe(endpoint)
    async with opened(place) as other:
        return await other.plane.observe(endpoint)


def _place(session: Session, loaded: LoadedPlan, before: LoadedPlan) -> Place:
    """The workspace of the other plan; that of this one where it says none, or where the command line says another
    workspace than this plan's own (the emulator, for example)."""
    elsewhere = loaded.target is not None and resolve(None, loaded.target).label != session.place.label
    return session.place if elsewhere or before.target is None else resolve(None, before.target)
