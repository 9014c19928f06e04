"""`rollout import` and then `rollout diff`: nothing to do, wherever it is tried."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Command, write_plan
from tests.cli.sdk import Sdk

pytestmark = pytest.mark.slow

DEPLOYMENT = """\
name: {name}
endpoint_name: {endpoint}
model: {{path: model.txt}}
code_configuration: {{code: src, scoring_script: score.py}}
environment: {{image: mcr.microsoft.com/azureml/minimal:1}}
instance_type: Standard_DS3_v2
instance_count: 2
environment_variables: {{MODE: fast, a.b: "1"}}
request_settings: {{request_timeout_ms: 30000, max_concurrent_requests_per_instance: 4}}
liveness_probe: {{initial_delay: 60}}
tags: {{owner: ann}}
"""


def imported(rollout: Command, endpoint: str, folder: Path) -> dict[str, Any]:
    """Import it, and what the diff of what was written says."""
    if folder.exists():
        shutil.rmtree(folder)
    ended = rollout("import", endpoint, "--out", folder)
    assert ended.code == 0, ended.err
    assert "would change" not in ended.out, ended.out
    diff = rollout("diff", folder / "plan.yml", "-o", "json")
    found: dict[str, Any] = diff.json
    assert found["actions"] == [], found["actions"]
    return found


def test_every_state_that_a_plan_passes_through(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """First release, in the middle of the second one, held, rolled back, promoted, and after its deletes."""
    plan, there = write_plan(tmp_path, "states"), tmp_path / "imported"

    def state() -> str:
        said: str = imported(rollout, "states", there)["decision"]["status"]
        return said

    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert state() == "done"
    assert yaml.safe_load((there / "plan.yml").read_text())["name"] == "states"

    write_plan(tmp_path, "states", "v2")
    seen = []
    for stage in ("deploy", "traffic-10"):
        assert rollout("apply", plan, "--auto-approve", "--until", stage).code == 0
        seen.append(state())
    assert rollout("approve", plan).code == 0
    assert rollout("apply", plan, "--auto-approve", "--until", "traffic-50").code == 0
    seen.append(state())
    assert rollout("hold", plan).code == 0
    seen.append(state())
    assert rollout("resume", plan).code == 0
    assert rollout("rollback", plan, "-m", "slow").code == 0
    seen.append(state())
    assert rollout("retry", plan).code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    assert rollout("promote", plan, "--full").code == 0
    assert rollout("apply", plan, "--auto-approve").code == 0
    seen.append(state())
    assert seen == ["done", "refuse", "refuse", "refuse", "done", "done"]


def test_what_the_sdk_made(rollout: Command, on_emulator: Path, tmp_path: Path, sdk: Sdk) -> None:
    """Adopted as it is; a second deployment, a mirror, and a split that nobody recorded change nothing."""
    write_plan(tmp_path, "bysdk")
    sdk.endpoint("{name: bysdk, auth_mode: aml_token, description: by hand, tags: {team: ml}}")
    sdk.deployment(DEPLOYMENT.format(name="live", endpoint="bysdk"), tmp_path)
    nothing = rollout("import", "bysdk", "--out", tmp_path / "none")
    assert (nothing.code, nothing.err.splitlines()[0]) == (
        3,
        "error: bysdk serves nothing, so there is nothing to import",
    )
    sdk.traffic("bysdk", live=100)
    there = tmp_path / "imported"
    found = imported(rollout, "bysdk", there)
    assert found["decision"]["status"] == "done"
    assert found["decision"]["reason"] == "live serves what the plan asks for"
    document = yaml.safe_load((there / "deployment.yml").read_text())
    assets = {name: document.pop(name) for name in ("model", "environment")}
    assert all(text.startswith("azureml:") and text.count(":") == 2 for text in assets.values())
    assert document.pop("code_configuration")["scoring_script"] == "score.py"
    assert document == {
        "$schema": "https://azuremlschemas.azureedge.net/latest/managedOnlineDeployment.schema.json",
        "instance_type": "Standard_DS3_v2",
        "instance_count": 2,
        "tags": {"owner": "ann"},
        "environment_variables": {"MODE": "fast", "a.b": "1"},
        "request_settings": {"request_timeout_ms": 30000, "max_concurrent_requests_per_instance": 4},
        "liveness_probe": {"initial_delay": 60},
    }
    assert yaml.safe_load((there / "endpoint.yml").read_text()) == {
        "$schema": "https://azuremlschemas.azureedge.net/latest/managedOnlineEndpoint.schema.json",
        "name": "bysdk",
        "description": "by hand",
        "auth_mode": "aml_token",
        "tags": {"team": "ml"},
    }

    sdk.deployment(DEPLOYMENT.format(name="other", endpoint="bysdk"), tmp_path)
    assert imported(rollout, "bysdk", there)["decision"]["status"] == "done"
    sdk.traffic("bysdk", mirror={"other": 10}, live=100)
    assert imported(rollout, "bysdk", there)["decision"]["status"] == "done"
    sdk.traffic("bysdk", mirror={}, live=90, other=10)
    assert imported(rollout, "bysdk", there)["decision"]["status"] == "hold"


def test_an_imported_plan_releases(rollout: Command, on_emulator: Path, tmp_path: Path, sdk: Sdk) -> None:
    """What was imported is a plan like any other: a changed line is a release into the free slot, and only that."""
    write_plan(tmp_path, "carried")
    sdk.endpoint("{name: carried, auth_mode: key}")
    sdk.deployment(DEPLOYMENT.format(name="blue", endpoint="carried"), tmp_path)
    sdk.traffic("carried", blue=100)
    there = tmp_path / "imported"
    imported(rollout, "carried", there)

    file = there / "deployment.yml"
    file.write_text(file.read_text().replace("MODE: fast", "MODE: slow"))
    changed = rollout("diff", there / "plan.yml", "-o", "json").json
    assert [action["kind"] for action in changed["actions"]][:2] == ["deploy", "set_traffic"]
    assert rollout("apply", there / "plan.yml", "--auto-approve", "--until", "traffic-50").code == 0
    file.write_text(file.read_text().replace("MODE: slow", "MODE: fast"))
    assert rollout("apply", there / "plan.yml", "--auto-approve").code == 0
    end = rollout("status", there / "plan.yml", "-o", "json").json
    assert (end["endpoint"]["traffic"], end["decision"]["status"]) == ({"blue": 100}, "wait")  # green: 24 h


def test_local_files_that_cannot_be_compared(rollout: Command, on_emulator: Path, tmp_path: Path, sdk: Sdk) -> None:
    """Same code proven by its hash, model and environment not: hold, until a person says what it is."""
    plan = write_plan(tmp_path, "unsure")
    sdk.endpoint("{name: unsure, auth_mode: key}")
    text = DEPLOYMENT.format(name="blue", endpoint="unsure")
    sdk.deployment(text, tmp_path)
    sdk.traffic("unsure", blue=100)
    held = rollout("diff", plan, "-o", "json")
    assert held.json["actions"] == []
    assert held.json["decision"]["reason"] == (
        "blue serves, and whether it is what the file declares cannot be told (environment.image, model, model.path):"
        " say that it is (rollout adopt --stable blue), or release the file (--allow-hazard releases-unverified)"
    )
    released = rollout("diff", plan, "-o", "json", "--allow-hazard", "releases-unverified").json
    assert [action["kind"] for action in released["actions"]][:1] == ["deploy"]

    (tmp_path / "src" / "score.py").write_text("def init(): pass\ndef run(data): return 1\n")
    assert [action["kind"] for action in rollout("diff", plan, "-o", "json").json["actions"]][:1] == ["deploy"]
    write_plan(tmp_path, "unsure")
    assert rollout("adopt", plan, "--stable", "blue").code == 0
    assert rollout("diff", plan, "-o", "json").json["decision"]["status"] == "done"


def test_refusals(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """No such endpoint; files that are there."""
    gone = rollout("import", "nowhere", "--out", tmp_path / "x")
    assert (gone.code, gone.err.startswith("error: there is no endpoint nowhere in the emulator")) == (3, True)
    assert not (tmp_path / "x").exists()
