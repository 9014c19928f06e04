"""One line of the table: what was measured, against which budget."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A measured value. Kept if it is at most `most` and at least `least`; without either it is only told."""

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        """Whether the budget holds."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)

    @property
    def budget(self) -> str:
        """The budget as people write it."""
        if self.most is not None:
            return f"≤ {number(self.most)}"
        return f"≥ {number(self.least)}" if self.least is not None else "–"


def show(rows: Iterable[Row]) -> str:
    """The rows as a text table, a cross in front of what is broken."""
    cells = [
        (" " if row.kept else "✗", row.name, f"{number(row.value)} {row.unit}".strip(), row.budget) for row in rows
    ]
    width = max((len(name) for _, name, _, _ in cells), default=0)
    return "\n".join(f"{mark} {name.ljust(width)}  {value:>16}  {budget}" for mark, name, value, budget in cells)


def number(value: float) -> str:
    """As people write it: no decimals from a hundred on."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
