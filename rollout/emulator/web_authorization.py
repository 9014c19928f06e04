"""Resource Manager: what the caller may do, and resource locks.

Permissions are the caller's roles, as `PUT /_emulator/permissions` (for the emulator's own client) or
`PUT /_emulator/principals` have set them. Locks are kept. All of it is enforced. Role assignments are those of the
endpoints' identities (`grants`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from rollout.emulator.answers import Answer, JsonObject, plain
from rollout.emulator.grants import assignment, implied
from rollout.emulator.service import Service
from rollout.emulator.web_arm import Call, Operation, read, write

LOCKS: Final = "Microsoft.Authorization/locks"
ASSIGNMENTS: Final = "Microsoft.Authorization/roleAssignments"
REMOVED: Final = "Microsoft.Authorization/removedAssignments"
_LEVELS: Final = ("CanNotDelete", "ReadOnly")
_PRINCIPAL: Final = re.compile(r"(?:principalId eq |assignedTo\()'([^']+)'", re.IGNORECASE)


def permissions(call: Call) -> Answer:
    """What the caller's roles add up to here."""
    return Answer(200, {"value": msgspec.to_builtins(call.caller.roles)})


def assignments(service: Service) -> dict[str, JsonObject]:
    """All role assignments by name: those that identities have anyway and those that were made, less the removed."""
    docs = [held.doc for held in service.rules.world.endpoints.values()]
    removed = {doc["name"] for doc in service.catalog.plain_listing(f"{REMOVED}/")}
    found = {doc["name"]: doc for doc in service.catalog.plain_listing(f"{ASSIGNMENTS}/")}
    return {name: doc for name, doc in (implied(service.scope, docs) | found).items() if name not in removed}


def list_assignments(call: Call) -> Answer:
    """The role assignments at or below a scope, of a principal if `$filter` names one."""
    wanted = _PRINCIPAL.search(call.query.get("$filter", ""))
    root = call.resource.lower()
    value = [
        doc
        for doc in assignments(call.service).values()
        if doc["properties"]["scope"].lower().startswith(root)
        and (wanted is None or doc["properties"]["principalId"] == wanted[1])
    ]
    return Answer(200, {"value": value})


def put_assignment(call: Call) -> Answer:
    """PUT of a role assignment at a scope."""
    asked = call.body["properties"]
    role = asked["roleDefinitionId"].rpartition("/")[2]
    doc = assignment(call.service.scope, call.resource, role, asked["principalId"])
    known = {_said(each) for each in assignments(call.service).values()}
    if _said(doc) in known:
        raise plain(409, "RoleAssignmentExists", "The role assignment already exists.")
    if call.service.catalog.remove(f"{REMOVED}/{doc['name']}").status != 200:
        arm_id = f"{call.resource}/providers/{ASSIGNMENTS}/{call.first}"
        call.service.catalog.keep(f"{ASSIGNMENTS}/{call.first}", {**doc, "id": arm_id, "name": call.first})
    return Answer(201, doc)


def _said(doc: JsonObject) -> tuple[str, str, str]:
    inner = doc["properties"]
    return inner["scope"].lower(), inner["roleDefinitionId"].lower(), inner["principalId"]


def delete_assignment(call: Call) -> Answer:
    """DELETE of a role assignment: from now on the identity lacks the role."""
    found = assignments(call.service).get(call.first)
    if found is None:
        return Answer(204)
    call.service.catalog.remove(f"{ASSIGNMENTS}/{call.first}")
    if call.first in implied(call.service.scope, (held.doc for held in call.service.rules.world.endpoints.values())):
        call.service.catalog.keep(f"{REMOVED}/{call.first}", {"name": call.first})
    return Answer(200, found)


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
    "GET roleassignments": read("RoleAssignments_ListForScope", list_assignments),
    "PUT roleassignments/{}": write("RoleAssignments_Create", put_assignment),
    "DELETE roleassignments/{}": write("RoleAssignments_Delete", delete_assignment),
    "GET locks": read("ManagementLocks_List", _locks),
    "PUT locks/{}": write("ManagementLocks_CreateOrUpdate", put_lock),
    "DELETE locks/{}": write("ManagementLocks_Delete", _remove),
}
"""Operations below `providers/Microsoft.Authorization` of the group or of anything in it."""
