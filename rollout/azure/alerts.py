"""`ports.AlertRules` by Resource Manager: an alert rule, and the alerts that it has raised.

GET {scope}/providers/Microsoft.AlertsManagement/alerts, 2019-03-01 (azure-rest-api-specs, alertsmanagement): filtered
by `alertRule`, at most 30 days back. Whether an alert is over is its `monitorCondition`; its `alertState` is only what
a person has clicked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

import msgspec

from rollout.azure.client import ArmClient
from rollout.azure.paths import Paths
from rollout.core.canonical import milliseconds
from rollout.core.evidence.alerts import Firing, Rule
from rollout.core.gate_bodies import short
from rollout.errors import AzureError

_ALERTS: Final = "2019-03-01"
_VERSIONS: Final[Mapping[str, str]] = {
    "microsoft.insights/metricalerts": "2018-03-01",
    "microsoft.insights/scheduledqueryrules": "2021-08-01",
    "microsoft.insights/activitylogalerts": "2020-10-01",
}
"""The kinds of rule that can be named, each with the version of its own API."""
_ID: Final = re.compile(
    r"(?P<scope>/subscriptions/[^/]+)/resourcegroups/[^/]+/providers/(?P<kind>[^/]+/[^/]+)/[^/?#]+", re.IGNORECASE
)
_PAGE: Final = 250


class AlertReader(msgspec.Struct, frozen=True):
    """Alert rules, by ARM id or by the name of a metric alert in the workspace's own resource group."""

    client: ArmClient
    paths: Paths

    async def look(self, rule: str) -> Rule:
        """See `ports.AlertRules`. Two reads, and one more for each further page of alerts."""
        arm_id = rule if rule.startswith("/") else self._metric_alert(rule)
        match = _ID.fullmatch(arm_id)
        version = _VERSIONS.get(match["kind"].lower()) if match else None
        if match is None or version is None:
            raise AzureError(f"{rule} is no alert rule that can be read", code="NoSuchAlertRule")
        found = await self.client.get(f"{arm_id}?api-version={version}", f"read the alert rule {short(rule)}")
        properties = (found.body or {}).get("properties") or {}
        alerts = await self._alerts(match["scope"], arm_id)
        return Rule(
            id=arm_id,
            enabled=properties.get("enabled", True) is True,
            every=timedelta(milliseconds=milliseconds(properties.get("evaluationFrequency")) or 60_000),
            firings=tuple(sorted(map(_firing, alerts), key=lambda one: one.fired)),
        )

    def _metric_alert(self, name: str) -> str:
        return f"{self.paths.group}/providers/Microsoft.Insights/metricAlerts/{quote(name, safe='')}"

    async def _alerts(self, scope: str, rule: str) -> list[Mapping[str, Any]]:
        """The rule's alerts of the last 30 days. A page that is not there is a fault, never "no alerts"."""
        query = f"alertRule={quote(rule, safe='')}&timeRange=30d&pageCount={_PAGE}"
        address = f"{scope}/providers/Microsoft.AlertsManagement/alerts?api-version={_ALERTS}&{query}"
        found: list[Mapping[str, Any]] = []
        while address:
            page = (await self.client.get(address, f"read the alerts of {short(rule)}")).body
            if not isinstance(page, Mapping) or not isinstance(page.get("value"), list):
                raise AzureError(f"the list of the alerts of {short(rule)} is none", code="BadAlert")
            found += map(_essentials, page["value"])
            address = str(page.get("nextLink") or "")
        return [one for one in found if not _other(str(one.get("alertRule", "")), rule)]


def _other(said: str, rule: str) -> bool:
    """Whether an alert is certainly another rule's. The service has filtered already; some kinds of rule are called by
    an address of their own, which is not compared."""
    return said.startswith("/") and said.lower() != rule.lower()


def _essentials(alert: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (alert.get("properties") or {}).get("essentials") or {}
    return found


def _firing(essentials: Mapping[str, Any]) -> Firing:
    """An alert that goes on has an empty time of its end, or none."""
    over = str(essentials.get("monitorCondition")) == "Resolved"
    ended = essentials.get("monitorConditionResolvedDateTime") or essentials.get("lastModifiedDateTime")
    return Firing(
        fired=_time(essentials.get("startDateTime")),
        resolved=_time(ended) if over else None,
        target=str(essentials.get("targetResource") or ""),
    )


def _time(text: Any) -> datetime:
    """Azure writes seven decimals. Raises AzureError for what is no time."""
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", str(text))).astimezone(UTC)
    except ValueError:
        raise AzureError(f"an alert began at {text!r}, which is no time", code="BadAlert") from None
