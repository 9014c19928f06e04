"""The table of the history, the same in SQLite and Postgres; made by the migrations beside."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, String, Table, Text, UniqueConstraint

METADATA: Final = MetaData()
ENTRIES: Final = Table(
    "rollout_entries",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("chain", String(512), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("time", DateTime(timezone=True), nullable=True),
    Column("plan", String(512), nullable=False, index=True),
    Column("line", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # two who append at the same time cannot both follow the same one
    UniqueConstraint("chain", "sequence", name="rollout_entries_sequence"),
    UniqueConstraint("chain", "previous", name="rollout_entries_previous"),
)
VERSIONS: Final = "rollout_history_version"
"""Where Alembic keeps which migration was the last; a name of its own, because the database may have others."""
