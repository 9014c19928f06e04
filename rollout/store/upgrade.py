"""The history's tables: made and brought forward by the migrations, and looked at before they are used."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from rollout.store.history import History
from rollout.store.schema import WrongSchema
from rollout.store.tables import VERSIONS

UPGRADE: Final = "rollout store upgrade"
_HERE: Final = Path(__file__).with_name("migrations")


def newest() -> str:
    """The last migration of this rollout."""
    return str(ScriptDirectory(str(_HERE)).get_current_head())


def upgrade(history: History) -> str:
    """Make the tables, or bring them forward; what was done. Raises WrongSchema for those of a later rollout."""
    with history.connected() as connection:
        found = _version(connection)
        _must_be_known(history, found)
        if found == newest():
            return "was there"
        config = Config()
        config.set_main_option("script_location", str(_HERE))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return f"brought forward from {found}" if found else "made"


def ready(history: History) -> History:
    """The history, to be used: one in a file is made and brought forward by itself, one for a team only by who says so.

    Raises WrongSchema.
    """
    if history.embedded:
        upgrade(history)
        return history
    with history.connected() as connection:
        found = _version(connection)
    _must_be_known(history, found)
    if found != newest():
        what = f"is of an older version ({found})" if found else "is missing"
        raise WrongSchema(f"the history in {history.shown} {what}", hint=f"{UPGRADE} --history URL")
    return history


def _version(connection: Connection) -> str:
    context = MigrationContext.configure(connection, opts={"version_table": VERSIONS})
    return context.get_current_revision() or ""


def _must_be_known(history: History, found: str) -> None:
    known = {one.revision for one in ScriptDirectory(str(_HERE)).walk_revisions()}
    if found and found not in known:
        raise WrongSchema(
            f"the history in {history.shown} is of a later version ({found}) than this rollout knows ({newest()})",
            hint="update rollout on this machine",
        )
