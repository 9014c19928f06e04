"""Lists: pages, filters, orders (azureml.md §3); what a request must say; headers that every answer carries."""

from __future__ import annotations

from typing import Any

import pytest

from rollout.emulator.answers import Rejected
from rollout.emulator.paging import number, page
from tests.emulator.control.bodies import deployment_body, endpoint_body
from tests.emulator.control.conftest import Arm


@pytest.fixture(scope="module")
def houses(server: Any) -> list[str]:
    """Three endpoints: tagged, with a property, on a cluster."""
    arm = Arm(server)
    bodies = {
        "list-a": endpoint_body(tags={"team": "red", "list": "1"}),
        "list-b": endpoint_body(tags={"team": "blue", "list": "1"}),
        "list-c": endpoint_body(tags={"list": "1"}),
    }
    bodies["list-b"]["properties"]["properties"] = {"origin": "here"}
    bodies["list-c"]["properties"]["compute"] = f"{arm.server.service.scope.workspace_path}/computes/k8s"
    for name, body in bodies.items():
        arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}", body))
    arm.session.close()
    return list(bodies)


def names(arm: Arm, **query: str) -> list[str]:
    """The names of all pages."""
    body = arm.ask("GET", "onlineEndpoints", params={"tags": "list=1", **query}).json()
    found = [one["name"] for one in body["value"]]
    while "nextLink" in body:
        body = arm.session.get(body["nextLink"], timeout=20).json()
        found += [one["name"] for one in body["value"]]
    return found


FILTERS = {
    "team": ["list-a", "list-b"],
    "team=red": ["list-a"],
    "team=red,list": ["list-a"],
    "team=green": [],
}


@pytest.mark.parametrize("tags", FILTERS)
def test_by_tags(arm: Arm, houses: list[str], tags: str) -> None:
    """All that are named, with the value where one is given."""
    assert names(arm, tags=tags) == FILTERS[tags]


def test_by_everything_else(arm: Arm, houses: list[str]) -> None:
    """Properties, name in any case, kind of compute."""
    assert names(arm, properties="origin=here") == ["list-b"]
    assert names(arm, properties="origin=there") == []
    assert names(arm, name="LIST-A") == ["list-a"]
    assert names(arm, computeType="Kubernetes") == ["list-c"]
    assert names(arm, computeType="Managed") == ["list-a", "list-b"]


def test_pages(arm: Arm, houses: list[str]) -> None:
    """The link to the next page is the whole request again; together the pages are all."""
    first = arm.ask("GET", "onlineEndpoints", params={"tags": "list=1", "count": "2"}).json()
    assert [one["name"] for one in first["value"]] == ["list-a", "list-b"]
    assert "tags=list%3D1" in first["nextLink"]
    assert "api-version=2024-04-01" in first["nextLink"]
    assert "$skip=2" in first["nextLink"]
    assert names(arm, count="2") == houses
    assert names(arm, **{"$skip": "1"}) == ["list-b", "list-c"]


def test_orders(arm: Arm, houses: list[str]) -> None:
    """By creation and by change, both ways."""
    assert names(arm, orderBy="CreatedAtDesc") == houses[::-1]
    assert names(arm, orderBy="CreatedAtAsc", count="1") == houses
    arm.wait(arm.ask("PATCH", "onlineEndpoints/list-a", {"tags": {"team": "red", "list": "1"}}))
    assert names(arm, orderBy="UpdatedAtDesc")[0] == "list-a"
    assert names(arm, orderBy="UpdatedAtAsc")[-1] == "list-a"


def test_deployments_and_skus(arm: Arm) -> None:
    """`$top` and `$skip`; never a link, as recorded."""
    house = arm.house("aaa", "bbb", "ccc")
    path = f"onlineEndpoints/{house}/deployments"
    body = arm.ask("GET", path, params={"$top": "1", "$skip": "1", "$orderBy": "CreatedAtDesc"}).json()
    assert ([one["name"] for one in body["value"]], "nextLink" in body) == (["bbb"], False)
    skus = arm.ask("GET", f"{path}/aaa/skus").json()["value"]
    assert skus[0]["capacity"] == {"minimum": 1, "maximum": 50, "default": 1, "scaleType": "Manual"}
    assert arm.ask("GET", f"{path}/aaa/skus", params={"$skip": "1"}).json()["value"] == []


def test_no_number() -> None:
    """400, not a traceback."""
    with pytest.raises(Rejected, match="The value 'x' of the query parameter '\\$skip' is not a number"):
        number({"$skip": "x"}, "$skip")
    assert page([], {"$top": "0"}).body == {"value": []}


def test_assets_in_pages_and_views(arm: Arm) -> None:
    """`$top` with a link to the rest; archived versions only where they are asked for; tags; one version."""
    for version in "123":
        inner = {"modelUri": "azureml://x", "modelType": "custom_model", "isArchived": version == "2"}
        body = {"properties": {**inner, "tags": {"n": version}}}
        assert arm.ask("PUT", f"models/paged/versions/{version}", body).status_code == 201

    def versions(**query: str) -> list[str]:
        body = arm.ask("GET", "models/paged/versions", params=query).json()
        found = [one["name"] for one in body["value"]]
        return found + (["…"] if "nextLink" in body else [])

    assert versions() == ["3", "1"]
    assert versions(**{"$top": "1", "$orderBy": "createdtime desc"}) == ["3", "…"]
    assert versions(listViewType="ArchivedOnly") == ["2"]
    assert versions(listViewType="All", **{"$skip": "1"}) == ["2", "1"]
    assert versions(tags="n=1") == ["1"]
    assert versions(version="3") == ["3"]
    assert arm.ask("GET", "models/paged").json()["properties"]["latestVersion"] == "3"
    assert "paged" in [one["name"] for one in arm.ask("GET", "models").json()["value"]]


def test_the_version_of_the_api_is_required(arm: Arm) -> None:
    """Any will do; none will not."""
    path = f"{arm.server.url}{arm.server.service.scope.workspace_path}/onlineEndpoints"
    refused = arm.session.get(path)
    assert (refused.status_code, refused.json()["error"]) == (
        400,
        {
            "code": "MissingApiVersionParameter",
            "message": "The api-version query parameter (?api-version=) is required for all requests.",
        },
    )
    assert arm.session.get(path, params={"api-version": "1999-12-31"}).status_code == 200


def test_headers_of_every_answer(arm: Arm) -> None:
    """Correlation as given, the client's id on request, timing, rates (azureml.md §3)."""
    answer = arm.ask(
        "GET",
        "onlineEndpoints",
        headers={
            "x-ms-correlation-request-id": "11111111-2222-3333-4444-555555555555",
            "x-ms-client-request-id": "mine",
            "x-ms-return-client-request-id": "true",
        },
    )
    told = answer.headers
    assert told["x-ms-correlation-request-id"] == "11111111-2222-3333-4444-555555555555"
    assert told["x-ms-client-request-id"] == "mine"
    assert told["Server-Timing"].startswith('traceparent;desc="00-11111111222233334444555555555555-')
    assert int(told["x-ms-ratelimit-remaining-subscription-global-reads"]) == 15 * int(
        told["x-ms-ratelimit-remaining-subscription-reads"]
    )
    assert {"x-ms-request-id", "x-ms-routing-request-id", "x-aml-cluster", "x-request-time"} <= set(told)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "timeout": (
        {"requestSettings": {"requestTimeout": "PT3M1S"}},
        "The request timeout must be at most 180 seconds, but is PT3M1S.",
    ),
    "egress": (
        {"egressPublicNetworkAccess": "Maybe"},
        "egressPublicNetworkAccess must be one of Enabled, Disabled, but is 'Maybe'.",
    ),
    "scaling": (
        {"scaleSettings": {"scaleType": "TargetUtilization"}},
        "Managed deployments support scaleType Default only; use autoscale settings of Azure Monitor.",
    ),
    "scale type": (
        {"scaleSettings": {"scaleType": "Auto"}},
        "scaleSettings.scaleType must be one of Default, TargetUtilization, but is 'Auto'.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_are_refused(arm: Arm, case: str) -> None:
    """Limits and enumerations of deployments (azureml.md §2.6, §2.7, §2.11)."""
    changed, words = REFUSED[case]
    name = arm.house()
    refused = arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body(**changed))
    assert refused.status_code == 400
    assert words in refused.json()["error"]["details"][0]["message"]


def test_keys_of_a_create(arm: Arm) -> None:
    """`keys` can be given once, and only `listKeys` returns them."""
    body = endpoint_body()
    body["properties"]["keys"] = {"primaryKey": "mine", "secondaryKey": "too"}
    made = arm.ask("PUT", "onlineEndpoints/with-keys", body)
    arm.wait(made)
    assert "mine" not in made.text
    keys = arm.ask("POST", "onlineEndpoints/with-keys/listKeys").json()
    assert keys == {"primaryKey": "mine", "secondaryKey": "too"}


def test_weights_by_the_oldest_patch(arm: Arm) -> None:
    """2022-02-01-preview takes them, later versions do not; 202 with `Retry-After` or its milliseconds."""
    name = arm.house("blue", "green")
    body = {"properties": {"traffic": {"blue": 40, "green": 60}}}
    refused = arm.ask("PATCH", f"onlineEndpoints/{name}", body)
    assert refused.status_code == 400
    answer = arm.ask("PATCH", f"onlineEndpoints/{name}", body, params={"api-version": "2022-02-01-preview"})
    assert answer.headers.keys() & {"Retry-After", "x-ms-retry-after-ms"}
    arm.wait(answer)
    assert arm.ask("GET", f"onlineEndpoints/{name}").json()["properties"]["traffic"] == {"blue": 40, "green": 60}


def test_logs_of_containers(arm: Arm) -> None:
    """The tail of the server's; a sentence for the storage initializer; nothing else."""
    name = arm.house("blue")
    path = f"onlineEndpoints/{name}/deployments/blue/getLogs"
    assert arm.ask("POST", path, {"tail": 5}).json() == {"content": ""}
    storage = arm.ask("POST", path, {"containerType": "StorageInitializer"}).json()["content"]
    assert storage == "The emulator unpacks models and code itself: no storage initializer ran."
    assert arm.ask("POST", path, {"containerType": "Sidecar"}).status_code == 400


def test_quota_and_sizes(arm: Arm) -> None:
    """Limits in the form of quotas, sizes with their cores, workspaces in a list."""
    scope = arm.server.service.scope
    quotas = arm.ask("GET", f"{scope.operations_path}/quotas").json()["value"]
    assert {one["name"]["value"]: one["limit"] for one in quotas}["totalCores"] == 500
    sizes = {one["name"]: one["vCPUs"] for one in arm.ask("GET", f"{scope.operations_path}/vmSizes").json()["value"]}
    assert (sizes["STANDARD_DS3_V2"], sizes["STANDARD_NC24ADS_A100_V4"]) == (4, 24)
    listed = arm.ask("GET", scope.workspace_path.rpartition("/")[0]).json()["value"]
    assert [one["name"] for one in listed] == [scope.workspace]


def test_above_the_providers(arm: Arm) -> None:
    """What `az login` looks for: tenants, the one subscription, its group and region; other names are not found."""
    scope = arm.server.service.scope
    assert [one["tenantId"] for one in arm.ask("GET", "/tenants").json()["value"]] == [scope.tenant_id]
    assert [one["subscriptionId"] for one in arm.ask("GET", "/subscriptions").json()["value"]] == [
        scope.subscription_id
    ]
    assert arm.ask("GET", scope.subscription_path).json()["state"] == "Enabled"
    groups = arm.ask("GET", f"{scope.subscription_path}/resourceGroups").json()["value"]
    assert [one["id"] for one in groups] == [scope.group_path]
    assert arm.ask("GET", scope.group_path).json() == groups[0]
    assert arm.ask("GET", f"{scope.subscription_path}/locations").json()["value"][0]["name"] == "eastus2"
    for path, code in (
        ("/subscriptions/other", "SubscriptionNotFound"),
        (f"{scope.subscription_path}/resourceGroups/other", "ResourceGroupNotFound"),
        (f"{scope.subscription_path}/teapots", "InvalidResourceType"),
        (f"{scope.group_path}/providers/Microsoft.Teapot/pots", "InvalidResourceType"),
    ):
        assert (arm.ask("GET", path).status_code, arm.ask("GET", path).json()["error"]["code"]) == (404, code)


def test_autoscale_settings(arm: Arm) -> None:
    """Kept under their own id, listed, deleted."""
    path = f"{arm.server.service.scope.group_path}/providers/Microsoft.Insights/autoscalesettings/auto"
    assert arm.ask("GET", path).status_code == 404
    assert arm.ask("PUT", path, {"location": "eastus2", "properties": {"enabled": True}}).status_code == 201
    assert arm.ask("GET", path).json()["id"] == path
    assert [one["name"] for one in arm.ask("GET", path.rpartition("/")[0]).json()["value"]] == ["auto"]
    assert arm.ask("DELETE", path).status_code == 200
