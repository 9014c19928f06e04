"""What was measured, kept in `docs/performance/` so that the page can be made of it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.curve import Curve
from benchmarks.table import Row

KEPT: Final = Path(__file__).parents[1] / "docs" / "performance"


def keep(name: str, about: str, found: Iterable[Row | Curve]) -> None:
    """Keep the figures of one benchmark; `about` says what it measures."""
    figures = {
        "about": about,
        "measured": {"commit of": _date(), "cores": os.cpu_count(), "Python": platform.python_version()},
        "rows": [_row(one) for one in found if isinstance(one, Row)],
        "curves": [_curve(one) for one in found if isinstance(one, Curve)],
    }
    KEPT.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    (KEPT / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def kept(names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The kept figures of those benchmarks, as far as there are any; rows and curves as they were."""
    for name in names:
        path = KEPT / f"{name}.json"
        if path.exists():
            figures = json.loads(path.read_text(encoding="utf-8"))
            figures["rows"] = [Row(**row) for row in figures["rows"]]
            figures["curves"] = [_again(curve) for curve in figures["curves"]]
            yield name, figures


def _row(row: Row) -> dict[str, Any]:
    told = {"name": row.name, "value": _short(row.value), "unit": row.unit, "most": row.most, "least": row.least}
    return {key: value for key, value in told.items() if value not in (None, "")}


def _curve(curve: Curve) -> dict[str, Any]:
    points = {str(size): _short(cost) for size, cost in curve.points.items()}
    told = {"name": curve.name, "x": curve.x, "unit": curve.unit, "points": points, "most": curve.most}
    return {key: value for key, value in told.items() if value is not None}


def _again(curve: dict[str, Any]) -> Curve:
    return Curve(**{**curve, "points": {int(size): cost for size, cost in curve["points"].items()}})


def _short(value: float) -> float:
    """Four digits: more would not be the same the next time."""
    return float(f"{value:.4g}")


def _date() -> str:
    """The day of the commit that was measured: no clock, so that the same code gives the same page."""
    command = ["git", "log", "-1", "--format=%cs"]
    done = subprocess.run(command, cwd=KEPT.parents[1], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "a tree without history"
