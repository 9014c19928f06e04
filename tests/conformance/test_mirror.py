"""Mirrored traffic: one deployment, at most half, never beside live traffic."""

from __future__ import annotations

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import ENDPOINT_YAML, SAFE, SWAGGER, UNKNOWN_STATUS
from tests.conformance.target import sentence


@table(
    row(
        "mirror.half",
        "More than 50 % is refused",
        SAFE,
        SWAGGER,
        UNKNOWN_STATUS,
        mirror={"green": 51},
        says="at most 50",
    ),
    row(
        "mirror.live",
        "A deployment gets live or mirrored traffic, never both",
        SAFE,
        UNKNOWN_STATUS,
        mirror={"blue": 10},
        says="both live and mirror",
    ),
    row(
        "mirror.two",
        "Only one deployment can be mirrored to",
        SAFE,
        ENDPOINT_YAML,
        UNKNOWN_STATUS,
        mirror={"blue": 10, "green": 10},
        says="one deployment only",
    ),
    row(
        "mirror.unknown", "The deployment must exist", SAFE, UNKNOWN_STATUS, mirror={"grey": 10}, says="does not exist"
    ),
    row("mirror.negative", "A negative share is refused", SWAGGER, mirror={"green": -1}, says="0 to 100"),
)
def test_refused_mirrors(house: House, given: Given) -> None:
    """400 with the reason; nothing has changed."""
    answer = house.put({"blue": 100}, given.mirror)
    house.target.refuses(answer, given.says)
    assert house.weights() == ({"blue": 100}, {})


@case("mirror.kubernetes", "Kubernetes endpoints cannot mirror", SAFE, needs="doors")
def test_no_mirror_on_kubernetes(fresh: Fresh) -> None:
    """Refused, before it asks whether the deployment exists or not."""
    house = fresh.named(compute="/computes/cluster")
    body = house.deployed(endpointComputeType="Kubernetes", instanceType=None)
    house.target.do("PUT", house.at("blue"), body)
    house.target.do("PUT", house.at("green"), body)
    answer = house.put({"blue": 100}, {"green": 10}, compute="/computes/cluster")
    assert sentence(answer) == "Mirror traffic is supported for managed online endpoints only."


@case("mirror.life", "A mirror is set, kept by a write that repeats it, reset with 0, and ended by live traffic", SAFE)
def test_life_of_a_mirror(fresh: Fresh) -> None:
    """Every state that the documented walk-through passes, and the limit itself."""
    house = fresh.house("blue", "green")
    for mirror in ({"green": 10}, {"green": 50}, {"green": 0}, {"green": 10}):
        house.set({"blue": 100}, mirror)
        assert house.weights() == ({"blue": 100}, {name: share for name, share in mirror.items() if share})
    house.set({"blue": 90, "green": 10}, {"green": 0})
    assert house.weights() == ({"blue": 90, "green": 10}, {})


@case("mirror.dropped", "A PUT that does not repeat the mirror drops it", SAFE, SWAGGER)
def test_a_write_without_the_mirror_drops_it(fresh: Fresh) -> None:
    """As clients did that did not know the field."""
    house = fresh.house("blue", "green")
    house.set({"blue": 100}, {"green": 10})
    body = house.body({"blue": 100})
    del body["properties"]["mirrorTraffic"]
    house.target.do("PUT", house.path, body)
    assert house.weights() == ({"blue": 100}, {})
