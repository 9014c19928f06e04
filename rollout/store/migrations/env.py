"""Run by Alembic, on the connection that `rollout.store.upgrade` hands over."""

from __future__ import annotations

from alembic import context

from rollout.store.tables import METADATA, VERSIONS

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=VERSIONS,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
