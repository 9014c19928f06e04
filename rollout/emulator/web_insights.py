"""Resource Manager's Azure Monitor: autoscale settings, the activity log, the metrics of endpoints and deployments."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from rollout.emulator.answers import Answer, plain
from rollout.emulator.monitor import activity
from rollout.emulator.monitor.catalogue import DEPLOYMENTS, ENDPOINTS, definition
from rollout.emulator.monitor.catalogue import METRICS as KNOWN
from rollout.emulator.monitor.reader import lowered, metrics
from rollout.emulator.web_arm import Call, Operation, read, write

SETTINGS: Final = "Microsoft.Insights/autoscalesettings"


def put_autoscale(call: Call) -> Answer:
    """PUT of an autoscale setting: kept, not acted on. A resource has one setting at most."""
    body = call.body if isinstance(call.body, dict) else {}
    target = _target(body)
    for other in call.service.catalog.plain_listing(SETTINGS):
        if target and _target(other) == target and str(other["name"]).lower() != call.first.lower():
            raise plain(
                409, "Conflict", f"The resource '{target}' already has the autoscale setting '{other['name']}'."
            )
    return call.service.catalog.put_plain(f"{SETTINGS}/{call.first}", SETTINGS, body, call.now)


def _target(setting: Mapping[str, Any]) -> str:
    return str((setting.get("properties") or {}).get("targetResourceUri") or "").lower()


def get_autoscale(call: Call) -> Answer:
    """One autoscale setting."""
    return call.service.catalog.plain_one(f"{SETTINGS}/{call.first}")


def list_autoscale(call: Call) -> Answer:
    """The autoscale settings of the resource group."""
    return Answer(200, {"value": call.service.catalog.plain_listing(SETTINGS)})


def delete_autoscale(call: Call) -> Answer:
    """DELETE of an autoscale setting."""
    return call.service.catalog.remove(f"{SETTINGS}/{call.first}")


def events(call: Call) -> Answer:
    """The activity log, newest first."""
    if call.first.lower() != "management":
        raise plain(404, "InvalidResourceType", f"There is no event type '{call.first}'.")
    wanted = activity.wanted(call.query.get("$filter", ""), call.now)
    start = int(call.query.get("$skipToken") or 0)
    found = (one for one in call.service.activity.newest_first() if wanted.holds(one))
    page = list(islice(found, start, start + activity.PAGE + 1))
    body = {"value": activity.selected(page[: activity.PAGE], call.query.get("$select", ""))}
    more = {"nextLink": call.next_link({"$skipToken": str(start + activity.PAGE)})} if page[activity.PAGE :] else {}
    return Answer(200, body | more)


def _namespace(call: Call) -> str:
    return DEPLOYMENTS if "/deployments/" in call.resource.lower() else ENDPOINTS


def read_metrics(call: Call) -> Answer:
    """The metrics of an endpoint or a deployment."""
    call.service.exists(call.resource, call.now)
    return Answer(200, metrics(call.service, call.resource, _namespace(call), lowered(call.query), call.now))


def definitions(call: Call) -> Answer:
    """Which metrics there are."""
    call.service.exists(call.resource, call.now)
    namespace = _namespace(call)
    return Answer(200, {"value": [definition(call.resource, namespace, one) for one in KNOWN[namespace.lower()]]})


AUTOSCALE: Final[Mapping[str, Operation]] = {
    "GET autoscalesettings": read("AutoscaleSettings_List", list_autoscale),
    "GET autoscalesettings/{}": read("AutoscaleSettings_Get", get_autoscale),
    "PUT autoscalesettings/{}": write("AutoscaleSettings_CreateOrUpdate", put_autoscale),
    "DELETE autoscalesettings/{}": write("AutoscaleSettings_Delete", delete_autoscale),
}
"""Of a resource group."""
ACTIVITY: Final[Mapping[str, Operation]] = {"GET eventtypes/{}/values": read("ActivityLogs_List", events)}
"""Of the subscription."""
METRICS: Final[Mapping[str, Operation]] = {
    "GET metrics": read("Metrics_List", read_metrics),
    "GET metricdefinitions": read("MetricDefinitions_List", definitions),
}
"""Of a resource."""
