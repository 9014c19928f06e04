"""Words of the language that say what is left to others (`ignore`), and which hazards are allowed or refused."""

from __future__ import annotations

import difflib
import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

from rollout.core.hazards import BY_TARGET_ONLY, HAZARDS, unknown
from rollout.plan.shapes import refuse

MOST: Final = 50
_ENDPOINT: Final = ("description", "auth_mode", "public_network_access", "identity", "tags", "properties")
_DEPLOYMENT: Final = ("instance_count", "description", "tags")
IGNORED: Final = (
    rf"^(endpoint\.({'|'.join(_ENDPOINT[:4])}|(tags|properties)(\..+)?)"
    r"|deployments\.(\*|[a-z][a-z0-9-]*)\.(instance_count|description|tags(\..+)?))$"
)
"""What can be left to others: what converges in place. What a deployment *is* cannot."""
_PATH: Final = re.compile(IGNORED)
_EXPECTED: Final = (
    f"endpoint.({'|'.join(_ENDPOINT)}) or deployments.(NAME|*).({'|'.join(_DEPLOYMENT)}), of tags also one: tags.NAME"
)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        refuse("PLAN103", "this must be a list of texts", expected="a list, each entry after a dash")
    if len(value) > MOST:
        refuse("PLAN103", f"this list has {len(value)} entries", expected=f"at most {MOST}")
    return tuple(value)


def _ignored(value: Any) -> tuple[str, ...]:
    """Field paths that can be ignored; each at most once."""
    paths = _texts(value)
    for path in paths:
        if not _PATH.match(path):
            known = [f"endpoint.{name}" for name in _ENDPOINT] + [f"deployments.*.{name}" for name in _DEPLOYMENT]
            close = difflib.get_close_matches(path[:80], known, 1)
            refuse(
                "PLAN117",
                f"`{path[:80]}` is no field that can be left to others",
                expected=_EXPECTED,
                hint=f"did you mean `{close[0]}`?" if close else "what a deployment is makes its revision",
            )
    return tuple(dict.fromkeys(paths))


def _hazards(value: Any) -> tuple[str, ...]:
    """Names of hazards."""
    names = _texts(value)
    for name in names:
        if unknown(name):
            close = difflib.get_close_matches(name[:80], HAZARDS, 1)
            hint = f"did you mean `{close[0]}`?" if close else ""
            refuse("PLAN110", f"`{name[:80]}` is no hazard", expected=", ".join(HAZARDS), hint=hint)
        if name in BY_TARGET_ONLY:
            refuse("PLAN110", f"`{name}` needs its target", expected=f"{name}:NAME")
    return tuple(dict.fromkeys(names))


Ignored = Annotated[
    tuple[str, ...],
    BeforeValidator(_ignored),
    WithJsonSchema({"type": "array", "items": {"type": "string", "pattern": IGNORED}, "maxItems": MOST}),
]
HazardNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_hazards),
    WithJsonSchema(
        {"type": "array", "items": {"type": "string", "pattern": rf"^({'|'.join(HAZARDS)})(:.+)?$"}, "maxItems": MOST}
    ),
]
