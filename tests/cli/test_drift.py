"""Drift and pending apart, since when and by whom: on a real emulator with its activity log."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow


def retagged(sdk: Any, name: str, **tags: str) -> None:
    """Somebody changes tags of the endpoint by hand; the others stay."""
    home = f"/providers/Microsoft.MachineLearningServices/workspaces/{sdk.client.workspace_name}"
    path = f"{home}/onlineEndpoints/{name}"
    live = sdk.rest("GET", path)
    sdk.rest("PATCH", path, {"tags": {**live["tags"], **tags}})
    for _ in range(200):
        if sdk.rest("GET", path)["properties"]["provisioningState"] == "Succeeded":
            return
        time.sleep(0.05)
    raise AssertionError("the change did not end")


def test_drift_tells_since_when_and_by_whom(rollout: Command, on_emulator: Path, sdk: Any, tmp_path: Path) -> None:
    """A tag that we wrote and somebody changed is drift; one that the plan has just got is pending."""
    plan = write_plan(tmp_path, "drifts")
    declared = "tags: {team: ml}"
    text = plan.read_text().replace("auth_mode: key", f"auth_mode: key, {declared}")
    plan.write_text(text + "drift: report\n")
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("diff", plan, "--detailed-exitcode", "-o", "json").json["drift"] == []

    retagged(sdk, "drifts", team="sales")
    plan.write_text(plan.read_text().replace(declared, "tags: {team: ml, cost: '7'}"))
    found = rollout("diff", plan, "-o", "json").json

    (drift,) = found["drift"]
    assert (drift["target"], drift["path"], drift["before"], drift["after"]) == ("endpoint", "tags.team", "sales", "ml")
    principal = rollout("emulator", "env").out.split("AZURE_CLIENT_ID=")[1].splitlines()[0]
    assert drift["by"] == principal
    assert drift["since"] > "20"
    (pending,) = found["pending"]
    assert (pending["path"], pending["before"], pending["after"]) == ("tags.cost", None, "7")
    rollout("destroy", plan, "--yes")


def test_without_the_permission_it_is_unknown(rollout: Command, on_emulator: Path, sdk: Any, tmp_path: Path) -> None:
    """That is a note, and no failure."""
    plan = write_plan(tmp_path, "unknown")
    plan.write_text(plan.read_text().replace("auth_mode: key", "auth_mode: key, tags: {team: ml}") + "drift: report\n")
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    retagged(sdk, "unknown", team="sales")
    status = rollout("emulator", "status", "--output", "json").json
    door, verify = f"{status['url']}/_emulator/faults", status["ca_bundle"]
    denied: dict[str, Any] = {
        "effect": {"kind": "status", "status": 403, "code": "AuthorizationFailed"},
        "path": "/eventtypes/",
    }
    assert requests.put(door, json=[denied], verify=verify, timeout=10).status_code < 500

    found = rollout("diff", plan, "-o", "json").json

    requests.put(door, json=[], verify=verify, timeout=10)
    (drift,) = found["drift"]
    assert (drift["path"], drift.get("by", ""), drift.get("since")) == ("tags.team", "", None)
    assert any(note.startswith("who made the drift is not known: ") for note in found["notes"])
    rollout("destroy", plan, "--yes")
