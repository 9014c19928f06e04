"""Which part of the overview is asked for, and the addresses of its other parts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from rollout.render.html.rows import SORTS, Row, chosen

PAGE: Final = 50
"""Endpoints on one page."""
_LONGEST: Final = 100


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """What the address says."""

    text: str = ""
    phase: str = ""
    sort: str = SORTS[0]
    page: int = 1

    def to(self, page: int) -> str:
        """The address of another page of the same."""
        return "/?" + urlencode({"q": self.text, "phase": self.phase, "sort": self.sort, "page": page})


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """The rows that are shown, out of how many."""

    query: Query
    rows: tuple[Row, ...]
    total: int
    pages: int


def query_of(given: Mapping[str, str]) -> Query:
    """Read it; what makes no sense is as if it were not given."""
    sort, page = given.get("sort", ""), given.get("page", "")
    return Query(
        text=given.get("q", "")[:_LONGEST],
        phase=given.get("phase", "")[:_LONGEST],
        sort=sort if sort in SORTS else SORTS[0],
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1,
    )


def part_of(rows: Sequence[Row], query: Query) -> Part:
    """That page of the rows that are asked for; the last one where there are not so many."""
    found = chosen(rows, query.text, query.phase, query.sort)
    pages = max(1, -(-len(found) // PAGE))
    page = min(max(query.page, 1), pages)
    shown = tuple(found[(page - 1) * PAGE : page * PAGE])
    return Part(query=msgspec.structs.replace(query, page=page), rows=shown, total=len(found), pages=pages)
