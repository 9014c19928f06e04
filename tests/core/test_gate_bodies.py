"""Names in a gate's parameters."""

from __future__ import annotations

import pytest

from rollout.core.gate_bodies import short


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ("slow", "slow"),
        ("/subscriptions/s/resourceGroups/g/providers/Microsoft.Insights/metricAlerts/slow", "slow"),
        ("/x/metricAlerts/slow/", "slow"),
        ("//", ""),
        ("/x/metricAlerts/X", "X"),
    ],
)
def test_the_name_of_an_alert_rule(rule: str, name: str) -> None:
    """The last part of its id, or the name itself."""
    assert short(rule) == name
