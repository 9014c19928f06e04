"""The principals that are known: the emulator's own client, and those that were declared. Survives a restart."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rollout.emulator.access import Role
from rollout.emulator.identity import Identity
from rollout.emulator.principals import OWNER, Principal
from rollout.emulator.store import Row, Store

_KIND = "principal"


class Directory:
    """Principals by client id. The first is the one of `rollout emulator env`."""

    def __init__(self, identity: Identity, store: Store) -> None:
        self._store = store
        self._own = identity.client_id
        owner = Principal(name="rollout", client_id=identity.client_id, client_secret=identity.client_secret)
        self._known = {owner.client_id: owner}
        for key, raw in store.read(_KIND):
            self._known[key] = msgspec.json.decode(raw, type=Principal)

    def secret(self, client_id: str) -> str | None:
        """The secret of a client; None for one that nobody knows."""
        found = self._known.get(client_id)
        return found.client_secret if found else None

    def principal(self, client_id: str) -> Principal:
        """The principal that a token was issued to; one that was taken away since may do nothing."""
        gone = Principal(name=client_id, client_id=client_id, client_secret="", roles=())
        return self._known.get(client_id, gone)

    def everybody(self) -> tuple[Principal, ...]:
        """All principals, the emulator's own first."""
        return tuple(self._known.values())

    def declare(self, others: Sequence[Principal]) -> None:
        """Take over all principals but the own one."""
        own = self._known[self._own]
        fresh = {one.client_id: one for one in others if one.client_id != self._own}
        rows: list[Row] = [(_KIND, key, None) for key in self._known if key not in fresh and key != self._own]
        rows += [(_KIND, key, msgspec.json.encode(one)) for key, one in fresh.items()]
        self._store.write(rows)
        self._known = {self._own: own, **fresh}

    def allow(self, roles: Sequence[Role]) -> None:
        """What the own principal may do; nothing said: everything. Not kept over a restart."""
        own = self._known[self._own]
        self._known[self._own] = msgspec.structs.replace(own, roles=tuple(roles) or (OWNER,))
