"""Resource Manager: what the caller may do, and resource locks.

Permissions are answered as `PUT /_emulator/permissions` has set them, and not enforced. Locks are kept and enforced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rollout.emulator.answers import Answer, plain
from rollout.emulator.service import Service
from rollout.emulator.web_arm import Call, Operation, read, write

LOCKS: Final = "Microsoft.Authorization/locks"
EVERYTHING: Final = ({"actions": ["*"], "notActions": [], "dataActions": ["*"], "notDataActions": []},)
_LEVELS: Final = ("CanNotDelete", "ReadOnly")


def permissions(call: Call) -> Answer:
    """What the caller's roles add up to here."""
    return Answer(200, {"value": list(call.service.permissions or EVERYTHING)})


def put_lock(call: Call) -> Answer:
    """PUT of a lock; it holds for the whole resource group."""
    inner = call.body.get("properties") if isinstance(call.body, dict) else None
    if not isinstance(inner, dict) or inner.get("level") not in _LEVELS:
        raise plain(400, "InvalidLockLevel", f"The level of a lock must be one of {', '.join(_LEVELS)}.")
    return call.service.catalog.put_plain(f"{LOCKS}/{call.first}", LOCKS, {"properties": inner}, call.now)


def refuse_if_locked(service: Service, method: str, path: str) -> None:
    """409 for a delete under any lock, and for every write under one that is read-only."""
    if method not in ("DELETE", "PUT", "PATCH") or "/microsoft.authorization/" in path.lower():
        return
    for lock in service.catalog.plain_listing(LOCKS):
        if method == "DELETE" or lock["properties"]["level"] == "ReadOnly":
            what = "delete" if method == "DELETE" else "write"
            raise plain(
                409,
                "ScopeLocked",
                f"The scope '{path}' cannot perform {what} operation because following scope(s) are locked: "
                f"'{service.scope.workspace_path}'. Please remove the lock and try again.",
            )


def _remove(call: Call) -> Answer:
    return call.service.catalog.remove(f"{LOCKS}/{call.first}")


def _locks(call: Call) -> Answer:
    found: list[Any] = call.service.catalog.plain_listing(LOCKS)
    return Answer(200, {"value": found})


AUTHORIZATION: Final[Mapping[str, Operation]] = {
    "GET permissions": read("Permissions_ListForResource", permissions),
    "GET locks": read("ManagementLocks_List", _locks),
    "PUT locks/{}": write("ManagementLocks_CreateOrUpdate", put_lock),
    "DELETE locks/{}": write("ManagementLocks_Delete", _remove),
}
"""Operations below `providers/Microsoft.Authorization` of the group or of anything in it."""
