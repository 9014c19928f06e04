"""The history of decisions, in a file and in Postgres: only added to, each chain unbroken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from rollout.core.audit import START, Head, Record, Verified, verify
from rollout.errors import Refused, RolloutError, SignInError, UsageError
from rollout.store.history import History
from rollout.store.schema import WrongSchema
from rollout.store.tables import ENTRIES, VERSIONS
from rollout.store.upgrade import newest, ready, upgrade
from tests.store.postgres import Postgres

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(status: str = "wait", writes: int = 0, minutes: int = 0) -> Record:
    """How a pass ended."""
    time = NOON + timedelta(minutes=minutes)
    return Record(kind="outcome", time=time, plan="p", outcome=status, decision={"status": status, "writes": writes})


@pytest.fixture(params=["sqlite", "postgres"])
def history(request: pytest.FixtureRequest, tmp_path: Path) -> History:
    """An empty one of each kind."""
    if request.param == "sqlite":
        return ready(History(f"sqlite:///{tmp_path / 'history.db'}"))
    found = History(request.getfixturevalue("postgres").database())
    upgrade(found)
    return ready(found)


def test_what_is_worth_an_entry(history: History) -> None:
    """The first pass, one that wrote, one that came to something else; not the same again."""
    written = [
        history.append("e", one, unless_said=True)
        for one in (record(writes=2), record(minutes=1), record("hold"), record("hold", writes=1), record("hold", 1))
    ]
    assert [one is not None for one in written] == [True, False, True, True, True]


def test_what_is_written_is_read(history: History) -> None:
    """Each chain is its own, in order; the youngest of all come first; a ledger is one chain."""
    a, b = history.ledger("a"), history.ledger("b")
    first, second, other = a.append(record()), a.append(record("done", minutes=1)), b.append(record(minutes=2))
    assert (first.sequence, first.previous, second.sequence, second.previous) == (1, START.hash, 2, first.hash)
    assert list(a.entries()) == [first, second]
    assert list(b.entries()) == [other]
    assert history.latest(2) == [other, second]
    assert verify(history.lines("a")) == Verified(lines=2, head=Head(2, second.hash))


def test_many_who_append_make_one_chain(history: History) -> None:
    """Four at the same time, ten each: forty in a row, none lost, none beside another."""

    def write(who: int) -> None:
        for number in range(10):
            history.append("e", record(f"{who}/{number}"))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert verify(history.lines("e")).faults == ()
    found = sorted(one.outcome for one in history.ledger("e").entries())
    assert found == sorted(f"{who}/{number}" for who in range(4) for number in range(10))


def test_what_was_changed_behind_its_back(tmp_path: Path) -> None:
    """Whoever takes the triggers away and changes a line is found out, and nothing is appended behind it."""
    history = ready(History(f"sqlite:///{tmp_path / 'history.db'}"))
    history.append("e", record())
    with history.connected() as connection:
        connection.execute(text("DROP TRIGGER rollout_entries_update"))
        connection.execute(text("UPDATE rollout_entries SET line = replace(line, 'wait', 'done')"))
    message = "entry 1 was changed: its content has another hash"
    assert [one.message for one in verify(history.lines("e")).faults] == [message]
    with pytest.raises(Refused, match=f"the history is damaged: {message}"):
        list(history.ledger("e").entries())
    with pytest.raises(Refused, match=f"the history's end is damaged: {message}"):
        history.append("e", record())


@pytest.mark.parametrize("change", ["UPDATE rollout_entries SET plan = 'q'", "DELETE FROM rollout_entries"])
def test_rows_are_only_added(history: History, change: str) -> None:
    """The database itself refuses anything else."""
    history.append("e", record())
    refused = pytest.raises(RolloutError, match="rows of rollout_entries are neither changed nor deleted")
    with refused, history.connected() as connection:
        connection.execute(text(change))
    assert len(history.lines("e")) == 1


def test_the_migrations_make_the_tables(history: History) -> None:
    """What they make is what `tables.py` says, column by column."""
    with history.connected() as connection:
        seen = inspect(connection)
        made = {one["name"]: one["nullable"] for one in seen.get_columns(ENTRIES.name)}
        unique = {one["name"] for one in seen.get_unique_constraints(ENTRIES.name)}
    assert made == {one.name: one.nullable for one in ENTRIES.columns}
    assert unique == {"rollout_entries_sequence", "rollout_entries_previous"}
    assert upgrade(history) == "was there"


def test_a_team_s_history_is_made_by_hand(postgres: Postgres) -> None:
    """Missing and older: what to run; later: update rollout. In a file it makes itself."""
    history = History(postgres.database())
    with pytest.raises(WrongSchema, match=r"the history in .* is missing") as caught:
        ready(history)
    assert caught.value.hint == "rollout store upgrade --history URL"
    assert upgrade(history) == "made"
    with history.connected() as connection:
        connection.execute(text(f"UPDATE {VERSIONS} SET version_num = '9999'"))
    for use in (ready, upgrade):
        with pytest.raises(
            WrongSchema, match=rf"is of a later version \(9999\) than this rollout knows \({newest()}\)"
        ):
            use(history)


def test_addresses(postgres: Postgres, tmp_path: Path) -> None:
    """None that can be read, a wrong password, a folder that is not there: told without the password."""
    with pytest.raises(UsageError) as caught:
        History("mysql://u:open-sesame@h/d")
    with pytest.raises(SignInError) as refused:
        ready(History(postgres.address("postgres", user="app", password="open-sesame")))
    with pytest.raises(RolloutError, match="unable to open database file"):
        ready(History(f"sqlite:///{tmp_path}/none/history.db"))
    assert "open-sesame" not in f"{caught.value} {caught.value.hint} {refused.value} {refused.value.hint}"
