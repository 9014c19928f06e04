"""What the long forms have counted, kept so that a page can be made of it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

KEPT: Final = Path(__file__).parents[2] / "docs" / "reliability"
VARIABLE: Final = "ROLLOUT_RELIABILITY"


def whole() -> bool:
    """Whether the long form was asked for: every place instead of a sample of them."""
    return os.environ.get(VARIABLE) == "all"


def keep(name: str, figures: Mapping[str, Any]) -> None:
    """Keep the figures of a long form; a sample leaves no trace."""
    if whole():
        KEPT.mkdir(exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        text = json.dumps(figures, indent=1, ensure_ascii=False, sort_keys=True)
        (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")
