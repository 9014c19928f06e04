"""Values that fields take, and the defaults of those that were not given."""

from __future__ import annotations

from typing import Any

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import MANAGED_YAML, MODELS, UNKNOWN_STATUS, recorded, unverified

PROBE = {"failureThreshold": 30, "successThreshold": 1, "timeout": "PT2S", "period": "PT10S", "initialDelay": "PT10S"}


@table(
    row(
        "values.timeout",
        "A request may take five seconds",
        MANAGED_YAML,
        recorded(7),
        at="requestSettings",
        value={"maxQueueWait": "PT0S", "requestTimeout": "PT5S", "maxConcurrentRequestsPerInstance": 1},
    ),
    row("values.liveness", "The liveness probe's defaults", MANAGED_YAML, recorded(7), at="livenessProbe", value=PROBE),
    row(
        "values.readiness",
        "The readiness probe's defaults",
        MANAGED_YAML,
        recorded(7),
        at="readinessProbe",
        value=PROBE,
    ),
    row(
        "values.scale",
        "Managed deployments scale by `Default`",
        MANAGED_YAML,
        recorded(7),
        at="scaleSettings",
        value={"scaleType": "Default"},
    ),
    row(
        "values.egress", "Egress is enabled", MANAGED_YAML, recorded(7), at="egressPublicNetworkAccess", value="Enabled"
    ),
    row("values.private", "No private network connection", recorded(7), at="privateNetworkConnection", value=False),
    row("values.insights", "No Application Insights", MANAGED_YAML, recorded(7), at="appInsightsEnabled", value=False),
    row("values.mount", "No path for the model", recorded(7), at="modelMountPath", value=None),
)
def test_defaults_of_a_deployment(house: House, given: Given) -> None:
    """Echoed after success."""
    assert house.show("blue")["properties"][given.at] == given.value


@case("values.sku", "A deployment's SKU is Default, Standard, with the count", recorded(7), MODELS)
def test_sku(house: House) -> None:
    """Its tier is the service's."""
    assert house.show("blue")["sku"] == {"name": "Default", "tier": "Standard", "capacity": 1}


@case(
    "values.unfinished",
    "Before a deployment's first success its defaults are not there yet",
    recorded("the deployment's PUT"),
)
def test_before_success(fresh: Fresh) -> None:
    """A client must not take them for the deployment's settings."""
    house = fresh.named()
    begun = house.begin("blue")
    inner = begun.json()["properties"]
    assert (begun.status_code, inner["provisioningState"]) == (201, "Updating")
    assert (inner["requestSettings"]["requestTimeout"], inner["livenessProbe"]) == ("PT0S", None)
    house.target.end_of(begun)


@case("values.partial", "What is given is kept, the rest of a group is filled in", MANAGED_YAML)
def test_partial_settings(fresh: Fresh) -> None:
    """One field of request settings, one of a probe."""
    house = fresh.named()
    house.deploy("blue", requestSettings={"requestTimeout": "PT30S"}, livenessProbe={"period": "PT5S"})
    inner = house.show("blue")["properties"]
    assert inner["requestSettings"] == {
        "maxQueueWait": "PT0S",
        "requestTimeout": "PT30S",
        "maxConcurrentRequestsPerInstance": 1,
    }
    assert inner["livenessProbe"] == {**PROBE, "period": "PT5S"}


@table(
    row("values.key", "Endpoints with keys", MODELS, mode="Key", shown="Key"),
    row(
        "values.aml-token",
        "Endpoints with tokens of the workspace",
        MODELS,
        recorded(0),
        mode="AMLToken",
        shown="AMLToken",
    ),
    row("values.entra", "Endpoints with Entra tokens", MODELS, mode="AADToken", shown="AADToken"),
    row(
        "values.mode-case",
        "The mode is taken in any case",
        unverified("corpus: `auth_mode: Key` and `key`"),
        mode="amltoken",
        shown="AMLToken",
    ),
)
def test_authentication_modes(fresh: Fresh, given: Given) -> None:
    """Shown in the service's own letters."""
    begun = fresh.planned()
    answer = begun.put(authMode=given.mode)
    assert (answer.status_code, answer.json()["properties"]["authMode"]) == (201, given.shown)
    begun.target.end_of(answer)


_BAD: dict[str, tuple[str, dict[str, Any]]] = {
    "mode": ("An unknown authentication mode is refused", {"properties": {"authMode": "Password"}}),
    "no-mode": ("An endpoint needs an authentication mode", {"properties": {"authMode": None}}),
    "no-location": ("An endpoint needs a location", {"location": None}),
    "no-identity": ("An endpoint needs an identity", {"identity": None}),
}


@table(
    *(row(f"values.bad-{key}", title, MODELS, UNKNOWN_STATUS, change=change) for key, (title, change) in _BAD.items())
)
def test_refused_endpoints(fresh: Fresh, given: Given) -> None:
    """Refused, and nothing is made."""
    house = fresh.planned()
    body = house.body()
    inner = {**body["properties"], **given.change.get("properties", {})}
    answer = house.target.ask("PUT", house.path, {**body, **given.change, "properties": inner})
    house.target.refuses(answer, "")
    assert house.target.ask("GET", house.path).status_code == 404


@table(
    row(
        "values.no-size",
        "A managed deployment needs an instance type",
        MODELS,
        UNKNOWN_STATUS,
        change={"instanceType": None},
    ),
    row(
        "values.no-compute",
        "A deployment says on what it runs",
        MODELS,
        UNKNOWN_STATUS,
        change={"endpointComputeType": "Cloud"},
    ),
)
def test_refused_deployments(house: House, given: Given) -> None:
    """Refused, and nothing is made."""
    house.target.refuses(house.begin("grey", **given.change), "")
    assert house.target.ask("GET", house.at("grey")).status_code == 404


@table(
    row("values.managed", "An endpoint's kind", recorded(0, 5), at="kind", value="Managed"),
    row(
        "values.type",
        "An endpoint's type",
        recorded(0, 5),
        at="type",
        value="Microsoft.MachineLearningServices/workspaces/onlineEndpoints",
    ),
)
def test_endpoint_constants(house: House, given: Given) -> None:
    """Verbatim."""
    assert house.show()[given.at] == given.value


@case("values.principal", "A system-assigned identity has a principal and a tenant", recorded(0))
def test_principal(house: House) -> None:
    """Given by the service at creation, and kept."""
    first, second = house.show()["identity"], house.show()["identity"]
    assert set(first) == {"type", "principalId", "tenantId"}
    assert first == second


@case("values.addresses", "Addresses are null while an endpoint is created, and there afterwards", recorded(0, 5))
def test_addresses(fresh: Fresh) -> None:
    """`/score` and `/swagger.json` below one root."""
    house = fresh.planned()
    begun = house.put()
    inner = begun.json()["properties"]
    assert (inner["scoringUri"], inner["swaggerUri"], inner["provisioningState"]) == (None, None, "Creating")
    house.target.end_of(begun)
    after = house.show()["properties"]
    root = after["scoringUri"].removesuffix("/score")
    assert (after["swaggerUri"], after["provisioningState"]) == (f"{root}/swagger.json", "Succeeded")


@case("values.created", "Creation's time stays, change's time moves", recorded(0, 2, 5))
def test_times(fresh: Fresh) -> None:
    """`systemData`."""
    house = fresh.named()
    before = house.show()["systemData"]
    house.set(description="x")
    after = house.show()["systemData"]
    assert after["createdAt"] == before["createdAt"]
    assert after["lastModifiedAt"] > before["lastModifiedAt"]
