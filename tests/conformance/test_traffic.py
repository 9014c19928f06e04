"""Weights: what they may be, and what a write of them does."""

from __future__ import annotations

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    ENDPOINT_YAML,
    ROLLOUT,
    SAFE,
    SDK,
    SWAGGER,
    UNKNOWN_STATUS,
    captured,
    recorded,
    seen,
    unverified,
)
from tests.conformance.target import Target, sentence


@table(
    row(
        "traffic.sum-99",
        "Weights that sum to 99 are refused",
        SAFE,
        ENDPOINT_YAML,
        UNKNOWN_STATUS,
        split={"blue": 90, "green": 9},
        says="must sum to 0 or 100",
    ),
    row(
        "traffic.sum-101",
        "Weights that sum to 101 are refused",
        SAFE,
        SWAGGER,
        split={"blue": 91, "green": 10},
        says="must sum to 0 or 100",
    ),
    row(
        "traffic.sum-50", "Half of the traffic alone is refused", SAFE, split={"blue": 50}, says="must sum to 0 or 100"
    ),
    row(
        "traffic.negative", "A negative weight is refused", SWAGGER, split={"blue": 110, "green": -10}, says="0 to 100"
    ),
    row(
        "traffic.fraction",
        "A weight is a whole number",
        SWAGGER,
        split={"blue": 99.5, "green": 0.5},
        says="whole number",
    ),
    row(
        "traffic.unknown",
        "A deployment must exist before it gets weight",
        SAFE,
        UNKNOWN_STATUS,
        split={"blue": 50, "grey": 50},
        says="does not exist",
    ),
)
def test_refused_weights(house: House, given: Given) -> None:
    """400 with the reason; the weights are what they were."""
    answer = house.put(given.split)
    house.target.refuses(answer, given.says)
    assert house.weights() == ({"blue": 100}, {})


@case("traffic.at-creation", "Weights cannot be given while an endpoint is created", ENDPOINT_YAML, UNKNOWN_STATUS)
def test_weights_at_creation(fresh: Fresh) -> None:
    """There is no deployment yet that they could be for."""
    house = fresh.planned()
    house.target.refuses(house.put({"blue": 100}), "does not exist")


@case(
    "traffic.to-failed",
    "Weight for a deployment that failed is refused",
    unverified("no evidence either way"),
    needs="doors",
)
def test_weight_for_a_failed_deployment(fresh: Fresh, doors: Target) -> None:
    """It cannot answer, so it gets nothing."""
    house = fresh.house("blue")
    doors.fail_next("deployment_create", "ResourceNotReady")
    doors.end_of(house.begin("green"))
    answer = house.put({"blue": 90, "green": 10})
    assert sentence(answer) == "Deployment [green] is in Failed provisioning state and cannot get traffic."


@table(
    row(
        "traffic.split",
        "Live traffic is split by whole percents",
        SAFE,
        captured(ROLLOUT, 73),
        split={"blue": 90, "green": 10},
    ),
    row(
        "traffic.swap",
        "All traffic can go over in one write",
        SAFE,
        captured(ROLLOUT, 80),
        split={"blue": 0, "green": 100},
    ),
    row("traffic.zero", "All weights can be zero: the way to prepare a deletion", SAFE, split={"blue": 0}),
    row(
        "traffic.none",
        "A PUT without weights takes all traffic away",
        SWAGGER,
        seen("microsoft/genaiops-promptflow-template#182"),
        split=None,
    ),
    row("traffic.case", "Names in weights are taken without regard to case", SDK, split={"BLUE": 90, "Green": 10}),
    row("traffic.back", "And back again", SAFE, split={"blue": 100}),
)
def test_accepted_weights(fresh: Fresh, given: Given) -> None:
    """What is asked for is what is there afterwards, and nothing else."""
    house = fresh.kept("split", "blue", "green")
    body = house.body(given.split)
    if given.split is None:
        del body["properties"]["traffic"]
    house.target.do("PUT", house.path, body)
    asked = {name.lower(): weight for name, weight in (given.split or {}).items() if weight}
    assert house.weights() == (asked, {})


@case(
    "traffic.old-until-done",
    "A PUT of new weights answers 201, Updating, with the old weights until it is done",
    recorded(2, 5),
    captured(ROLLOUT, 73),
)
def test_old_weights_until_the_end(fresh: Fresh) -> None:
    """The new split is there only when the operation has succeeded."""
    house = fresh.kept("split", "blue", "green")
    house.set({"blue": 100})
    begun = house.put({"blue": 90, "green": 10})
    inner = begun.json()["properties"]
    assert (begun.status_code, inner["provisioningState"], inner["traffic"]) == (201, "Updating", {"blue": 100})
    assert house.weights() == ({"blue": 100}, {})
    house.target.end_of(begun)
    assert house.weights() == ({"blue": 90, "green": 10}, {})
    house.set({"blue": 100})


@case(
    "traffic.failed-write",
    "A write of weights that fails leaves the old ones",
    unverified("what a failed update of an endpoint leaves"),
    needs="doors",
)
def test_failed_write_of_weights(fresh: Fresh, doors: Target) -> None:
    """The endpoint is Failed, and serves as before."""
    house = fresh.house("blue", "green")
    doors.fail_next("endpoint_update", "InternalServerError")
    end = doors.end_of(house.put({"blue": 90, "green": 10}))
    assert (end["status"], end["error"]["code"]) == ("Failed", "InternalServerError")
    assert house.show()["properties"]["provisioningState"] == "Failed"
    assert house.weights() == ({"blue": 100}, {})
    house.set({"blue": 90, "green": 10})
    assert house.weights() == ({"blue": 90, "green": 10}, {})
