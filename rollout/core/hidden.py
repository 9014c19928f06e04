"""Which values are never shown, stored or compared in the open."""

from __future__ import annotations

import re
from typing import Any, Final

_SECRET: Final = re.compile(r"key|secret|token|passw|credential|connection_?string|sas", re.IGNORECASE)


def is_secret(path: str, found: Any) -> bool:
    """Whether it is a text under a name that secrets have."""
    return isinstance(found, str) and bool(_SECRET.search(path.rpartition(".")[2]))
