"""The other operations on endpoints and deployments: lists, keys, tokens, logs, sizes; headers of every answer."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    ROLLOUT,
    SIGNING_IN,
    SWAGGER,
    captured,
    recorded,
    seen,
    unverified,
)
from tests.conformance.target import Target, error


def _tree(value: object) -> object:
    """Keys and kinds of values."""
    if isinstance(value, dict):
        return {key: _tree(inner) for key, inner in value.items()}
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


@case("wire.endpoint", "An endpoint's fields, key by key", recorded(5))
def test_fields_of_an_endpoint(house: House) -> None:
    """Nothing is missing and nothing is added."""
    shown = house.show()
    assert set(shown) == {"id", "name", "type", "properties", "systemData", "tags", "location", "kind", "identity"}
    assert set(shown["properties"]) == {
        "description",
        "properties",
        "scoringUri",
        "swaggerUri",
        "authMode",
        "provisioningState",
        "compute",
        "traffic",
        "mirrorTraffic",
        "publicNetworkAccess",
    }
    assert set(shown["systemData"]) == {"createdAt", "createdBy", "lastModifiedAt"}
    assert set(shown["properties"]["properties"]) == {"azureml.onlineendpointid", "AzureAsyncOperationUri"}


@case("wire.deployment", "A deployment's fields, key by key", recorded(7))
def test_fields_of_a_deployment(house: House) -> None:
    """Of a managed one."""
    shown = house.show("blue")
    assert set(shown) == {"id", "name", "type", "properties", "systemData", "tags", "location", "kind", "sku"}
    assert set(shown["properties"]) == {
        "description",
        "properties",
        "codeConfiguration",
        "environmentId",
        "environmentVariables",
        "scaleSettings",
        "requestSettings",
        "modelMountPath",
        "appInsightsEnabled",
        "livenessProbe",
        "readinessProbe",
        "provisioningState",
        "instanceType",
        "model",
        "privateNetworkConnection",
        "egressPublicNetworkAccess",
        "endpointComputeType",
    }


@case("wire.list", "All endpoints are listed, as GET shows each", SWAGGER, captured(ROLLOUT, 0))
def test_list_of_endpoints(house: House) -> None:
    """`value`, every page of it."""
    found, url = [], "onlineEndpoints"
    while url:
        page = house.target.ask("GET", url).json()
        found += page["value"]
        url = page.get("nextLink")
    assert [one for one in found if one["name"] == house.name] == [house.show()]


@case("wire.list-name", "The list can be filtered by name", SWAGGER)
def test_list_by_name(house: House) -> None:
    """Only that one."""
    listed = house.target.read("onlineEndpoints", name=house.name)
    assert [one["name"] for one in listed["value"]] == [house.name]


@case("wire.list-count", "The list comes in pages of `count`, with a link to the next one", SWAGGER)
def test_pages(house: House, fresh: Fresh) -> None:
    """Following the links gives each endpoint once."""
    fresh.named()
    page = house.target.read("onlineEndpoints", count="1")
    names = [one["name"] for one in page["value"]]
    while link := page.get("nextLink"):
        assert len(page["value"]) == 1
        page = house.target.ask("GET", link).json()
        names += [one["name"] for one in page["value"]]
    assert house.name in names
    assert len(set(names)) == len(names)


@case("wire.list-order", "The list can be ordered by time of creation", SWAGGER)
def test_order(house: House, fresh: Fresh) -> None:
    """Newest first, oldest first."""
    fresh.named()
    times = {
        way: [one["systemData"]["createdAt"] for one in house.target.read("onlineEndpoints", orderBy=way)["value"]]
        for way in ("CreatedAtDesc", "CreatedAtAsc")
    }
    assert times["CreatedAtAsc"] == sorted(times["CreatedAtAsc"])
    assert times["CreatedAtDesc"] == sorted(times["CreatedAtDesc"], reverse=True)


@case(
    "wire.deployments",
    "An endpoint's deployments are listed without a next link",
    recorded(7),
    captured(ROLLOUT, 57, 58),
)
def test_list_of_deployments(house: House) -> None:
    """As GET shows each."""
    listed = house.target.read(f"{house.path}/deployments")
    assert listed == {"value": [house.show("blue"), house.show("green")]}


@case("wire.keys", "An endpoint with keys has two", SWAGGER, SIGNING_IN, captured(ROLLOUT, 62))
def test_keys(house: House) -> None:
    """Both, and nothing else."""
    answer = house.target.ask("POST", f"{house.path}/listKeys")
    keys = answer.json()
    assert (answer.status_code, _tree(keys)) == (200, {"primaryKey": "str", "secondaryKey": "str"})
    assert keys["primaryKey"] != keys["secondaryKey"]


@case("wire.regenerate", "One key is made anew, the other stays", SWAGGER, SIGNING_IN)
def test_regenerate(fresh: Fresh) -> None:
    """Either of them, by `keyType`."""
    house = fresh.named()

    def keys() -> tuple[str, str]:
        found = house.target.ask("POST", f"{house.path}/listKeys").json()
        return found["primaryKey"], found["secondaryKey"]

    before = keys()
    begun = house.target.ask("POST", f"{house.path}/regenerateKeys", {"keyType": "Secondary"})
    assert begun.status_code in (200, 202)
    house.target.end_of(begun)
    after = keys()
    assert (after[0] == before[0], after[1] == before[1]) == (True, False)


@case("wire.regenerate-value", "A key can be given", SWAGGER, captured(ROLLOUT, 89))
def test_regenerate_with_a_value(fresh: Fresh) -> None:
    """`keyValue`, as the SDK sends it; then the result is empty."""
    house = fresh.named()
    body = {"keyType": "Primary", "keyValue": "k" * 32}
    begun = house.target.ask("POST", f"{house.path}/regenerateKeys", body)
    house.target.end_of(begun)
    assert house.target.ask("GET", begun.headers["Location"]).status_code == 204
    assert house.target.ask("POST", f"{house.path}/listKeys").json()["primaryKey"] == "k" * 32


@case("wire.token", "A token's answer: 24 hours to live, to be renewed after 12", recorded(8), captured("variants", 55))
def test_token(fresh: Fresh) -> None:
    """Times in seconds since 1970."""
    house = fresh.named(authMode="AMLToken")
    answer = house.target.ask("POST", f"{house.path}/token")
    told = answer.json()
    assert answer.status_code == 200
    assert list(told) == ["accessToken", "tokenType", "expiryTimeUtc", "refreshAfterTimeUtc"]
    assert told["tokenType"] == "Bearer"
    assert told["expiryTimeUtc"] - told["refreshAfterTimeUtc"] == 12 * 3600


@table(
    row(
        "wire.no-keys",
        "An endpoint with tokens has no keys",
        unverified("status of this refusal"),
        mode="AMLToken",
        ask="listKeys",
    ),
    row(
        "wire.no-token",
        "An endpoint with keys gives no tokens",
        unverified("status of this refusal"),
        mode="Key",
        ask="token",
    ),
)
def test_the_other_way_in(fresh: Fresh, given: Given) -> None:
    """Refused."""
    house = fresh.named(authMode=given.mode)
    house.target.refuses(house.target.ask("POST", f"{house.path}/{given.ask}"), "not supported")


@case("wire.logs", "A deployment's log is text", SWAGGER, captured(ROLLOUT, 69))
def test_logs(house: House) -> None:
    """With a tail and a container."""
    for body in ({"tail": 5}, {"tail": 5, "containerType": "StorageInitializer"}):
        answer = house.target.ask("POST", f"{house.at('blue')}/getLogs", body)
        assert (answer.status_code, _tree(answer.json())) == (200, {"content": "str"})


@case("wire.skus", "What a deployment can be scaled to", SWAGGER)
def test_skus(house: House) -> None:
    """Resource type, SKU, and the limits of its capacity."""
    (entry,) = house.target.read(f"{house.at('blue')}/skus")["value"]
    assert set(entry) == {"resourceType", "sku", "capacity"}
    assert set(entry["capacity"]) == {"minimum", "maximum", "default", "scaleType"}
    assert (entry["capacity"]["minimum"], entry["capacity"]["maximum"]) == (1, 50)


@table(
    row(
        "wire.no-endpoint",
        "An endpoint that is not there is 404",
        SWAGGER,
        seen("Azure-Samples/contoso-chat#139"),
        method="GET",
        path="onlineEndpoints/conf-none",
    ),
    row(
        "wire.no-endpoint-list",
        "Its deployments are 404",
        SWAGGER,
        method="GET",
        path="onlineEndpoints/conf-none/deployments",
    ),
    row("wire.no-endpoint-keys", "Its keys are 404", SWAGGER, method="POST", path="onlineEndpoints/conf-none/listKeys"),
    row(
        "wire.no-endpoint-put",
        "A deployment below it is 404",
        SWAGGER,
        method="PUT",
        path="onlineEndpoints/conf-none/deployments/blue",
    ),
    row("wire.no-endpoint-patch", "A PATCH of it is 404", SWAGGER, method="PATCH", path="onlineEndpoints/conf-none"),
)
def test_nothing_there(house: House, given: Given) -> None:
    """`UserError` with `NotFound` inside."""
    body: dict[str, Any] = house.deployed() if given.method == "PUT" else {}
    answer = house.target.ask(given.method, given.path, body)
    found = error(answer)
    assert (answer.status_code, found["code"]) == (404, "UserError")
    inner = [info["info"]["value"]["code"] for info in found["additionalInfo"] if info["type"] == "InnerError"]
    assert inner == ["NotFound"]


@table(
    row(
        "wire.envelope-user",
        "The front end's own refusals: UserError with format and parts of its sentence",
        seen("Azure-Samples/contoso-chat#139"),
        kind="UserError",
    ),
    row(
        "wire.envelope-validation",
        "The inference service's refusals: BadRequest around InferencingClientCallFailed",
        seen("public file id 43544224813"),
        kind="BadRequest",
    ),
)
def test_envelopes(house: House, given: Given) -> None:
    """With the same additional information in both."""
    common = ["ComponentName", "Correlation", "Environment", "Location", "Time"]
    if given.kind == "UserError":
        found = error(house.target.ask("GET", house.at("grey")))
        assert [info["type"] for info in found["additionalInfo"]] == [
            *common,
            "InnerError",
            "MessageFormat",
            "MessageParameters",
        ]
        assert (found["details"], list(found)) == ([], ["code", "message", "details", "additionalInfo"])
    else:
        found = error(house.target.ask("DELETE", house.at("blue")))
        assert (found["code"], found["message"]) == ("BadRequest", "The request is invalid.")
        assert [detail["code"] for detail in found["details"]] == ["InferencingClientCallFailed"]
        assert re.fullmatch(r'\{\{"errors":\{\{"":\[".*"\]\}\},"title":".*"\}\}', found["details"][0]["message"])
        assert [info["type"] for info in found["additionalInfo"]] == common


@pytest.mark.parametrize("path", ["", "onlineEndpoints"])
@case("wire.headers", "Every answer has its ids, its cluster and its caching rules", recorded(0, 1, 7))
def test_headers(house: House, path: str) -> None:
    """The recorded ones."""
    found = house.target.ask("GET", path or house.path).headers
    known = {
        "Cache-Control": "no-cache",
        "Pragma": "no-cache",
        "Expires": "-1",
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "Content-Type": "application/json; charset=utf-8",
        "x-ms-response-type": "standard",
    }
    assert {name: found.get(name) for name in known} == known
    for name in ("x-aml-cluster", "Request-Context", "x-ms-request-id", "x-ms-correlation-request-id", "Date"):
        assert found.get(name), name


@case("wire.bad-body", "A body that is no endpoint is refused", SWAGGER)
def test_bad_bodies(house: House) -> None:
    """A list, a text, one without properties."""
    bodies: tuple[Any, ...] = ([], "text", {"location": house.target.location})
    for body in bodies:
        house.target.refuses(house.target.ask("PUT", house.path, body), "invalid")


@case(
    "wire.versions",
    "Each of the versions that clients use is understood",
    captured("versions of SDK 1.35.2, and 2024-04-01"),
)
def test_api_versions(house: House) -> None:
    """The same endpoint in all of them."""
    for version in ("2022-02-01-preview", "2023-04-01-preview", "2024-04-01"):
        assert house.target.ask("GET", house.path, api=version).json()["name"] == house.name


@case("wire.workspace", "A workspace tells its region and its id", captured(ROLLOUT, 1))
def test_workspace(target: Target) -> None:
    """What the SDK needs of it."""
    found = target.read("")
    assert (found["id"].lower(), bool(found["location"])) == (target.scope.lower(), True)
    assert re.fullmatch(r"[0-9a-f-]{36}", found["properties"]["workspaceId"])


@table(
    row(
        "wire.subscription",
        "Another subscription is not found",
        unverified("404 or 403, by what the caller may see"),
        path="/subscriptions/00000000-0000-0000-0000-0000000000ff/resourceGroups/x/providers/Microsoft.MachineLearningServices/workspaces/w",
    ),
    row(
        "wire.group",
        "Another resource group is not found",
        unverified("404 or 403, by what the caller may see"),
        path="",
    ),
)
def test_elsewhere(target: Target, given: Given) -> None:
    """404 by name."""
    path = given.path or target.scope.replace(f"/{target.group}/", "/conf-no-group/")
    assert target.ask("GET", path).status_code in ((404,) if target.emulated else (403, 404))
