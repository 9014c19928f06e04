"""Quotas, limits of counts, tags, throttling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conformance.case import Given, case, row, table
from tests.conformance.emulated import emulator
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    MANAGED_YAML,
    QUOTAS,
    SIZES,
    SWAGGER,
    TAGGING,
    THROTTLING,
    UNKNOWN_STATUS,
    recorded,
    unverified,
)
from tests.conformance.target import Target, error, sentence


@table(
    row("limits.instances", "A deployment has at most 50 instances", QUOTAS, UNKNOWN_STATUS, count=51),
    row("limits.zero", "A deployment has at least one instance", unverified("what zero instances mean"), count=0),
    row("limits.negative", "A count is not negative", SWAGGER, count=-1),
)
def test_refused_counts(house: House, given: Given) -> None:
    """Refused at once."""
    house.target.refuses(house.begin("blue", capacity=given.count), "instance count")


@table(
    row(
        "limits.timeout",
        "A managed deployment answers within three minutes at most",
        QUOTAS,
        MANAGED_YAML,
        UNKNOWN_STATUS,
        timeout="PT181S",
    ),
    row("limits.timeout-form", "A request timeout is a duration", SWAGGER, timeout="5000"),
)
def test_refused_timeouts(house: House, given: Given) -> None:
    """Refused at once."""
    house.target.refuses(house.begin("blue", requestSettings={"requestTimeout": given.timeout}), "")


@case("limits.longest-timeout", "Three minutes are allowed", QUOTAS, MANAGED_YAML)
def test_longest_timeout(fresh: Fresh) -> None:
    """And shown."""
    house = fresh.kept("place", "blue")
    house.deploy("blue", requestSettings={"requestTimeout": "PT180S"})
    assert house.show("blue")["properties"]["requestSettings"]["requestTimeout"] in ("PT180S", "PT3M")


@case("limits.deployments", "An endpoint has at most 20 deployments", QUOTAS, UNKNOWN_STATUS, needs="doors")
def test_twenty_deployments(fresh: Fresh) -> None:
    """The 21st is refused."""
    house = fresh.named()
    for number in range(20):
        house.deploy(f"slot-{number}", instanceType="Standard_F1s")
    answer = house.begin("slot-20", instanceType="Standard_F1s")
    house.target.refuses(answer, "already has 20 deployments")
    house.target.do("DELETE", house.path)


def _usages(target: Target) -> list[dict[str, Any]]:
    provider = f"/subscriptions/{target.subscription}/providers/Microsoft.MachineLearningServices"
    found: list[dict[str, Any]] = target.read(f"{provider}/locations/{target.location}/usages")["value"]
    return found


def _reserved(target: Target) -> int:
    (cores,) = [usage["currentValue"] for usage in _usages(target) if usage["name"]["value"] == "totalCores"]
    found: int = cores
    return found


@table(
    row(
        "limits.reserve",
        "Upgrades reserve 20 %: ten DS3_v2 of four cores take 48",
        QUOTAS,
        size="Standard_DS3_v2",
        count=10,
        cores=48,
    ),
    row("limits.reserve-one", "One instance reserves a second one", QUOTAS, size="Standard_DS3_v2", count=1, cores=8),
    row("limits.reserve-five", "Five instances reserve a sixth one", QUOTAS, size="Standard_F2s_v2", count=5, cores=12),
    row("limits.exempt", "A100 sizes reserve nothing", SIZES, size="Standard_NC24ads_A100_v4", count=2, cores=48),
)
def test_reserved_cores(fresh: Fresh, given: Given) -> None:
    """As the usage of the region counts them."""
    if not fresh.target.emulated:
        pytest.skip("others use a real region's cores at the same time")
    house = fresh.named()
    before = _reserved(house.target)
    house.deploy("blue", capacity=given.count, instanceType=given.size)
    assert _reserved(house.target) - before == given.cores
    house.target.do("DELETE", house.at("blue"))
    assert _reserved(house.target) == before


@case("limits.usages", "Usages are told with limit, unit and name", SWAGGER)
def test_usages(target: Target) -> None:
    """Cores of the region are among them."""
    listed = _usages(target)
    assert listed
    for usage in listed:
        assert {"id", "type", "unit", "currentValue", "limit", "name"} <= set(usage)
        assert set(usage["name"]) == {"value", "localizedValue"}


@case(
    "limits.failed-keeps",
    "A creation that failed for its quota reserves nothing once it is deleted",
    QUOTAS,
    needs="doors",
)
def test_failed_creation_gives_back(fresh: Fresh, doors: Target) -> None:
    """The way out of a refused size."""
    house = fresh.named()
    before = _reserved(doors)
    end = doors.end_of(house.begin("blue", capacity=50, instanceType="Standard_E64s_v3"))
    assert (end["status"], end["error"]["code"]) == ("Failed", "OutOfQuota")
    doors.do("DELETE", house.at("blue"))
    assert _reserved(doors) == before


# Tags


@table(
    row("tags.fifty-one", "At most 50 tags", TAGGING, tags={f"t{n}": "v" for n in range(51)}),
    row("tags.long-value", "A value has at most 256 characters", TAGGING, tags={"t": "v" * 257}),
    row("tags.long-name", "A name has at most 512 characters", TAGGING, tags={"t" * 513: "v"}),
    row("tags.number", "A value is text", SWAGGER, tags={"t": 1}),
    row(
        "tags.same-name",
        "Names that differ in case alone are the same name",
        TAGGING,
        tags={"Owner": "a", "owner": "b"},
    ),
    *(
        row(f"tags.character-{ord(sign):02x}", f"`{sign}` is no part of a name", TAGGING, tags={f"a{sign}b": "v"})
        for sign in "<>%&\\?/"
    ),
)
def test_refused_tags(house: House, given: Given) -> None:
    """Of endpoints and of deployments, by PUT and by PATCH."""
    asked = [
        house.target.ask("PUT", house.path, {**house.body({"blue": 100}), "tags": given.tags}),
        house.target.ask("PATCH", house.path, {"tags": given.tags}),
        house.target.ask("PUT", house.at("green"), {**house.deployed(), "tags": given.tags}),
    ]
    assert [answer.status_code for answer in asked] == [400, 400, 400]
    assert house.show()["tags"] == {}


@table(
    row("tags.fifty", "50 tags are allowed", TAGGING, tags={f"t{n}": "v" for n in range(50)}),
    row("tags.longest", "256 characters of value, 512 of name", TAGGING, tags={"t" * 512: "v" * 256}),
    row("tags.verbatim", "Values keep case, spaces and signs", TAGGING, tags={"A b.c-d_e:f": 'X <y> & "z" %/\\ ü'}),
    row("tags.empty", "A value may be empty", TAGGING, tags={"t": ""}),
)
def test_accepted_tags(fresh: Fresh, given: Given) -> None:
    """What is read back is what was written."""
    house = fresh.named()
    house.target.do("PATCH", house.path, {"tags": given.tags})
    assert house.show()["tags"] == given.tags


@case("tags.deployment", "Deployments have tags of their own", SWAGGER, MANAGED_YAML)
def test_tags_of_a_deployment(fresh: Fresh) -> None:
    """By PUT and by PATCH."""
    house = fresh.house("blue")
    house.target.do("PUT", house.at("blue"), {**house.deployed(), "tags": {"a": "1"}})
    assert (house.show("blue")["tags"], house.show()["tags"]) == ({"a": "1"}, {})
    house.target.do("PATCH", house.at("blue"), {"tags": {"b": "2"}})
    assert house.show("blue")["tags"]["b"] == "2"


# Throttling


@table(
    row(
        "throttling.reads",
        "Every read tells how many are left",
        recorded(1),
        THROTTLING,
        method="GET",
        kind="subscription-reads",
    ),
    row(
        "throttling.writes",
        "Every write tells how many are left",
        recorded(0, 2),
        THROTTLING,
        method="PUT",
        kind="subscription-writes",
    ),
    row(
        "throttling.deletes",
        "Every deletion tells how many are left",
        recorded(10),
        THROTTLING,
        method="DELETE",
        kind="subscription-deletes",
    ),
    row(
        "throttling.global",
        "… and how many of all principals' together",
        THROTTLING,
        method="GET",
        kind="subscription-global-reads",
    ),
)
def test_remaining_requests(fresh: Fresh, given: Given) -> None:
    """`x-ms-ratelimit-remaining-subscription-…`."""
    house = fresh.planned() if given.method == "PUT" else fresh.named()
    answer = house.target.ask(given.method, house.path, house.body() if given.method == "PUT" else None)
    assert int(answer.headers[f"x-ms-ratelimit-remaining-{given.kind}"]) >= 0
    if given.method != "GET":
        house.target.end_of(answer)


@case(
    "throttling.bucket", "After 250 reads at once the next one is 429, with a time to wait", THROTTLING, needs="doors"
)
def test_throttled(tmp_path: Path) -> None:
    """On a workspace of its own, whose time is so slow that the bucket does not fill up meanwhile."""
    with emulator(tmp_path, 0.05, "--no-processes") as slow:
        for _ in range(400):
            answer = slow.ask("GET", "onlineEndpoints")
            if answer.status_code == 429:
                break
        assert (answer.status_code, error(answer)["code"]) == (429, "TooManyRequests")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "throttled" in sentence(answer)
        assert slow.ask("PATCH", "onlineEndpoints/none", {}).status_code == 404
