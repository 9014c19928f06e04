"""The queue's tables and functions: made, brought forward, and looked at before anything is asked of them.

Procrastinate keeps no version in the database. So `setup` writes which of its migrations was the last one, and `check`
compares what the installed library calls with what is there.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import procrastinate.sql
from procrastinate.schema import SchemaManager, migrations_path
from psycopg import AsyncConnection

from rollout.errors import RolloutError
from rollout.store.address import Address
from rollout.store.faults import told

SETUP: Final = "rollout queue setup"
_VERSION: Final = """
CREATE TABLE IF NOT EXISTS rollout_queue_schema (
  single boolean PRIMARY KEY DEFAULT true CHECK (single), migration text NOT NULL)"""
_LOCKS: Final = """
CREATE INDEX IF NOT EXISTS rollout_jobs_lock_idx ON procrastinate_jobs (lock, status)
  WHERE status IN ('todo', 'doing')"""
"""The library asks for each job whether its lock is taken; it has no index that begins with the lock."""
_ALLOWANCES: Final = """
CREATE UNLOGGED TABLE IF NOT EXISTS rollout_allowances (
  place text, principal text, kind text, speed float8,
  size float8 NOT NULL, refill float8 NOT NULL, tokens float8 NOT NULL, at float8 NOT NULL, shut float8 NOT NULL,
  PRIMARY KEY (place, principal, kind, speed)) WITH (fillfactor = 50)"""
"""One row a bucket (`rollout.store.allowances`). What it holds is learnt again within a minute: no log is written."""
_RECORD: Final = """
INSERT INTO rollout_queue_schema (migration) VALUES (%s)
  ON CONFLICT (single) DO UPDATE SET migration = excluded.migration"""
_CALLED: Final = re.compile(r"\b(procrastinate_\w+_v\d+)\(")


class WrongSchema(RolloutError):
    """The database's queue is missing, or of another version than this rollout's."""


async def setup(address: Address) -> str:
    """Make the queue, or bring it forward; what was done. Twice is once. Raises WrongSchema for a later one."""
    with told(address):
        async with await address.connect() as connection:
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('rollout queue setup'))")
            done = await _set_up(connection)
            await connection.execute(_LOCKS)
            await connection.execute(_ALLOWANCES)
    return done


async def check(address: Address) -> None:
    """Raises WrongSchema, QueueDown or SignInError where the queue cannot be worked on as it is."""
    with told(address):
        async with await address.connect(autocommit=True) as connection:
            if not await _exists(connection, "procrastinate_jobs"):
                raise WrongSchema(f"{address.shown} has no queue", hint=f"make it: {SETUP}")
            known = await _functions(connection)
    missing = sorted(called() - known)
    if missing:
        raise WrongSchema(
            f"the queue in {address.shown} is of another version: it has no {', '.join(missing)}",
            hint=f"an older one: {SETUP}; a later one: update rollout on this machine",
        )


def called() -> frozenset[str]:
    """The functions that the installed library calls."""
    return frozenset(name for query in procrastinate.sql.queries.values() for name in _CALLED.findall(query))


def migrations() -> tuple[Path, ...]:
    """The library's, in order; the names are comparable."""
    return tuple(sorted(Path(migrations_path).glob("*.sql")))


async def _set_up(connection: AsyncConnection) -> str:
    last = migrations()[-1].stem
    if not await _exists(connection, "procrastinate_jobs"):
        await connection.execute(SchemaManager.get_schema())
        await _written(connection, last)
        return "made"
    found = await _migration(connection)
    if found == last:
        return "was there"
    if found > last:
        raise WrongSchema(
            f"the queue is of a later version ({found}) than this rollout knows ({last})",
            hint="update rollout on this machine",
        )
    for path in migrations():
        if path.stem > found:
            await connection.execute(path.read_bytes())
    await _written(connection, last)
    return f"brought forward from {found}"


async def _migration(connection: AsyncConnection) -> str:
    """Which one was the last. A queue that somebody else made has to be current: its version is nowhere written."""
    if await _exists(connection, "rollout_queue_schema"):
        row = await (await connection.execute("SELECT migration FROM rollout_queue_schema")).fetchone()
        if row is not None:
            return str(row[0])
    if called() - await _functions(connection):
        raise WrongSchema(
            "there is a Procrastinate queue of another version, which rollout did not make",
            hint="apply Procrastinate's own migrations to it, or give rollout a database of its own",
        )
    await _written(connection, migrations()[-1].stem)
    return migrations()[-1].stem


async def _written(connection: AsyncConnection, migration: str) -> None:
    await connection.execute(_VERSION)
    await connection.execute(_RECORD, [migration])


async def _exists(connection: AsyncConnection, table: str) -> bool:
    row = await (await connection.execute("SELECT to_regclass(%s) IS NOT NULL", [table])).fetchone()
    return row is not None and bool(row[0])


async def _functions(connection: AsyncConnection) -> frozenset[str]:
    asked = "SELECT DISTINCT proname FROM pg_proc WHERE proname LIKE 'procrastinate%'"
    return frozenset(str(row[0]) for row in await (await connection.execute(asked)).fetchall())
