"""Capacity on a real emulator: a line in the diff, and a refusal before the first write."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.emulator import process
from tests.cli.conftest import Command, write_plan

pytestmark = pytest.mark.slow


def test_too_much_is_refused_before_anything_is_written(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """50 instances of 16 cores: the sum is shown; nothing is created, not even the endpoint."""
    plan = write_plan(tmp_path, "large")
    text = plan.read_text().replace("Standard_DS3_v2", "Standard_DS5_v2")
    plan.write_text(text.replace("instance_count: 1", "instance_count: 50"))
    diff = rollout("diff", plan, "-o", "json").json
    words = "blue 50 × Standard_DS5_v2 (20 % for upgrades: 60) × 16 cores = 960"
    assert diff["notes"][0].startswith("capacity is missing: totalCores: 960 cores more are needed, ")
    refused = rollout("apply", plan, "--auto-approve")
    assert refused.code == 6
    assert f"({words})" in refused.err
    assert "--allow-hazard quota-risk" in refused.err
    assert rollout("status", plan, "-o", "json").json["endpoint"]["exists"] is False


def test_the_sum_is_in_the_diff_and_costs_nothing_later(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Reads for it only while something is still to be created."""
    plan = write_plan(tmp_path, "small")
    diff = rollout("diff", plan).out
    assert "capacity: blue 1 × Standard_DS3_v2 (20 % for upgrades: 2) × 4 cores = 8: 8 cores more; " in diff
    for _ in range(2):
        assert rollout("apply", plan, "--auto-approve").code == 0
        rollout("approve", plan)
    done = rollout("diff", plan, "-o", "json").json
    assert (done["notes"], done["requests"]["reads"], done["decision"]["status"]) == ([], 3, "done")


def test_a_size_that_nobody_knows(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Refused by name; the hazard lets the service have the last word."""
    plan = write_plan(tmp_path, "oddly")
    plan.write_text(plan.read_text().replace("Standard_DS3_v2", "Standard_Odd"))
    refused = rollout("apply", plan, "--auto-approve")
    assert (refused.code, refused.err.splitlines()[-2]) == (
        6,
        "error: capacity: blue: the size Standard_Odd is not known, so its cores cannot be counted",
    )
    assert rollout("apply", plan, "--auto-approve", "--allow-hazard", "quota-risk").code == 0


def test_an_expired_token_is_no_want_of_capacity(rollout: Command, on_emulator: Path, tmp_path: Path) -> None:
    """Found by a fault at every request: it was refused (6) as if a permission were missing; it is a matter of the
    sign-in (9), and the same command again goes on."""
    plan = write_plan(tmp_path, "expired")
    error = {"code": "ExpiredAuthenticationToken", "message": "The access token expiry UTC time is earlier."}
    rule = {"path": "/usages", "effect": {"kind": "status", "status": 401, **error}}
    process.door(on_emulator, "PUT", "faults", [rule])
    ran = rollout("apply", plan, "--auto-approve")
    assert (ran.code, ran.err.splitlines()[-2]) == (
        9,
        "error: read the region's usages: The access token expiry UTC time is earlier.",
    )
    assert rollout("apply", plan, "--auto-approve").code == 0
