"""`diff` and `status` of a fleet name endpoints that were members and are not any more; nothing is done to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command
from tests.cli.fleets import HAZARD, write_fleet

pytestmark = pytest.mark.slow
LAST: Final = "      - {name: gone-c"


def former(found: Any) -> list[tuple[str, str]]:
    """Plan and endpoint of each that is named."""
    return [(one["name"], one["endpoint"]) for one in found["former"]]


def test_a_member_that_was_taken_out(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Named by `diff` and `status`, in text and Markdown, with the exit code of the fleet; another fleet of the
    workspace is not. Once it is a member again nobody speaks of it, nor once a plan of its own has released it."""
    path = write_fleet(tmp_path, "gone")
    other = write_fleet(tmp_path, "staying")
    for fleet in (path, other):
        assert rollout("apply", fleet, "--auto-approve", *HAZARD).code == 0
    whole = path.read_text()
    assert former(rollout("status", path, "-o", "json").json) == []

    path.write_text(whole.partition(LAST)[0])
    for command in ("diff", "status"):
        ran = rollout(command, path, "-o", "json", "-o", f"markdown={tmp_path / 'told.md'}")
        assert (ran.code, former(ran.json), ran.json["status"]) == (0, [("gone-c", "gone-c")], "done")
        told = (tmp_path / "told.md").read_text()
        assert "No members any more; they stay as they are:\n\n- endpoint gone-c in " in told
    text = rollout("status", path).out
    assert "no members any more; they stay as they are\n  endpoint gone-c in " in text
    assert rollout("diff", path, "--detailed-exitcode").code == 0
    assert former(rollout("status", other, "-o", "json").json) == []

    path.write_text(whole)
    assert former(rollout("status", path, "-o", "json").json) == []

    path.write_text(whole.partition(LAST)[0])
    plan, template = tmp_path / "gone-c.yml", (tmp_path / "gone.template.yml").read_text()
    plan.write_text(template.replace("name: gone\n", "name: gone-c\n"))
    ran = rollout("apply", plan, "--auto-approve", *HAZARD, "--allow-hazard", "traffic-jump")
    assert (ran.code, former(rollout("status", path, "-o", "json").json)) == (0, []), ran.err


def test_a_list_that_cannot_be_read(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """It is told on stderr, and the fleet all the same."""
    path = write_fleet(tmp_path, "unlisted")
    effect = {"kind": "status", "status": 403, "code": "AuthorizationFailed", "message": "No list for you."}
    rule = {"method": "GET", "path": r"/onlineEndpoints\?", "effect": effect, "times": 1_000}
    process.door(on_emulator, "PUT", "faults", [rule])
    try:
        ran = rollout("status", path, "-o", "json")
    finally:
        process.door(on_emulator, "PUT", "faults", [])
    assert (ran.code, former(ran.json)) == (0, [])
    assert "cannot look for former members of unlisted: " in ran.err
