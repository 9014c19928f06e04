"""Resource Manager's alerts: metric alert rules, and the alerts that they have raised.

GET {scope}/providers/Microsoft.AlertsManagement/alerts has the shapes of azure-rest-api-specs, 2019-03-01: a list of
`properties.essentials`, filtered by query parameters, newest first. Nothing is stored but the rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from rollout.emulator.answers import Answer, JsonObject, plain
from rollout.emulator.monitor import alert_rules
from rollout.emulator.monitor.catalogue import DEPLOYMENTS, ENDPOINTS, METRICS
from rollout.emulator.monitor.moments import BadMoment, moment, stamp
from rollout.emulator.monitor.reader import arrived
from rollout.emulator.service import Service
from rollout.emulator.web_arm import Call, Operation, read, write

RULES: Final = "Microsoft.Insights/metricAlerts"
ALERTS: Final = "Microsoft.AlertsManagement/alerts"
PAGE: Final = 25
MOST: Final = 250
_RANGES: Final = {"1h": 1, "1d": 24, "7d": 168, "30d": 720}
"""Hours by the words of `timeRange`; a day is the default."""
_FILTERS: Final = ("targetResource", "alertRule", "monitorCondition", "severity", "monitorService", "alertState")


def put_rule(call: Call) -> Answer:
    """PUT of a metric alert rule. It is looked after from then on."""
    rule = alert_rules.read(call.body)
    _check_metrics(rule)
    return call.service.catalog.put_plain(f"{RULES}/{call.first}", RULES, call.body, call.now)


def get_rule(call: Call) -> Answer:
    """One rule."""
    return call.service.catalog.plain_one(f"{RULES}/{call.first}")


def list_rules(call: Call) -> Answer:
    """The rules of the resource group."""
    return Answer(200, {"value": call.service.catalog.plain_listing(RULES)})


def delete_rule(call: Call) -> Answer:
    """DELETE of a rule; its alerts go with it."""
    return call.service.catalog.remove(f"{RULES}/{call.first}")


def list_alerts(call: Call) -> Answer:
    """The alerts of the subscription, filtered, newest first."""
    start, end = _span(call.query, call.now)
    found = [
        one
        for rule in call.service.catalog.plain_listing(RULES)
        for one in _alerts(call.service, rule, call.now)
        if start <= moment(_essentials(one)["startDateTime"]) <= end and _wanted(_essentials(one), call.query)
    ]
    found.sort(key=lambda one: str(_essentials(one)["startDateTime"]), reverse=True)
    size = int(call.query.get("pageCount") or PAGE)
    if not 1 <= size <= MOST:
        raise plain(400, "BadRequest", f"pageCount must be between 1 and {MOST}.")
    begin = int(call.query.get("$skiptoken") or 0)
    more = {"nextLink": call.next_link({"$skiptoken": str(begin + size)})} if found[begin + size :] else {}
    return Answer(200, {"value": found[begin : begin + size], **more})


def _alerts(service: Service, doc: JsonObject, now: datetime) -> Iterator[JsonObject]:
    """What a rule has raised since it is as it is."""
    rule = alert_rules.read(doc)
    if not rule.enabled:
        return
    late = timedelta(minutes=1, seconds=service.settings.metrics_delay)
    start = max(moment(doc["systemData"]["lastModifiedAt"]) - late, now - timedelta(days=30))
    samples = [arrived(service, rule.scope, one.metric_name, now) for one in rule.criteria]
    for fired, resolved in alert_rules.firings(rule, samples, start, now - late):
        yield _alert(doc, rule.scope, fired + late, None if resolved is None else resolved + late)


def _alert(doc: JsonObject, target: str, fired: datetime, resolved: datetime | None) -> JsonObject:
    rule, inner = str(doc["id"]), doc["properties"]
    name = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{rule.lower()} {fired.isoformat()}"))
    parts = target.strip("/").split("/")
    return {
        "name": doc["name"],
        "type": ALERTS,
        "id": f"{target}/providers/{ALERTS}/{name}",
        "properties": {
            "essentials": {
                "severity": f"Sev{inner.get('severity', 3)}",
                "signalType": "Metric",
                "alertState": "New",
                "monitorCondition": "Fired" if resolved is None else "Resolved",
                "monitorService": "Platform",
                "targetResource": target.lower(),
                "targetResourceName": parts[-1],
                "targetResourceGroup": parts[3] if len(parts) > 3 else "",
                "targetResourceType": "/".join(parts[5:]).lower(),
                "sourceCreatedId": name,
                "alertRule": rule.lower(),
                "startDateTime": stamp(fired),
                "lastModifiedDateTime": stamp(resolved or fired),
                "monitorConditionResolvedDateTime": "" if resolved is None else stamp(resolved),
                "lastModifiedUserName": "System",
                "actionStatus": {"isSuppressed": False},
                "description": inner.get("description") or "",
            }
        },
    }


def _check_metrics(rule: alert_rules.AlertRule) -> None:
    """Refuse metrics that the resource does not have."""
    names = {one.name.lower() for one in METRICS[namespace(rule.scope).lower()]}
    for one in rule.criteria:
        if one.metric_name.lower() not in names:
            raise plain(400, "BadRequest", f"Couldn't find a metric named {one.metric_name}.")


def namespace(resource: str) -> str:
    """The namespace of a resource's metrics."""
    return DEPLOYMENTS if "/deployments/" in resource.lower() else ENDPOINTS


def _essentials(alert: JsonObject) -> dict[str, Any]:
    found: dict[str, Any] = alert["properties"]["essentials"]
    return found


def _wanted(essentials: Mapping[str, Any], query: Mapping[str, str]) -> bool:
    return all(str(essentials[name]).lower() == query[name].lower() for name in _FILTERS if query.get(name))


def _span(query: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    """What `timeRange` or `customTimeRange` asks for: at most 30 days back. Raises `Rejected` (400)."""
    if query.get("customTimeRange"):
        try:
            start, end = map(moment, query["customTimeRange"].split("/"))
        except (BadMoment, ValueError) as error:
            raise plain(400, "BadRequest", "customTimeRange is not START/END.") from error
        if query.get("timeRange") or start < now - timedelta(days=30):
            raise plain(400, "BadRequest", "Either timeRange or customTimeRange, within 30 days from query time.")
        return start, end
    hours = _RANGES.get(query.get("timeRange") or "1d")
    if hours is None:
        raise plain(400, "BadRequest", f"timeRange is one of {', '.join(_RANGES)}.")
    return now - timedelta(hours=hours), now


METRIC_ALERTS: Final[Mapping[str, Operation]] = {
    "GET metricalerts": read("MetricAlerts_ListByResourceGroup", list_rules),
    "GET metricalerts/{}": read("MetricAlerts_Get", get_rule),
    "PUT metricalerts/{}": write("MetricAlerts_CreateOrUpdate", put_rule),
    "DELETE metricalerts/{}": write("MetricAlerts_Delete", delete_rule),
}
"""Of a resource group."""
ALERT_LIST: Final[Mapping[str, Operation]] = {"GET alerts": read("Alerts_GetAll", list_alerts)}
"""Of the subscription."""
