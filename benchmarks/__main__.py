"""Run the benchmarks and print their tables; exit 1 where a budget is broken, 3 for a name that does not exist.

`--page` keeps the figures and writes docs/performance.md; `--page-only` writes it from what is kept.
"""

from __future__ import annotations

import sys
from types import MappingProxyType, ModuleType
from typing import Final

from benchmarks import (
    commands,
    contents,
    fleet,
    page,
    planning,
    requests,
    scaling,
    start_up,
    statistics,
    throttled,
    walk_through,
)
from benchmarks.curve import Curve
from benchmarks.figures import keep
from benchmarks.table import Row, show

ALL: Final = MappingProxyType(
    {
        "start-up": start_up,
        "planning": planning,
        "scaling": scaling,
        "requests": requests,
        "commands": commands,
        "fleet": fleet,
        "throttled": throttled,
        "contents": contents,
        "walk-through": walk_through,
        "statistics": statistics,
    }
)
"""Each module's docstring says what it measures; its `rows()` are what was found, in the order of the page."""
ONLY_BY_NAME: Final = ("statistics",)
"""Has a page of its own: docs/statistics.md."""


def main(arguments: list[str]) -> int:
    """Run those benchmarks; without names all that are on the page."""
    names = [name for name in arguments if not name.startswith("--")] or on_page()
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"there is no benchmark {unknown[0]}; there are {', '.join(ALL)}", file=sys.stderr)
        return 3
    kept = True
    for name in [] if "--page-only" in arguments else names:
        kept = _run(name, ALL[name], keeps="--page" in arguments and name not in ONLY_BY_NAME) and kept
    if {"--page", "--page-only"} & set(arguments):
        page.write(on_page())
    return 0 if kept else 1


def on_page() -> list[str]:
    """The benchmarks of docs/performance.md, in its order."""
    return [name for name in ALL if name not in ONLY_BY_NAME]


def _run(name: str, benchmark: ModuleType, *, keeps: bool) -> bool:
    """Whether it kept its budgets."""
    found: list[Row | Curve] = list(benchmark.rows())
    rows = [one.row if isinstance(one, Curve) else one for one in found]
    print(f"{name}\n{show(rows)}\n", flush=True)
    if keeps:
        keep(name, benchmark.__doc__ or "", found)
    return all(row.kept for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
