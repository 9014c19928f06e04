"""The history of decisions in a database: SQLite in a file, or Postgres for a team."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from rollout.core.audit import START, Entry, Head, Record, head_of, line_of, read, sealed
from rollout.errors import Refused, RolloutError, UsageError
from rollout.store.address import Address, parse
from rollout.store.faults import ours
from rollout.store.tables import ENTRIES

_SQLITE: Final = "sqlite:///"
_TRIES: Final = 20
"""How often an append is tried while others append to the same endpoint."""


class History:
    """One history. Every method raises QueueDown where the database does not answer, SignInError, RolloutError."""

    def __init__(self, url: str, token: Callable[[], str] | None = None) -> None:
        """Raises UsageError, which does not repeat what was given, for an address that is none."""
        self.embedded = url.startswith(_SQLITE)
        self._address = None if self.embedded else _parsed(url, token)
        self.shown = url if self._address is None else self._address.shown
        self._engine = _in_file(Path(url.removeprefix(_SQLITE))) if self._address is None else _served(self._address)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """A transaction. Faults of the database are ours behind it."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise self._ours(error) from None

    def append(self, chain: str, record: Record, *, unless_said: bool = False) -> Entry | None:
        """Write it down as the chain's next entry. None, with `unless_said`, where the last one says the same.

        Raises Refused where the chain's end is not as it was written.
        """
        for _ in range(_TRIES):
            try:
                with self._engine.begin() as connection:
                    last = _last(connection, chain)
                    if unless_said and last is not None and not says_more(read(last), record):
                        return None
                    entry = sealed(record, _head(last))
                    connection.execute(insert(ENTRIES).values(**_row(chain, entry)))
                    return entry
            except IntegrityError:
                continue  # somebody else was faster: behind that one, then
            except DBAPIError as error:
                raise self._ours(error) from None
        raise RolloutError(f"{self.shown}: too many write to the history of {chain} at the same time")

    def lines(self, chain: str) -> Sequence[bytes]:
        """All of one chain, the oldest first, as `core.audit` reads and verifies them."""
        asked = select(ENTRIES.c.line).where(ENTRIES.c.chain == chain).order_by(ENTRIES.c.sequence)
        with self.connected() as connection:
            return [line.encode() for line in connection.execute(asked).scalars()]

    def latest(self, limit: int) -> Sequence[Entry]:
        """Of all chains, the youngest first."""
        asked = select(ENTRIES.c.line).order_by(ENTRIES.c.id.desc()).limit(limit)
        with self.connected() as connection:
            return [_read(line.encode()) for line in connection.execute(asked).scalars()]

    def ledger(self, chain: str) -> SqlLedger:
        """One chain as `rollout.ports.Ledger`."""
        return SqlLedger(self, chain)

    def _ours(self, error: DBAPIError) -> RolloutError:
        if self._address is not None and isinstance(error.orig, psycopg.Error):
            return ours(error.orig, self._address)
        return RolloutError(f"{self.shown}: {error.orig}", hint="is it a database that this machine may write?")


def _parsed(url: str, token: Callable[[], str] | None) -> Address:
    try:
        return parse(url, token)
    except UsageError:
        raise UsageError(
            "the history's address cannot be read",
            hint="sqlite:///PATH or postgresql://USER@HOST/DATABASE; the password comes from PGPASSWORD",
        ) from None


def _served(address: Address) -> Engine:
    """The password stays in libpq's hands: SQLAlchemy sees no address."""
    return create_engine(
        "postgresql+psycopg://", creator=lambda: psycopg.connect(address.current()), pool_pre_ping=True, pool_size=2
    )


def _in_file(path: Path) -> Engine:
    engine = create_engine(f"{_SQLITE}{path}", poolclass=NullPool, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    return engine


class SqlLedger:
    """`rollout.ports.Ledger`: one chain of a history."""

    def __init__(self, history: History, chain: str) -> None:
        self._history = history
        self._chain = chain

    def append(self, record: Record) -> Entry:
        """See `Ledger`. The database has it when this returns."""
        entry = self._history.append(self._chain, record)
        assert entry is not None, "it is written whatever was said before"
        return entry

    def entries(self) -> Iterator[Entry]:
        """See `Ledger`."""
        for line in self._history.lines(self._chain):
            yield _read(line)


def says_more(last: Entry, record: Record) -> bool:
    """Whether a record is worth an entry behind `last`: another outcome, or something was written again. Pure."""
    same = {**record.decision, "writes": 0} == {**last.decision, "writes": 0} and record.digests == last.digests
    return not same or bool(record.decision.get("writes"))


def _last(connection: Connection, chain: str) -> bytes | None:
    asked = select(ENTRIES.c.line).where(ENTRIES.c.chain == chain).order_by(ENTRIES.c.sequence.desc()).limit(1)
    line = connection.execute(asked).scalar()
    return line.encode() if line is not None else None


def _head(line: bytes | None) -> Head:
    if line is None:
        return START
    try:
        return head_of(line)
    except ValueError as error:
        raise Refused(
            f"the history's end is damaged: {error}", hint="`rollout store show --endpoint ID` says where"
        ) from None


def _read(line: bytes) -> Entry:
    try:
        head_of(line)
        return read(line)
    except ValueError as error:
        raise Refused(f"the history is damaged: {error}") from None


def _row(chain: str, entry: Entry) -> dict[str, object]:
    return {
        "chain": chain,
        "sequence": entry.sequence,
        "time": entry.time,
        "plan": entry.plan,
        "line": line_of(entry).decode(),
        "previous": entry.previous,
        "hash": entry.hash,
    }
