"""The table of entries, to which rows are only added."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_REFUSED = "rows of rollout_entries are neither changed nor deleted"


def upgrade() -> None:
    """Table, index, and triggers that refuse every change of a row."""
    op.create_table(
        "rollout_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("chain", sa.String(512), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("plan", sa.String(512), nullable=False),
        sa.Column("line", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.UniqueConstraint("chain", "sequence", name="rollout_entries_sequence"),
        sa.UniqueConstraint("chain", "previous", name="rollout_entries_previous"),
    )
    op.create_index("ix_rollout_entries_plan", "rollout_entries", ["plan"])
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgres():
        op.execute(statement)


def downgrade() -> None:
    """There is no way back: a history is not thrown away by a command."""
    raise NotImplementedError("the history has no older form")


def _sqlite() -> tuple[str, ...]:
    return tuple(
        f"CREATE TRIGGER rollout_entries_{what.lower()} BEFORE {what} ON rollout_entries"
        f" BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END"
        for what in ("UPDATE", "DELETE")
    )


def _postgres() -> tuple[str, ...]:
    return (
        "CREATE FUNCTION rollout_entries_kept() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{_REFUSED}'; END; $$",
        "CREATE TRIGGER rollout_entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON rollout_entries"
        " FOR EACH STATEMENT EXECUTE FUNCTION rollout_entries_kept()",
    )
