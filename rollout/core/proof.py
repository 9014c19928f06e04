"""Is a live deployment what a file declares? Proven, different, or it cannot be told.

For deployments whose revision no tag and no record tells: somebody made them with another tool, or the plan was
imported and names by `azureml:name:version` what was once uploaded from a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, Final

from rollout.core.observed import Deployment
from rollout.core.release import DeploymentSpec
from rollout.core.revision import without_defaults
from rollout.core.settings import alike, is_pinned
from rollout.core.stamp import content_paths, same_content

_LOCAL: Final = ("model", "code", "environment")
"""Fields whose declaration may be local files or an inline asset, which the service shows as an asset's id."""
_NOT_WHAT_IT_IS: Final = frozenset({"description", "tags", "properties"})


class Proof(StrEnum):
    """What comparing declared fields with live ones shows."""

    PROVEN = "proven"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


def prove(spec: DeploymentSpec, live: Deployment, *, exact: bool = False) -> Proof:
    """Compare every declared field. With `exact` the live deployment may also say nothing beyond the declared.

    Not exact is for what others made: their undeclared fields are not ours to see. Exact is for what has a revision
    of ours: there a field that was removed from the file is a change.
    """
    if not live.ready or not spec.fields:
        return Proof.UNKNOWN
    shown = Proof.PROVEN
    for path, declared in spec.fields.items():
        match _says(path, declared, live):
            case False:
                return Proof.DIFFERENT
            case None:
                shown = Proof.UNKNOWN
    if exact and (any(_undeclared(spec, live)) or any(_lost_part(spec, live, root) for root in _LOCAL)):
        return Proof.DIFFERENT
    return shown


def unprovable(spec: DeploymentSpec, live: Deployment) -> tuple[str, ...]:
    """The declared fields that cannot be compared with the live deployment, in order."""
    return tuple(path for path, declared in sorted(spec.fields.items()) if _says(path, declared, live) is None)


def _says(path: str, declared: Any, live: Deployment) -> bool | None:
    """Whether the live deployment says the same; None where that cannot be told."""
    known = live.fields.get(path)
    if alike(path, declared, known):
        return True
    root = path.split(".")[0]
    if root not in _LOCAL:
        return False
    if path == root and is_pinned(declared):
        return False
    if (made := same_content(live.tags, path, declared)) is not None:
        return made
    content = live.contents.get(path)
    return None if content is None else bool(content == declared)


def _lost_part(spec: DeploymentSpec, live: Deployment, root: str) -> bool:
    """Whether a part of what was uploaded (an environment's conda file, say) is declared no more. The live asset alone
    does not show that; if it is itself what is declared, all is said."""
    if alike(root, spec.fields.get(root), live.fields.get(root)):
        return False
    declared = frozenset(path for path in spec.fields if path.split(".")[0] == root)
    made = content_paths(live.tags, root)
    return made is not None and made != declared


def _undeclared(spec: DeploymentSpec, live: Deployment) -> Iterator[str]:
    """Live fields that say something, and that the file does not mention in any way. Not where collected data goes:
    the SDK makes a name up, for each deployment another one."""
    roots = {path.split(".")[0] for path in spec.fields} & set(_LOCAL)
    for path, value in without_defaults(live.fields).items():
        if value in ("", {}) or path in spec.fields or path in roots:
            continue
        if path.split(".")[0] not in _NOT_WHAT_IT_IS and ".data." not in path:
            yield path
