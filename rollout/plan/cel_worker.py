"""A program of its own: evaluates CEL expressions over data, and can be ended. JSON in on stdin, JSON out on stdout."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

_LONGEST: Final = 300


def evaluated(expression: str, data: dict[str, Any]) -> bool | str:
    """The truth value, or why there is none."""
    import cel

    try:
        found = cel.evaluate(expression, data)
    except Exception as error:  # whatever the library makes of a foreign text
        return str(error).splitlines()[0][:_LONGEST]
    return found if isinstance(found, bool) else f"it gives {type(found).__name__}, not a truth value"


def main() -> None:
    """Answer one question."""
    asked = json.load(sys.stdin)
    json.dump([evaluated(text, asked["data"]) for text in asked["expressions"]], sys.stdout)


if __name__ == "__main__":
    main()
