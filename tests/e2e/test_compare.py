"""The gate `compare` with real scoring processes: which rows another model answers otherwise."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.e2e.harness import Desk, Ran
from tests.e2e.watched import splits, watched

pytestmark = pytest.mark.slow
NAME: Final = "compared"
PLAN: Final = "compared.rollout.yml"
"""The sample plan: of its hundred recorded houses every fiftieth is forty years old."""


def measured(ran: Ran) -> dict[str, Any]:
    """The last measurement of the comparison, as the report has it."""
    found: dict[str, Any] = [one for one in ran.json["result"]["measurements"] if one["gate"] == "same"][-1]
    return found


def test_two_per_cent_that_differ_are_found_and_shown(desk: Desk) -> None:
    """A first release has nothing to compare with. The next model thinks otherwise of old houses: not one live request
    goes to it, and the report says which rows. A gate that accepts so many is another question, and passes."""
    model = json.loads((desk.root / "plans/house-prices/models/v1/model.json").read_text(encoding="utf-8"))
    other = {**model, "version": "v4", "coefficients": {**model["coefficients"], "age_years": -1000.0}}
    (desk.root / "plans/house-prices/models/v4").mkdir()
    (desk.root / "plans/house-prices/models/v4/model.json").write_text(json.dumps(other), encoding="utf-8")
    desk.commit("A plan that compares")
    assert (ran := desk.waited(PLAN)).code == 0, ran.told

    desk.edit("house-prices/deployment.yml", "path: models/v1", "path: models/v4")
    ran = desk.waited(PLAN)
    assert ran.code == 4, ran.told
    found = measured(ran)
    assert found["outcome"] == "FAIL"
    price = 2412.2468 + 3415.7157 * 100 + 5201.2805 * 3
    assert found["reason"].startswith(
        "2 of 100 answers differ (2 %), at most 1 % may: "
        f"row 50 (house-prices/recorded.jsonl:50) at $[0]: blue {price:.2f}, green {price - 40000:.2f}; "
        "row 100 (house-prices/recorded.jsonl:100)"
    )
    assert [row["request"] for row in found["evidence"]["worst"]] == [
        "house-prices/recorded.jsonl:50",
        "house-prices/recorded.jsonl:100",
    ]
    assert (ran.json["decision"]["phase"], ran.json["endpoint"]["traffic"]) == ("rolled_back", {"blue": 100})
    history = desk.emulator.history(NAME)
    watched(history)
    assert splits(history)[1:] == [{"blue": 100}]

    desk.edit(PLAN, "at_most: 1%", "at_most: 2%")
    ran = desk.waited(PLAN)
    assert ran.code == 0, ran.told
    assert measured(ran)["reason"].startswith("2 of 100 answers differ (2 %), at most 2 % may; green took ")
    assert desk.emulator.standing(NAME)["traffic"] == {"green": 100}
