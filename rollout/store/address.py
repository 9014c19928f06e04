"""Where a database is, so that nothing that is printed shows its password."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Self

import msgspec
from psycopg import AsyncConnection, ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from rollout.errors import UsageError

_HINT = "postgresql://USER@HOST/DATABASE; the password comes from PGPASSWORD, or the whole from ROLLOUT_QUEUE"
_SCHEMES = ("postgresql://", "postgres://")
_BOUNDS = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "5",
    "keepalives_count": "2",
    "tcp_user_timeout": "10000",
    "application_name": "rollout",
}
"""A server that has gone is noticed within 15 s (libpq, "Connection Control Functions"); the address may say more."""


class Address(msgspec.Struct, frozen=True):
    """A database. `shown` is what may be printed; `conninfo` holds the password, and is for libpq alone. `token` makes
    the password of each new connection, where it is one that lapses."""

    conninfo: str
    shown: str
    password: str
    token: Callable[[], str] | None = None

    def __repr__(self) -> str:
        return f"Address({self.shown})"

    def current(self) -> str:
        """For libpq, now. Raises what `token` does: SignInError."""
        return self.conninfo if self.token is None else make_conninfo(self.conninfo, password=self.token())

    async def connect(self, *, autocommit: bool = False) -> AsyncConnection:
        """A new connection. A token is fetched in a thread. Raises what psycopg and `token` do."""
        return await AsyncConnection.connect(await self._fetched(), autocommit=autocommit)

    def connection_class(self) -> type[AsyncConnection]:
        """For a pool, whose connections are made at any time."""
        address = self

        class Signed(AsyncConnection):
            """Signs in anew."""

            @classmethod
            async def connect(cls, conninfo: str = "", **more: Any) -> Self:
                """As its parent's, by what is valid now."""
                return await super().connect(await address._fetched(), **more)

        return Signed

    async def _fetched(self) -> str:
        return self.conninfo if self.token is None else await asyncio.to_thread(self.current)

    def scrubbed(self, text: str) -> str:
        """A message of the server or its library, without the password."""
        return text.replace(self.password, "***") if self.password else text


def parse(url: str, token: Callable[[], str] | None = None) -> Address:
    """Read `postgresql://…`; `token`: see `Address`. Raises UsageError, which does not repeat what was given, where it
    is none."""
    if not url.startswith(_SCHEMES):
        raise UsageError("the queue's address is not one of Postgres", hint=_HINT)
    try:
        given = {key: str(value) for key, value in conninfo_to_dict(url).items()}
    except ProgrammingError:
        raise UsageError("the queue's address cannot be read", hint=_HINT) from None
    return Address(make_conninfo("", **(_BOUNDS | given)), _shown(given), given.get("password", ""), token)


def _shown(given: dict[str, str]) -> str:
    user = f"{given['user']}@" if given.get("user") else ""
    port = f":{given['port']}" if given.get("port") else ""
    return f"postgresql://{user}{given.get('host', '')}{port}/{given.get('dbname', '')}"
