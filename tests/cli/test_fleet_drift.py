"""`diff` of a fleet says what somebody else moved on a member, since when and by whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command
from tests.cli.fleets import HAZARD, write_fleet
from tests.cli.test_drift import retagged

pytestmark = pytest.mark.slow


def test_drift_of_one_member(rollout: Command, on_emulator: Path, sdk: Any, tmp_path: Path) -> None:
    """In text, Markdown and JSON; one read more, for that member alone; `status` does not ask the log."""
    path = write_fleet(tmp_path, "swayed")
    template = tmp_path / "swayed.template.yml"
    text = template.read_text()
    template.write_text(text.replace("auth_mode: key", "auth_mode: key, tags: {team: ml}") + "drift: report\n")
    assert rollout("apply", path, "--auto-approve", *HAZARD).code == 0
    retagged(sdk, "swayed-b", team="sales")

    ran = rollout("diff", path, "-o", "json", "-o", f"markdown={tmp_path / 'told.md'}")
    assert ran.code == 0, ran.err
    drift = {one["name"]: one["change_set"]["drift"] for wave in ran.json["waves"] for one in wave["members"]}
    (moved,) = drift.pop("swayed-b")
    assert (moved["path"], moved["before"], moved["after"]) == ("tags.team", "sales", "ml")
    principal = rollout("emulator", "env").out.split("AZURE_CLIENT_ID=")[1].splitlines()[0]
    assert moved["by"] == principal
    assert all(fields == [] for fields in drift.values())
    said = "drift: endpoint: tags.team: sales → ml (since "
    assert f"#### Drift\n\n- `swayed-b` `{said}" in (tmp_path / "told.md").read_text()
    shown = rollout("diff", path).out
    assert "in sync, 1 field drifted\n" in shown
    assert f"      {said}" in shown
    assert shown.count("drift: ") == 1
    assert "drift: " not in rollout("status", path).out
