"""The activity log: who wrote what, when, and how it ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollout.emulator.answers import Rejected
from rollout.emulator.monitor import activity
from rollout.emulator.monitor.activity import Deed
from rollout.emulator.monitor.activity_log import KEPT, ActivityLog
from rollout.emulator.store import Store
from tests.emulator.control.bodies import deployment_body, endpoint_body
from tests.emulator.monitor.conftest import Arm

NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)
PROVIDER = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


def deed(**changed: Any) -> Deed:
    """A PUT of an endpoint that was accepted."""
    known: dict[str, Any] = {
        "at": NOW,
        "subscription": "s",
        "tenant": "t",
        "caller": "object",
        "client": "application",
        "action": f"{PROVIDER}/write",
        "resource": "/subscriptions/s/resourceGroups/g/providers/M/workspaces/w/onlineEndpoints/house",
        "method": "PUT",
        "correlation": "c",
        "status": 201,
    }
    return Deed(**{**known, **changed})


def told(arm: Arm, uri: str, **more: str) -> list[Any]:
    """The last day's events of a resource, newest first, over all pages."""
    scope = arm.server.service.scope
    start = arm.server.service.now() - timedelta(days=1)
    filter_ = f"eventTimestamp ge '{start.isoformat()}' and resourceUri eq '{uri}'"
    path = f"{scope.subscription_path}/providers/Microsoft.Insights/eventtypes/management/values"
    body = arm.ask("GET", path, params={"$filter": filter_, **more}).json()
    events = body["value"]
    while "nextLink" in body:
        body = arm.session.get(body["nextLink"], timeout=20).json()
        events += body["value"]
    return list(events)


def test_the_life_of_an_endpoint(arm: Arm) -> None:
    """Each write is accepted and ends; reads leave no trace; the caller is the token's principal."""
    name = arm.house("blue")
    arm.ask("GET", f"onlineEndpoints/{name}")
    arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/green", deployment_body(0 + 1)))
    uri = f"{arm.server.service.scope.workspace_path}/onlineEndpoints/{name}"
    events = told(arm, uri)
    assert [(each["operationName"]["value"], each["status"]["value"]) for each in reversed(events)] == [
        (f"{PROVIDER}/write", "Accepted"),
        (f"{PROVIDER}/write", "Succeeded"),
        (f"{PROVIDER}/write", "Accepted"),
        (f"{PROVIDER}/write", "Succeeded"),
    ]
    own = arm.server.service.directory.principal(arm.client_id)
    assert {(each["caller"], each["claims"]["appid"]) for each in events} == {(own.object_id, arm.client_id)}
    assert {each["httpRequest"]["method"] for each in events} == {"PUT"}
    assert len({each["correlationId"] for each in events}) == 2
    green = told(arm, f"{uri}/deployments/green")
    assert [each["status"]["value"] for each in green] == ["Succeeded", "Accepted"]
    assert green[0]["resourceType"]["value"] == f"{PROVIDER}/deployments"


def test_refusals_are_told(arm: Arm) -> None:
    """With status and level; actions of POST too, under the resource's id."""
    name = arm.house()
    assert arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body({"red": 100})).status_code == 400
    arm.ask("POST", f"onlineEndpoints/{name}/listKeys")
    uri = f"{arm.server.service.scope.workspace_path}/onlineEndpoints/{name}"
    keys, refused, *_ = told(arm, uri)
    assert (keys["operationName"]["value"], keys["status"]["value"]) == (f"{PROVIDER}/listKeys/action", "Succeeded")
    assert (refused["status"]["value"], refused["level"]) == ("Failed", "Error")
    assert refused["subStatus"] == {"value": "BadRequest", "localizedValue": "Bad Request (HTTP Status Code: 400)"}


def test_a_failed_operation(arm: Arm) -> None:
    """Its second event says so."""
    name = arm.house()
    arm.control("POST", "faults", [{"effect": {"kind": "fail", "operation": "deployment_create"}}])
    arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()))
    uri = f"{arm.server.service.scope.workspace_path}/onlineEndpoints/{name}/deployments/blue"
    events = told(arm, uri, **{"$select": "status,level"})
    assert [(each["status"]["value"], each["level"]) for each in events] == [
        ("Failed", "Error"),
        ("Accepted", "Informational"),
    ]
    assert list(events[0]) == ["level", "status"]


def test_pages(arm: Arm) -> None:
    """200 events a page."""
    name = arm.house()
    for _ in range(201):
        arm.ask("POST", f"onlineEndpoints/{name}/listKeys")
    uri = f"{arm.server.service.scope.workspace_path}/onlineEndpoints/{name}"
    events = told(arm, uri)
    assert len(events) == 203
    assert len({each["eventDataId"] for each in events}) == 203


FILTERS = {
    "": "The filter is not valid at: its beginning",
    "resourceUri eq '/x'": "The filter must say the start of the time range: eventTimestamp ge '…'.",
    "eventTimestamp ge 'soon'": "'soon' is not a time.",
    "eventTimestamp ge '2020-01-01'": "The start time cannot be more than 90 days in the past.",
    "eventTimestamp ge '2026-01-01' and colour eq 'red'": "The field 'colour' is not supported in the filter.",
    "eventTimestamp ge '2026-01-01' or caller eq 'a'": (
        "The filter is not valid at: eventTimestamp ge '2026-01-01' or caller eq 'a'"
    ),
}


@pytest.mark.parametrize("text", FILTERS)
def test_filters_that_are_none(text: str) -> None:
    """400, with the reason."""
    with pytest.raises(Rejected) as caught:
        activity.wanted(text, NOW)
    assert (caught.value.status, caught.value.error["message"]) == (400, FILTERS[text])


def test_filters_by_time_and_field() -> None:
    """Every documented pattern."""
    one = activity.event(deed(), "Accepted", NOW, 1)
    start = "eventTimestamp ge '2026-01-01T12:00:00Z'"
    for more in (
        "eventTimestamp le '2026-01-01T13:00:00Z'",
        "eventTimestamp le 2026-01-01T13:00:00.5",
        "resourceGroupName eq 'G'",
        "resourceProvider eq 'microsoft.machinelearningservices'",
        "correlationId eq 'c'",
        "caller eq 'object'",
        "status eq 'accepted'",
        "eventChannels eq 'Admin, Operation'",
    ):
        assert activity.wanted(f"{start} and {more}", NOW).holds(one), more
    assert not activity.wanted(f"{start} and caller eq 'else'", NOW).holds(one)
    assert not activity.wanted("eventTimestamp ge '2026-01-01T13:00:01Z'", NOW + timedelta(hours=1)).holds(one)


def test_the_log_survives_and_is_bounded(tmp_path: Path) -> None:
    """Deeds whose operation is under way get their second event after a restart; the oldest events go."""
    store = Store(tmp_path / "a.sqlite3")
    ActivityLog(store).note(deed(), "oe:1")
    again = ActivityLog(store)
    again.ended("oe:1", well=True, at=NOW + timedelta(minutes=1))
    again.ended("oe:1", well=True, at=NOW + timedelta(minutes=2))
    again.ended("oe:unknown", well=True, at=NOW)
    assert [each["status"]["value"] for each in again.newest_first()] == ["Succeeded", "Accepted"]
    again._numbers = list(range(1, KEPT + 1))
    again.note(deed(status=200))
    assert len(again._numbers) == KEPT
    store.close()
