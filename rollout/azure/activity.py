"""The subscription's activity log: who wrote to a resource, and when. Optional: it needs a permission of its own.

Source: Microsoft.Insights, Activity Logs - List (api-version 2015-04-01): the filter takes a time and a resource's id;
events come newest first, two for each long operation (`Accepted`, then how it ended); kept for 90 days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.core.moves import Move

_API_VERSION: Final = "2015-04-01"
_ENDED: Final = "succeeded"
_CHANGES: Final = ("/write", "/delete")


async def moves_of(client: ArmClient, paths: Paths, resource: str, since: datetime) -> list[Move]:
    """Every write to the resource (an ARM id) since then that succeeded, the newest first.

    Raises SignInError without the permission `Microsoft.Insights/eventtypes/values/read`.
    """
    start = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    filter_ = quote(f"eventTimestamp ge '{start}' and resourceUri eq '{resource}'", safe="")
    path = f"{paths.subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    found = await client.pages(f"{path}?api-version={_API_VERSION}&$filter={filter_}", "read the activity log")
    return list(read_moves(found, resource))


def read_moves(events: Sequence[Mapping[str, Any]], resource: str) -> Iterator[Move]:
    """The writes among those events that succeeded and are about that very resource, not one below it."""
    for event in events:
        operation = str((event.get("operationName") or {}).get("value") or "").lower()
        ended = str((event.get("status") or {}).get("value") or "").lower()
        about = str(event.get("resourceId") or "").lower().rstrip("/")
        when = _time(event.get("eventTimestamp"))
        if when is None or ended != _ENDED or not operation.endswith(_CHANGES) or about != resource.lower().rstrip("/"):
            continue
        yield Move(at=when, who=_who(event))


def _who(event: Mapping[str, Any]) -> str:
    """A person's name, else the application's id; the caller of the event where the claims say neither."""
    claims = event.get("claims") or {}
    names = ("name", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn", "appid")
    named = next((str(claims[name]) for name in names if claims.get(name)), "")
    return named or str(event.get("caller") or "")


def _time(value: Any) -> datetime | None:
    """An ISO time; the service writes seven digits of a second."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
