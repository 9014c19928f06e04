"""What was meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches


def hint_for(name: str, known: Sequence[str], otherwise: str) -> str:
    """The hint that goes with an unknown name: the nearest known one, else `otherwise` and all of them."""
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]}?" if close else f"{otherwise}: {', '.join(known)}"
