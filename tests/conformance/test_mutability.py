"""What a PUT or a PATCH can change, what it cannot, and what it cannot help changing."""

from __future__ import annotations

from typing import Any

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    AUTOSCALING,
    DEPLOYING,
    MODELS,
    SAFE,
    SCALE,
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
    row("mutability.description", "A deployment's description changes in place", MODELS, field="description", to="new"),
    row(
        "mutability.variables",
        "Its environment variables change in place",
        DEPLOYING,
        field="environmentVariables",
        to={"A": "1"},
    ),
    row(
        "mutability.insights",
        "Application Insights is switched in place",
        DEPLOYING,
        field="appInsightsEnabled",
        to=True,
    ),
    row(
        "mutability.requests",
        "Its request settings change in place",
        DEPLOYING,
        field="requestSettings",
        to={"maxQueueWait": "PT0S", "requestTimeout": "PT9S", "maxConcurrentRequestsPerInstance": 4},
    ),
    row(
        "mutability.liveness",
        "Its liveness probe changes in place",
        DEPLOYING,
        field="livenessProbe",
        to={"failureThreshold": 9, "successThreshold": 1, "timeout": "PT3S", "period": "PT8S", "initialDelay": "PT7S"},
    ),
    row(
        "mutability.readiness",
        "Its readiness probe changes in place",
        DEPLOYING,
        field="readinessProbe",
        to={"failureThreshold": 8, "successThreshold": 1, "timeout": "PT3S", "period": "PT8S", "initialDelay": "PT7S"},
    ),
)
def test_deployment_fields_in_place(fresh: Fresh, given: Given) -> None:
    """201, then the new value, in the same resource."""
    house = fresh.kept("place", "blue")
    before = house.show("blue")["systemData"]["createdAt"]
    begun = house.begin("blue", **{given.field: given.to})
    assert begun.status_code == 201
    assert house.target.end_of(begun)["status"] == "Succeeded"
    after = house.show("blue")
    assert (after["properties"][given.field], after["systemData"]["createdAt"]) == (given.to, before)


@table(
    row(
        "mutability.endpoint-description",
        "An endpoint's description changes in place",
        MODELS,
        captured("variants", 27),
        change={"description": "new"},
    ),
    row(
        "mutability.endpoint-access",
        "Its public network access changes in place",
        MODELS,
        change={"publicNetworkAccess": "Disabled"},
    ),
)
def test_endpoint_fields_in_place(fresh: Fresh, given: Given) -> None:
    """The new value, when the operation has ended."""
    house = fresh.named()
    house.set(**given.change)
    inner = house.show()["properties"]
    assert {key: inner[key] for key in given.change} == given.change


@case("mutability.count", "The instance count changes by PUT", SAFE, captured(SCALE, 14))
def test_count_by_put(fresh: Fresh) -> None:
    """As the SDK scales."""
    house = fresh.kept("place", "blue")
    house.deploy("blue", capacity=3)
    assert house.show("blue")["sku"]["capacity"] == 3
    house.deploy("blue", capacity=1)


@case("mutability.patch-count", "The instance count changes by PATCH: 202, and nothing else changes", SWAGGER)
def test_count_by_patch(fresh: Fresh) -> None:
    """As autoscale scales."""
    house = fresh.kept("place", "blue")
    house.deploy("blue", capacity=1, environmentVariables={"KEPT": "yes"})
    begun = house.target.ask("PATCH", house.at("blue"), {"sku": {"capacity": 2}})
    assert begun.status_code in (200, 202)
    house.target.end_of(begun)
    after = house.show("blue")
    assert (after["sku"]["capacity"], after["properties"]["environmentVariables"]) == (2, {"KEPT": "yes"})
    house.deploy("blue")


@case(
    "mutability.autoscale",
    "An autoscale setting is about a deployment; a second one about the same is refused",
    AUTOSCALING,
    unverified("status and code of the refusal"),
)
def test_autoscale_setting(fresh: Fresh) -> None:
    """Made, read, listed, not made twice, deleted."""
    house = fresh.kept("place", "blue")
    target = house.target
    group = f"{target.scope.partition('/providers/')[0]}/providers/Microsoft.Insights/autoscalesettings"
    profile = {"name": "default", "capacity": {"minimum": "1", "maximum": "2", "default": "1"}, "rules": []}
    inner = {"enabled": False, "targetResourceUri": f"{target.scope}/{house.at('blue')}", "profiles": [profile]}
    body = {"location": target.location, "properties": inner}
    api = "2022-10-01"
    assert target.ask("PUT", f"{group}/{house.name}", body, api=api).status_code in (200, 201)
    assert house.name in [one["name"] for one in target.ask("GET", group, api=api).json()["value"]]
    assert target.ask("PUT", f"{group}/{house.name}-again", body, api=api).status_code >= 400
    assert target.ask("DELETE", f"{group}/{house.name}", api=api).status_code in (200, 204)
    assert target.ask("GET", f"{group}/{house.name}", api=api).status_code == 404


@case("mutability.patch-tags", "A PATCH of an endpoint's tags leaves its weights alone", SWAGGER)
def test_tags_by_patch(fresh: Fresh) -> None:
    """The one write that cannot disturb traffic."""
    house = fresh.house("blue")
    begun = house.target.ask("PATCH", house.path, {"tags": {"owner": "us"}})
    assert begun.status_code in (200, 202)
    house.target.end_of(begun)
    assert (house.show()["tags"], house.weights()) == ({"owner": "us"}, ({"blue": 100}, {}))


@case("mutability.patch-replaces", "A PATCH of tags replaces all of them", unverified("the specification does not say"))
def test_patch_replaces_tags(fresh: Fresh) -> None:
    """The stricter reading: a client must send those that it wants to keep."""
    house = fresh.named()
    for tags in ({"a": "1"}, {"b": "2"}):
        house.target.do("PATCH", house.path, {"tags": tags})
    assert house.show()["tags"] == {"b": "2"}


@case(
    "mutability.put-replaces",
    "A PUT replaces the endpoint: tags and description that it does not repeat are gone",
    SWAGGER,
)
def test_put_replaces(fresh: Fresh) -> None:
    """Read, change, write all of it back."""
    house = fresh.named(description="old")
    house.target.do("PUT", house.path, {**house.body(description="old"), "tags": {"a": "1"}})
    house.set()
    shown = house.show()
    assert (shown["tags"], shown["properties"]["description"]) == ({}, None)


@case(
    "mutability.instance-type",
    "A deployment's instance type cannot be changed",
    SWAGGER,
    seen("Azure/AML-Kubernetes#247"),
    UNKNOWN_STATUS,
)
def test_instance_type(house: House) -> None:
    """It is create-only: a new deployment, or delete and create."""
    house.target.refuses(house.begin("blue", instanceType="Standard_F2s_v2"), "instance type of deployment [blue]")


@case("mutability.size-case", "A size in other letters is the same size", unverified("sizes are compared without case"))
def test_case_of_sizes(house: House) -> None:
    """`STANDARD_DS3_V2` is no change."""
    house.target.do("PUT", house.at("green"), house.deployed(instanceType="STANDARD_DS3_V2"))
    assert house.show("green")["properties"]["provisioningState"] == "Succeeded"


@case("mutability.compute", "A deployment stays managed or on Kubernetes", unverified("the discriminator"))
def test_compute_type(house: House) -> None:
    """The kind is no field like others."""
    house.target.refuses(house.begin("blue", endpointComputeType="Kubernetes"), "compute type")


@table(
    row(
        "mutability.auth-mode",
        "An endpoint's authentication mode cannot be changed",
        unverified("effect of the change"),
        change={"properties": {"authMode": "AMLToken"}},
        status=400,
        says="authentication mode",
    ),
    row(
        "mutability.identity",
        "Its identity's type cannot be changed",
        unverified("effect of the change"),
        change={"identity": {"type": "None"}},
        status=400,
        says="identity type",
    ),
    row(
        "mutability.location",
        "It cannot move to another region",
        unverified("Resource Manager's convention"),
        change={"location": "northeurope"},
        status=409,
        says="already exists in location",
    ),
    row(
        "mutability.endpoint-compute",
        "It cannot move to Kubernetes",
        unverified("the compute of an endpoint"),
        change={"properties": {"compute": "/computes/c"}},
        status=400,
        says="compute of an endpoint",
    ),
)
def test_what_an_endpoint_keeps(house: House, given: Given) -> None:
    """Refused, and as before."""
    body: dict[str, Any] = house.body({"blue": 100})
    inner = {**body["properties"], **given.change.get("properties", {})}
    answer = house.target.ask("PUT", house.path, {**body, **given.change, "properties": inner})
    house.target.refuses(answer, given.says, given.status)


@case("mutability.read-only", "State and addresses in a PUT are ignored", SWAGGER)
def test_read_only_fields(fresh: Fresh) -> None:
    """A body that was read can be written back."""
    house = fresh.house("blue")
    before = house.show()["properties"]
    house.set({"blue": 100}, provisioningState="Failed", scoringUri="https://elsewhere", swaggerUri="https://elsewhere")
    after = house.show()["properties"]
    known = ("provisioningState", "scoringUri", "swaggerUri")
    assert {key: after[key] for key in known} == {key: before[key] for key in known}


@case(
    "mutability.written-back",
    "What was read can be written back as it is, and changes nothing",
    captured("variants", 27),
    SWAGGER,
)
def test_read_and_write_back(fresh: Fresh) -> None:
    """The way of every careful client."""
    house = fresh.house("blue", "green", traffic={"blue": 90, "green": 10})
    before = house.show()
    house.target.do("PUT", house.path, before)
    after = house.show()
    for shown in (before, after):
        del shown["systemData"], shown["properties"]["properties"]
    assert after == before


@case("mutability.properties", "Properties of an endpoint can be added, not altered or removed", SWAGGER)
def test_properties_only_grow(fresh: Fresh) -> None:
    """Those that the service sets survive a PUT that does not name them; what a client adds stays."""
    house = fresh.named()
    house.set(properties={"mine": "1"})
    first = house.show()["properties"]["properties"]
    house.set(properties={"mine": "2"})
    kept = house.show()["properties"]["properties"]
    assert (first["mine"], kept["mine"]) == ("1", "1")
    assert kept["azureml.onlineendpointid"] == first["azureml.onlineendpointid"]


@case("mutability.keys", "Keys are never in the endpoint itself", SWAGGER, recorded(5))
def test_keys_are_not_shown(house: House) -> None:
    """Only `listKeys` tells them."""
    assert "keys" not in house.show()["properties"]


@case(
    "mutability.unrecoverable",
    "A deployment whose first creation failed takes no PUT",
    seen("public file id 43544224813"),
    needs="doors",
)
def test_unrecoverable_deployment(fresh: Fresh, doors: Target) -> None:
    """Delete and create again, says the service."""
    house = fresh.named()
    doors.fail_next("deployment_create", "ResourceNotReady")
    assert doors.end_of(house.begin("blue"))["status"] == "Failed"
    answer = house.begin("blue")
    assert (answer.status_code, sentence(answer)) == (
        400,
        "Specified deployment [blue] failed during initial provisioning and is in an unrecoverable state. "
        "Delete and re-create.",
    )


@case(
    "mutability.unborn",
    "An endpoint whose creation failed takes neither PUT nor deployments",
    seen("public file ids 43996390306, 69647257144"),
    needs="doors",
)
def test_unborn_endpoint(fresh: Fresh, doors: Target) -> None:
    """In the service's words."""
    house = fresh.planned()
    doors.fail_next("endpoint_create", "InternalServerError")
    assert doors.end_of(house.put())["status"] == "Failed"
    answers = house.put(), house.begin("blue")
    assert [answer.status_code for answer in answers] == [400, 400]
    assert [sentence(answer) for answer in answers] == [
        f"Specified endpoint [{house.name}] has not been created successfully. Please recreate the endpoint.",
        "This endpoint has not been created successfully or is in deleting provisioning state. "
        "Please recreate endpoint and then try again to create deployment.",
    ]


@case(
    "mutability.failed-update",
    "A deployment whose update failed can be updated again",
    unverified("what a failed update leaves"),
    needs="doors",
)
def test_failed_update(fresh: Fresh, doors: Target) -> None:
    """It shows what was asked for, as Failed."""
    house = fresh.house("blue")
    doors.fail_next("deployment_update", "ResourceNotReady")
    assert doors.end_of(house.begin("blue", environmentVariables={"A": "1"}))["status"] == "Failed"
    failed = house.show("blue")["properties"]
    assert (failed["provisioningState"], failed["environmentVariables"]) == ("Failed", {"A": "1"})
    house.deploy("blue")
    assert house.show("blue")["properties"]["provisioningState"] == "Succeeded"


@case("mutability.no-kind", "A PUT need not say the endpoint's kind", recorded(0, 2), SDK)
def test_kind_is_not_asked_for(house: House) -> None:
    """Others say that it is required; the SDK does not send it."""
    assert "kind" not in house.body()
    assert house.show()["kind"] == "Managed"
