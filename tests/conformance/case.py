"""A case: one sentence about the service, where it is known from, and the test that checks it.

    @case("deletion.endpoint", "An endpoint is deleted whatever its traffic", recorded(10), documented(SAFE))
    def test_deletes_an_endpoint(fresh: Fresh) -> None: ...

    @table(
        row("names.short", "Two letters are too short", documented(QUOTAS), name="ab"),
        row("names.digit", "…", documented(QUOTAS), name="1abc"),
    )
    def test_refused_names(target: Target, given: Given) -> None: ...

A case's area is what stands before the dot. docs/emulator.md is made from these (`python -m tests.conformance.page`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, Literal, TypeVar

import pytest

Kind = Literal["recorded", "documented", "captured", "seen", "unverified"]
KINDS: Final[tuple[Kind, ...]] = ("recorded", "documented", "captured", "seen", "unverified")
"""From the strongest to the weakest: the service's own traffic, Microsoft's documents and specifications, what its SDK
sends and expects, what others have seen in public, and the stricter reading of what nobody has verified."""
Needs = Literal["", "doors"]
Given = SimpleNamespace
Test = TypeVar("Test", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact is from: a document and its commit, a recording and its entry, an issue."""

    kind: Kind
    where: str


@dataclass(frozen=True, slots=True)
class Case:
    """One statement. `needs` "doors": only where faults and time can be had on demand, that is, on the emulator."""

    id: str
    title: str
    sources: tuple[Source, ...]
    needs: Needs = ""

    @property
    def area(self) -> str:
        """What it is about."""
        return self.id.partition(".")[0]

    @property
    def kind(self) -> Kind:
        """The strongest of its sources."""
        return min((source.kind for source in self.sources), key=KINDS.index)


@dataclass(frozen=True, slots=True)
class Row:
    """A case of a table, with what its test is given."""

    case: Case
    given: Given


def row(id_: str, title: str, /, *sources: Source, needs: Needs = "", **given: Any) -> Row:
    """A line of a table."""
    return Row(Case(id_, title, sources, needs), Given(**given))


def case(id_: str, title: str, *sources: Source, needs: Needs = "") -> Callable[[Test], Test]:
    """Declare the one case that a test checks."""

    def declare(test: Test) -> Test:
        test.cases = (Case(id_, title, sources, needs),)  # type: ignore[attr-defined]
        return test

    return declare


def table(*rows: Row) -> Callable[[Test], Test]:
    """Declare several cases that one test checks, each with its `given`."""

    def declare(test: Test) -> Test:
        test.cases = tuple(each.case for each in rows)  # type: ignore[attr-defined]
        parameters = [pytest.param(each.given, id=each.case.id) for each in rows]
        marked: Test = pytest.mark.parametrize("given", parameters)(test)
        return marked

    return declare


def cases_of(test: object) -> tuple[Case, ...]:
    """The cases that a test function declares."""
    found: tuple[Case, ...] = getattr(test, "cases", ())
    return found
