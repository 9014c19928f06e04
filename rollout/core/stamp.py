"""What we write into a deployment's own tags: its revision, when we made it, and what its local parts were.

The service shows a local folder as the id of an asset that it was uploaded to; the `contents` tag lets a diff say which
local part changed and which did not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

REVISION_TAG: Final = "rollout.revision"
BORN_TAG: Final = "rollout.born"
CONTENTS_TAG: Final = "rollout.contents"
SETTINGS_TAG: Final = "rollout.settings"
FLEET_TAG: Final = "rollout.fleet"
"""The release of a fleet that gave the deployment what it carries."""
PROMOTED_FROM_TAG: Final = "rollout.promoted-from"
"""The environments that had promoted what the deployment carries, where the policy asks (`core.promoted_from`)."""
PROVENANCE: Final = "rollout."
"""What the names of our write-once properties begin with."""
ACTOR: Final = "actor"
"""The key of who ran it, in a provenance; the others: `plan`, `commit`, `run` (its URL) and `approved` (a digest)."""
FLEET: Final = "fleet"
"""The key of the release of a fleet that it is a part of, in a provenance."""
_LONGEST_PROPERTY: Final = 256
_LOCAL: Final = ("code", "environment", "model")
_LONGEST: Final = 256
_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_STAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def born_stamp(now: datetime) -> str:
    """The stamp for a creation at `now`, to the second (the service's Date has no more)."""
    return now.astimezone(UTC).strftime(_FORMAT)


def born_at(stamp: str) -> datetime | None:
    """The time in a stamp; None if it is not one of ours."""
    if not _STAMP.fullmatch(stamp):
        return None
    try:
        return datetime.fromisoformat(stamp)  # a tenth of what `strptime` takes, and every decision asks
    except ValueError:
        return None


def deployment_tags(
    revision: str, born: str, fields: Mapping[str, Any], settings: str = "", fleet: str = "", promoted_from: str = ""
) -> dict[str, str]:
    """Our tags for a deployment whose declared fields are `fields`; `settings` are the codes of its declared settings
    (`core.differences`), `fleet` the release of a fleet that it is a part of, `promoted_from` the environments that
    had promoted it."""
    parts = [f"{path}={_short(fields[path])}" for path in sorted(fields) if path.split(".")[0] in _LOCAL]
    contents = ";".join(parts)
    further = {SETTINGS_TAG: settings, FLEET_TAG: fleet, PROMOTED_FROM_TAG: promoted_from[:_LONGEST]}
    tags = {REVISION_TAG: revision, BORN_TAG: born, **{name: value for name, value in further.items() if value}}
    return {**tags, CONTENTS_TAG: contents} if contents and len(contents) <= _LONGEST else tags


def provenance_properties(provenance: Mapping[str, str]) -> dict[str, str]:
    """Our write-once properties for a deployment that is created."""
    return {f"{PROVENANCE}{key}": value[:_LONGEST_PROPERTY] for key, value in sorted(provenance.items()) if value}


def provenance_of(properties: Mapping[str, Any]) -> dict[str, str]:
    """The provenance in a live deployment's properties; names are compared without case."""
    return {
        lower.removeprefix(PROVENANCE): str(value)
        for name, value in properties.items()
        if value is not None and (lower := str(name).lower()).startswith(PROVENANCE)
    }


def same_content(tags: Mapping[str, str], path: str, value: Any) -> bool | None:
    """Whether the deployment with those tags was made with that declared value; None if the tags do not say."""
    if path.split(".")[0] not in _LOCAL or CONTENTS_TAG not in tags:
        return None
    return f"{path}={_short(value)}" in tags[CONTENTS_TAG].split(";")


def made_of(tags: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether the tags say that the deployment was made of exactly these local parts; False where they do not say."""
    local = {path: value for path, value in fields.items() if path.split(".")[0] in _LOCAL}
    wanted = {f"{path}={_short(value)}" for path, value in local.items()}
    return bool(wanted) and set(tags.get(CONTENTS_TAG, "").split(";")) == wanted


def content_paths(tags: Mapping[str, str], root: str) -> frozenset[str] | None:
    """Which declared fields of a local part (`model`, `code`, `environment`) that deployment was made with; None if the
    tags do not say."""
    if CONTENTS_TAG not in tags:
        return None
    paths = (part.split("=")[0] for part in tags[CONTENTS_TAG].split(";"))
    return frozenset(path for path in paths if path.split(".")[0] == root)


def _short(value: Any) -> str:
    return sha256(str(value).encode()).hexdigest()[:8]
