"""Run the benchmarks and print a table; exit 1 where a budget is broken, 3 for a name that does not exist."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks import fleet, planning, requests, start_up, statistics, walk_through
from benchmarks.table import Row, show

ALL: Final[dict[str, Callable[[], Iterator[Row]]]] = {
    "start-up": start_up.rows,
    "planning": planning.rows,
    "requests": requests.rows,
    "walk-through": walk_through.rows,
    "statistics": statistics.rows,
    "fleet": fleet.rows,
}
ONLY_BY_NAME: Final = ("walk-through", "statistics", "fleet")
"""Take minutes; the first and the last need the extra `emulator`."""


def main(names: list[str]) -> int:
    """Run those benchmarks; without names all but the long ones."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"there is no benchmark {unknown[0]}; there are {', '.join(ALL)}", file=sys.stderr)
        return 3
    kept = True
    for name in names or [name for name in ALL if name not in ONLY_BY_NAME]:
        rows = list(ALL[name]())
        print(f"{name}\n{show(rows)}\n", flush=True)
        kept = kept and all(row.kept for row in rows)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
