"""Who may sign in: service principals, each with a secret and roles of its own. Values only.

`PUT /_emulator/principals` declares them:

    [{"name": "reader", "roles": ["Reader"]},
     {"name": "deployer", "roles": [{"actions": ["Microsoft.MachineLearningServices/*"], "notActions": []}]}]
"""

from __future__ import annotations

import secrets
import uuid
from typing import Final

import msgspec

from rollout.emulator.access import BUILT_IN, Role

OWNER: Final = BUILT_IN["Owner"]


def object_id(client_id: str) -> str:
    """The object id of an application's principal."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, client_id))


class Principal(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A service principal. Everybody may do everything until somebody says otherwise."""

    name: str
    client_id: str
    client_secret: str
    roles: tuple[Role, ...] = (OWNER,)

    @property
    def object_id(self) -> str:
        """The id of the principal, which is not that of its application."""
        return object_id(self.client_id)

    def __repr__(self) -> str:
        return f"Principal(name={self.name!r}, client_id={self.client_id!r})"


class Declared(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A principal as it is asked for: ids and secret are made up where they are missing."""

    name: str
    roles: tuple[str | Role, ...]
    client_id: str = ""
    client_secret: str = ""


def made(wish: Declared) -> Principal:
    """The principal of a declaration. Raises `ValueError` for a role that is not built in."""
    return Principal(
        name=wish.name,
        client_id=wish.client_id or str(uuid.uuid4()),
        client_secret=wish.client_secret or secrets.token_urlsafe(24),
        roles=tuple(_role(role) for role in wish.roles),
    )


def _role(wish: str | Role) -> Role:
    if isinstance(wish, Role):
        return wish
    if wish not in BUILT_IN:
        raise ValueError(f"there is no role '{wish}': it must be one of {', '.join(BUILT_IN)}, or say its actions")
    return BUILT_IN[wish]
