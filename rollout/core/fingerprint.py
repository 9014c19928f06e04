"""What a decision depends on, field by field: made of a look, kept in an approval, compared before each write.

Only what the plan manages or relies on: what others may change without asking us is no part of it. No times, no
commit, no count that an autoscaler moves, and never a secret: the values of environment variables are digests, those
that are called like a secret are left out (the digest of the whole content still tells that one of them changed).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Set
from typing import Any, Final

import msgspec

from rollout.core.hidden import is_secret
from rollout.core.ignoring import managed_endpoint, managed_settings
from rollout.core.observed import Deployment, Observation
from rollout.core.progress import Progress, from_tags
from rollout.core.release import Release
from rollout.core.scene import Scene, scene
from rollout.core.settings import alike

ENDPOINT: Final = "endpoint"
"""The key of the endpoint itself; the other keys are the names of deployments."""
EXISTS: Final = "exists"
CONTENT: Final = "content"
_NOT_CONTENT: Final = frozenset({"description", "tags", "properties"})

Fields = Mapping[str, Any]
Fingerprint = Mapping[str, Fields]


class Changed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One field that is not as it was approved; None on a side where there is nothing."""

    target: str
    path: str
    approved: Any
    live: Any

    def __str__(self) -> str:
        return f"{self.target}: {self.path} is {told(self.live)}, approved was {told(self.approved)}"


def told(value: Any) -> str:
    """A value in a message."""
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()


def fingerprint(release: Release, observation: Observation, made: Set[str] = frozenset()) -> Fingerprint:
    """Of a look, or of an imagined one in which the deployments `made` are only known by their declaration."""
    endpoint = observation.endpoint
    if endpoint is None:
        return {ENDPOINT: {EXISTS: False}}
    recorded = from_tags(endpoint.tags)
    progress = recorded if isinstance(recorded, Progress) else None
    view = scene(release, endpoint, progress, observation.now, {}, frozenset())
    prints: dict[str, Fields] = {ENDPOINT: dict(_endpoint(view, progress))}
    for name in _concerned(view):
        found = view.endpoint.deployment(name)
        prints[name] = {EXISTS: False} if found is None else dict(_deployment(view, found, made))
    return prints


def differences(approved: Fingerprint, live: Fingerprint) -> tuple[Changed, ...]:
    """Every approved field that is another now, the endpoint's first."""
    return tuple(_differences(approved, live))


def _differences(approved: Fingerprint, live: Fingerprint) -> Iterator[Changed]:
    for target in sorted(approved, key=lambda name: (name != ENDPOINT, name)):
        wanted, found = approved[target], live.get(target, {EXISTS: False})
        there, was = found.get(EXISTS, True), wanted.get(EXISTS, True)
        if there != was:
            yield Changed(target=target, path=EXISTS, approved=was, live=there)
            continue
        told = list(_fields(target, wanted, found))
        if len(told) > 1:
            told = [one for one in told if one.path != CONTENT]  # the fields themselves say it
        yield from told


def _fields(target: str, wanted: Fields, found: Fields) -> Iterator[Changed]:
    for path in sorted(wanted):
        if not alike(path, wanted[path], found.get(path)):
            yield Changed(target=target, path=path, approved=wanted[path], live=found.get(path))


def _endpoint(view: Scene, progress: Progress | None) -> Iterator[tuple[str, Any]]:
    live = view.endpoint
    yield "state", live.state
    yield "traffic", _split(live.weights.traffic)
    yield "mirror", _split(live.weights.mirror)
    yield "promoted", f"{view.promoted.name} {view.promoted.revision}" if view.promoted else ""
    if progress is not None and progress.plan != view.release.name:
        yield "plan", progress.plan
    yield from _declared(managed_endpoint(view.release).fields, live.fields)


def _deployment(view: Scene, found: Deployment, made: Set[str]) -> Iterator[tuple[str, Any]]:
    yield "state", found.state
    yield "revision", found.revision or ""
    yield "instance_type", found.instance_type.lower()
    if not found.autoscaled and not _follows_load(view):
        yield "instance_count", found.count
    spec = view.release.candidate if found.revision == view.release.goal else None
    if spec is not None:
        settings = managed_settings(view.release, spec, found.name).settings
        yield from _declared(settings, {**found.fields, "tags": found.tags})
    if found.name in made:
        shown = {path: value for path, value in found.fields.items() if not _is_local(path, value)}
    else:
        shown = dict(found.fields)
        yield CONTENT, found.content
    for path, value in shown.items():
        if path.split(".")[0] not in _NOT_CONTENT and value is not None and path != "instance_type":
            yield from _safe(path, value)


def _follows_load(view: Scene) -> bool:
    """Whether counts are matched to what an autoscaler runs beside them (`capacity: match`)."""
    return view.release.capacity == "match" and view.stable is not None and view.stable.autoscaled


def _concerned(view: Scene) -> list[str]:
    """The slots, what is promoted and was, and whatever has weight."""
    roles = [role.name for role in (view.promoted, view.progress.former) if role is not None]
    weights = view.endpoint.weights
    exposed = [name for name, _ in (*weights.traffic, *weights.mirror)]
    return sorted({*view.release.slots, *roles, *exposed})


def _declared(declared: Fields, live: Fields, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The live values of what is declared, one by one."""
    for name, value in declared.items():
        if isinstance(value, Mapping):
            inner = live.get(name)
            yield from _declared(value, inner if isinstance(inner, Mapping) else {}, f"{prefix}{name}.")
        else:
            yield from _safe(f"{prefix}{name}", live.get(name))


def _safe(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The field, unless it may be a secret."""
    if is_secret(path, value):
        return
    if path.startswith("environment_variables."):
        value = "sha256:" + hashlib.sha256(str(value).encode()).hexdigest()[:12]
    yield path, value


def _is_local(path: str, value: Any) -> bool:
    """Whether the service will show it as the id of an asset that does not exist yet."""
    return path.split(".")[0] in ("model", "code", "environment") and not str(value).startswith("azureml:")


def _split(shares: tuple[tuple[str, int], ...]) -> str:
    return " ".join(f"{name}={weight}" for name, weight in shares)
