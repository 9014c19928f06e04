"""What a deployment *is*, and what a gate asks, as short digests. Pure: the contents of files come in as digests.

A digest is 20 hex digits; the first one is the version of the algorithm. So a later version of this tool can see
which algorithm made a digest that it finds on an endpoint, instead of taking its own progress for a changed plan.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from rollout.core.canonical import DEFAULTS

ALGORITHM: Final = 1
"""The version of the algorithm: one hex digit. Raise it with every change of what goes into a digest."""

LENGTH: Final = 20

SERVER_DEFAULTS: Final[Mapping[str, Any]] = {
    **DEFAULTS,
    "type": "managed",
    "scale_settings.type": "default",
    "data_collector.sampling_rate": 1.0,
    "data_collector.rolling_rate": "hour",
}
"""What the service fills in for fields that are not declared. Declaring a default is declaring nothing."""


def without_defaults(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say more than the service would assume anyway."""
    return {key: value for key, value in fields.items() if not _is_default(key, value)}


def revision(fields: Mapping[str, Any]) -> str:
    """The digest of a deployment's canonical fields; the order of the fields does not matter."""
    return digest("revision", without_defaults(fields))


def gate_digest(kind: str, parameters: Mapping[str, Any]) -> str:
    """The digest of a gate: its kind, all its parameters, and the digests of the files that they name."""
    return digest("gate", {"kind": kind, "parameters": parameters})


def digest(purpose: str, value: Any) -> str:
    """20 hex digits for any JSON value; `purpose` keeps digests of different things apart."""
    text = f"rollout/{purpose}/{ALGORITHM}\n{canonical_json(value)}"
    found = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{ALGORITHM:x}{found[: LENGTH - 1]}"


def canonical_json(value: Any) -> str:
    """One text for one JSON value: sorted keys, no spaces, whole floats as integers."""
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return value


def _is_default(key: str, value: Any) -> bool:
    return value is None or (key in SERVER_DEFAULTS and SERVER_DEFAULTS[key] == value)
