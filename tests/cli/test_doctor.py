"""`rollout doctor` on a real emulator: what is tried, what is missing, how it ends."""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command, write_plan
from tests.cli.sdk import Sdk

pytestmark = pytest.mark.slow

ENDPOINTS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


@pytest.fixture
def grants(on_emulator: Path) -> Iterator[Any]:
    """Set what the caller may do; everything again at the end."""
    told = process.status(on_emulator)
    tls = ssl.create_default_context(cafile=told["ca_bundle"])

    def put(*entries: dict[str, list[str]]) -> None:
        url = f"{told['url']}/_emulator/permissions"
        request = urllib.request.Request(url, json.dumps(entries).encode(), method="PUT")
        with urllib.request.urlopen(request, context=tls, timeout=10) as answer:
            assert answer.status == 200

    yield put
    put()


def states(found: Any) -> dict[str, str]:
    """Each check's state by its name."""
    return {check["name"]: check["state"] for check in found["checks"]}


def test_all_is_well_before_the_first_release(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Nothing is written; what the local files need is among the permissions."""
    plan = write_plan(tmp_path, "healthy")
    ended = rollout("doctor", plan, "-o", "json")
    assert ended.code == 0, ended.err
    found = states(ended.json)
    assert (found["sign-in"], found["control plane"], found["endpoint"], found["locks"], found["scoring"]) == (
        "ok",
        "ok",
        "ok",
        "ok",
        "skipped",
    )
    actions = ended.json["role"]["Actions"]
    assert f"{ENDPOINTS}/deployments/write" in actions
    assert "Microsoft.MachineLearningServices/workspaces/models/versions/write" in actions
    assert set(actions) <= set(found)
    assert rollout("status", plan, "-o", "json").json["endpoint"]["exists"] is False
    text = rollout("doctor", plan).out
    assert "  ✓ sign-in " in text
    assert "signs in by client secret: ROLLOUT_CREDENTIAL says so" in text
    assert "az role definition create" in text


def test_without_a_plan(rollout: Command, on_emulator: Path) -> None:
    """What every plan needs."""
    found = rollout("doctor", "-o", "json")
    assert (found.code, states(found.json)["endpoint"]) == (0, "skipped")


def test_missing_permissions_are_named(rollout: Command, grants: Any, tmp_path: Path) -> None:
    """A reader's role: every write is missing, exit 9, each with its remedy. A denied action is not granted."""
    plan = write_plan(tmp_path, "reader")
    grants({"actions": ["*/read"], "notActions": []})
    reader = rollout("doctor", plan, "-o", "json")
    lacking = {name for name, state in states(reader.json).items() if state == "missing"}
    assert reader.code == 9
    assert f"{ENDPOINTS}/write" in lacking
    assert f"{ENDPOINTS}/read" not in lacking
    grants({"actions": ["*"], "notActions": [f"{ENDPOINTS}/deployments/DELETE"]})
    denied = rollout("doctor", plan, "-o", "json").json
    assert [check["name"] for check in denied["checks"] if check["state"] == "missing"] == [
        f"{ENDPOINTS}/deployments/delete"
    ]
    assert "  ✗ " in rollout("doctor", plan).out


def test_a_lock_is_found_and_refuses(rollout: Command, on_emulator: Path, tmp_path: Path, sdk: Sdk) -> None:
    """Resource locks are told before they refuse a write; the refusal is a sentence of its own."""
    plan = write_plan(tmp_path, "locked")
    sdk.lock("ReadOnly")
    try:
        told = rollout("doctor", plan, "-o", "json")
        refused = rollout("apply", plan, "--auto-approve")
    finally:
        sdk.lock("")
    assert (told.code, states(told.json)["locks"]) == (9, "missing")
    assert refused.code == 6
    assert "lock" in refused.err


def test_nobody_signs_in(rollout: Command, on_emulator: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A way to sign in that lacks its variables: exit 9 and a remedy."""
    monkeypatch.delenv("ROLLOUT_TARGET")
    monkeypatch.setenv("ROLLOUT_CREDENTIAL", "client_secret")
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    ended = rollout("doctor", "--target", "sub/group/workspace")
    assert (ended.code, "AZURE_CLIENT_SECRET" in ended.err) == (9, True)


def test_the_role_alone(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """What `az role definition create --role-definition FILE` takes, and nothing else."""
    role = rollout("doctor", write_plan(tmp_path, "roles"), "--role").json
    assert set(role) == {
        "Name", "Description", "AssignableScopes", "Actions", "DataActions", "NotActions", "NotDataActions",
    }  # fmt: skip
    assert role["AssignableScopes"][0].startswith("/subscriptions/")
    assert f"{ENDPOINTS}/write" in role["Actions"]


def test_the_endpoints_identity_lacks_a_role(rollout: Command, on_emulator: Path, tmp_path: Path, sdk: Sdk) -> None:
    """Known before the next deployment fails for it, with the command that mends it."""
    plan = write_plan(tmp_path, "identity")
    assert states(rollout("doctor", plan, "-o", "json").json)["identity"] == "skipped"
    sdk.endpoint("{name: identity, auth_mode: key}")
    sound = rollout("doctor", plan, "-o", "json").json
    assert states(sound)["identity"] == "ok"
    taken = _pull_role(sdk, "identity")
    sdk.rest("DELETE", taken)
    told = rollout("doctor", plan, "-o", "json")
    check = next(check for check in told.json["checks"] if check["name"] == "identity")
    assert (told.code, check["state"]) == (9, "missing")
    assert " lacks AcrPull on /subscriptions/" in check["found"]
    assert check["remedy"].startswith("az role assignment create --assignee ")
    assert '--role "AcrPull"' in check["remedy"]


def _pull_role(sdk: Sdk, endpoint: str) -> str:
    """The path, below the group, of the assignment that lets that endpoint's identity pull images."""
    workspace = f"/providers/Microsoft.MachineLearningServices/workspaces/{sdk.client.workspace_name}"
    whose = sdk.rest("GET", f"{workspace}/onlineEndpoints/{endpoint}")["identity"]["principalId"]
    found = sdk.rest("GET", "/providers/Microsoft.Authorization/roleAssignments")["value"]
    pull = next(
        one
        for one in found
        if one["properties"]["principalId"] == whose
        and one["properties"]["roleDefinitionId"].endswith("7f951dda-4ed3-4680-a7ca-43fe172d538d")
    )
    return str(pull["id"]).partition(f"/resourceGroups/{sdk.client.resource_group_name}")[2]
