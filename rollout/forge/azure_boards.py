"""Issues as work items of Azure Boards: of the first type that the project's process knows.

https://learn.microsoft.com/rest/api/azure/devops/wit (api-version 7.1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from rollout.errors import RolloutError
from rollout.forge.dialect import Call
from rollout.forge.port import Draft, Issue
from rollout.forge.wire import Wire

_TYPES: Final = ("Issue", "Bug", "Task")
"""Basic and Agile have issues, Scrum and CMMI bugs."""
_OVER: Final = ("Completed", "Removed")
_BODY: Final = "System.Description"
_WRITE: Final = "Work items: Edit work items in this node"
_READ: Final = "Work items: View work items in this node"
_VERSION: Final = "7.1"
_TAGGED: Final = "SELECT [System.Id] FROM workitems WHERE [System.TeamProject] = @project AND [System.Tags] CONTAINS "


class Boards:
    """The work items of one project (`/project`)."""

    def __init__(self, wire: Wire, project: str) -> None:
        self._wire = wire
        self._project = project
        self._root = f"{project}/_apis/wit"

    async def open_issues(self, label: str, me: str) -> Sequence[Issue]:
        """Those with our tag that are not over; oldest first."""
        query = {"query": _TAGGED + "'" + label.replace("'", "''") + "'"}
        found = await self._ask("POST", f"{self._root}/wiql", "look for work items", _READ, query)
        numbers = [str(entry["id"]) for entry in found["workItems"]][-200:]
        if not numbers:
            return []
        call = Call(method="GET", path=f"{self._root}/workitems", what="read work items", needs=_READ)
        answer = await self._wire.json(call, query={"ids": ",".join(numbers), "api-version": _VERSION})
        over = {
            kind: await self._over(kind) for kind in {_field(entry, "System.WorkItemType") for entry in answer["value"]}
        }
        live = [e for e in answer["value"] if _field(e, "System.State") not in over[_field(e, "System.WorkItemType")]]
        return [self._issue(entry, me) for entry in live]

    async def open_issue(self, draft: Draft, label: str, me: str) -> Issue:
        """A new one."""
        path = f"{self._root}/workitems/${quote(await self._type())}"
        changes = [*_texts(draft), _set("/fields/System.Tags", label)]
        return self._issue(await self._ask("POST", path, "open a work item", _WRITE, changes), me)

    async def edit_issue(self, issue: Issue, draft: Draft) -> None:
        """Another title and text."""
        await self._patch(issue, "edit a work item", _texts(draft))

    async def close_issue(self, issue: Issue, comment: str) -> None:
        """Say why, and put it into its type's state for what is completed."""
        path = f"{self._root}/workitems/{issue.number}"
        found = await self._ask("GET", path, "read a work item", _READ)
        over = await self._over(_field(found, "System.WorkItemType"))
        changes = [_set("/fields/System.State", over[0]), _set("/fields/System.History", comment)]
        await self._patch(issue, "close a work item", changes)

    async def _patch(self, issue: Issue, what: str, changes: Sequence[Any]) -> None:
        await self._ask("PATCH", f"{self._root}/workitems/{issue.number}", what, _WRITE, changes)

    async def _type(self) -> str:
        found = await self._ask("GET", f"{self._root}/workitemtypes", "read types of work items", _READ)
        known = {str(entry["name"]) for entry in found["value"] if not entry.get("isDisabled")}
        for name in _TYPES:
            if name in known:
                return name
        raise RolloutError(f"the project has no work items of a type {', '.join(_TYPES)}")

    async def _over(self, kind: str) -> list[str]:
        """The states of what is over, completed ones first."""
        path = f"{self._root}/workitemtypes/{quote(kind)}/states"
        found = (await self._ask("GET", path, "read states of work items", _READ))["value"]
        return [str(entry["name"]) for category in _OVER for entry in found if entry.get("category") == category]

    async def _ask(self, method: str, path: str, what: str, needs: str, body: Any = None) -> Any:
        call = Call(method=method, path=path, what=what, needs=needs)
        return await self._wire.json(call, body, {"api-version": _VERSION})

    def _issue(self, entry: Mapping[str, Any], me: str) -> Issue:
        author = entry["fields"].get("System.CreatedBy") or {}
        return Issue(
            number=int(entry["id"]),
            title=_field(entry, "System.Title"),
            body=_field(entry, _BODY),
            mine=author.get("id") == me,
            url=f"{self._wire.base_url}{self._project}/_workitems/edit/{entry['id']}",
        )


def _field(entry: Mapping[str, Any], name: str) -> str:
    return str(entry["fields"].get(name) or "")


def _texts(draft: Draft) -> list[dict[str, str]]:
    """The text is Markdown, and is said to be: else Boards takes it for HTML."""
    return [
        _set("/fields/System.Title", draft.title),
        _set(f"/fields/{_BODY}", draft.body),
        _set(f"/multilineFieldsFormat/{_BODY}", "Markdown"),
    ]


def _set(path: str, value: str) -> dict[str, str]:
    return {"op": "add", "path": path, "value": value}
