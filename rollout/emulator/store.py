"""What survives `kill -9`: documents in SQLite. Every write is one transaction, done before the request is answered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

Row = tuple[str, str, bytes | None]
"""Table, key, document; None deletes."""

_SCHEMA = """
create table if not exists documents (kind text, key text, value blob, primary key (kind, key)) without rowid;
create table if not exists history (number integer primary key, endpoint text, value blob);
"""


class Store:
    """Documents by kind and key, and the history of the endpoints. One connection, one thread."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    def read(self, kind: str) -> Iterator[tuple[str, bytes]]:
        """All documents of a kind."""
        yield from self._db.execute("select key, value from documents where kind = ?", (kind,))

    def get(self, kind: str, key: str) -> bytes | None:
        """One document."""
        found = self._db.execute("select value from documents where kind = ? and key = ?", (kind, key)).fetchone()
        return found[0] if found else None

    def write(self, rows: Iterable[Row], history: Iterable[tuple[str, bytes]] = ()) -> None:
        """Put or delete documents and append history, all or nothing."""
        rows = list(rows)
        gone = [(kind, key) for kind, key, value in rows if value is None]
        kept = [(kind, key, value) for kind, key, value in rows if value is not None]
        self._db.execute("begin immediate")
        try:
            self._db.executemany("delete from documents where kind = ? and key = ?", gone)
            self._db.executemany("insert or replace into documents values (?, ?, ?)", kept)
            self._db.executemany("insert into history (endpoint, value) values (?, ?)", history)
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")

    def history(self, endpoint: str | None = None) -> list[bytes]:
        """All committed states in order, of one endpoint or of all."""
        where, args = ("where endpoint = ?", (endpoint,)) if endpoint else ("", ())
        return [value for (value,) in self._db.execute(f"select value from history {where} order by number", args)]  # noqa: S608 - no input in it

    def close(self) -> None:
        """Close the database."""
        self._db.close()
