"""Which part of the overview, or of a fleet, is asked for, and the addresses of the other parts. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from rollout.render.html.fleets import FleetItem, Group, MemberItem, fleet_item
from rollout.render.html.rows import SORTS, Row, chosen

PAGE: Final = 50
"""Endpoints, or members of a fleet, on one page."""
FLEETS: Final = 10
"""Fleets on the overview."""
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


class MemberQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What the address of a fleet's page says: which members."""

    fleet: str
    text: str = ""
    wave: str = ""
    state: str = ""
    page: int = 1

    def to(self, page: int) -> str:
        """The address of another page of the same."""
        known = {"q": self.text, "wave": self.wave, "state": self.state, "page": page}
        return f"/fleets/{quote(self.fleet, safe='')}?{urlencode(known)}"


class MemberPart(msgspec.Struct, frozen=True, kw_only=True):
    """The members that are shown, out of how many."""

    query: MemberQuery
    rows: tuple[MemberItem, ...]
    total: int
    pages: int


class FleetPart(msgspec.Struct, frozen=True):
    """The fleets that the overview shows, and how many more there are."""

    shown: tuple[FleetItem, ...]
    more: int


def fleets_of(groups: Iterable[Group], text: str) -> FleetPart:
    """Those that a person should see first; with `text`, those called so or with such a member."""
    wanted = text.casefold()
    items = [fleet_item(group) for group in groups]
    found = [item for item in items if any(wanted in name.casefold() for name in _names(item))]
    ranked = sorted(found, key=lambda item: (item.rank, item.name, item.key))
    return FleetPart(tuple(ranked[:FLEETS]), max(0, len(ranked) - FLEETS))


def _names(item: FleetItem) -> Iterator[str]:
    yield item.name
    yield from (member.name for member in item.members)


def member_query(fleet: str, given: Mapping[str, str]) -> MemberQuery:
    """Read it; what makes no sense is as if it were not given."""
    text, wave, state = (given.get(name, "")[:_LONGEST] for name in ("q", "wave", "state"))
    return MemberQuery(fleet=fleet, text=text, wave=wave, state=state, page=_page(given))


def members_of(members: Sequence[MemberItem], query: MemberQuery) -> MemberPart:
    """That page of the members that are asked for, in the order of the file; the last one where there are not so
    many."""
    wanted = query.text.casefold()
    found = [
        one
        for one in members
        if query.wave in ("", one.wave) and query.state in ("", one.state) and wanted in one.name.casefold()
    ]
    pages, page = _turned(len(found), query.page)
    rows = tuple(found[(page - 1) * PAGE : page * PAGE])
    return MemberPart(query=msgspec.structs.replace(query, page=page), rows=rows, total=len(found), pages=pages)


def query_of(given: Mapping[str, str]) -> Query:
    """Read it; what makes no sense is as if it were not given."""
    sort = given.get("sort", "")
    return Query(
        text=given.get("q", "")[:_LONGEST],
        phase=given.get("phase", "")[:_LONGEST],
        sort=sort if sort in SORTS else SORTS[0],
        page=_page(given),
    )


def part_of(rows: Sequence[Row], query: Query) -> Part:
    """That page of the rows that are asked for; the last one where there are not so many."""
    found = chosen(rows, query.text, query.phase, query.sort)
    pages, page = _turned(len(found), query.page)
    shown = tuple(found[(page - 1) * PAGE : page * PAGE])
    return Part(query=msgspec.structs.replace(query, page=page), rows=shown, total=len(found), pages=pages)


def _page(given: Mapping[str, str]) -> int:
    page = given.get("page", "")
    return int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 6 else 1


def _turned(total: int, wanted: int) -> tuple[int, int]:
    """How many pages there are, and which of them is shown."""
    pages = max(1, -(-total // PAGE))
    return pages, min(max(wanted, 1), pages)
