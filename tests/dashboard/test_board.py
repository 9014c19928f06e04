"""What to look at next, and which part of a thousand rows is shown. Pure."""

from __future__ import annotations

from rollout.dashboard.board import REST, Entry, due
from rollout.dashboard.query import PAGE, part_of, query_of
from rollout.dashboard.watching import Pace
from rollout.render.html.rows import Row


def entry(name: str, phase: str = "complete", looked: float | None = 1000.0, *, stale: bool = False) -> Entry:
    """An endpoint that was looked at then."""
    return Entry(row=Row(key=name, name=name, phase=phase), looked=looked, stale=stale)


def test_who_is_looked_at_next() -> None:
    """Those whose page is open, what moved or was never seen, what is under way, what rested too long; nobody else."""
    entries = {
        "resting": entry("resting"),
        "old": entry("old", looked=1000.0 - REST),
        "moving": entry("moving", "releasing"),
        "new": entry("new", "", looked=None),
        "moved": entry("moved", stale=True),
        "watched": entry("watched"),
        "held": entry("held", "held", looked=1000.0 - REST / 5),
    }
    assert due(entries, {"watched"}, 1000.0, 10) == ["watched", "new", "moved", "moving", "old", "held"]
    assert due(entries, {"watched"}, 1000.0, 2) == ["watched", "new"]


def test_a_round_keeps_to_its_budget() -> None:
    """Two reads a look; a thousand endpoints that were never seen take their turn."""
    assert Pace(every=5.0, reads=10.0).looks == 25
    entries = {f"e{number}": entry(f"e{number}", "", looked=None) for number in range(1000)}
    assert len(due(entries, set(), 0.0, Pace().looks)) == 25


def test_a_thousand_rows_are_shown_in_parts() -> None:
    """In the order of attention, fifty at a time; a page that is not there is the last one."""
    rows = [Row(key=f"w/e{n:04}", name=f"e{n:04}", phase="held" if n == 777 else "complete") for n in range(1000)]
    first = part_of(rows, query_of({}))
    assert (len(first.rows), first.total, first.pages, first.rows[0].name) == (PAGE, 1000, 20, "e0777")
    assert part_of(rows, query_of({"page": "99"})).query.page == 20
    assert [row.name for row in part_of(rows, query_of({"phase": "attention"})).rows] == ["e0777"]
    assert [row.name for row in part_of(rows, query_of({"q": "E0012"})).rows] == ["e0012"]
    assert part_of(rows, query_of({"page": "２", "sort": "<b>"})).query == query_of({})
    assert query_of({"q": "a b&c"}).to(3) == "/?q=a+b%26c&phase=&sort=attention&page=3"
