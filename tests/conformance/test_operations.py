"""Long-running operations: how they begin, how they look while they run, how they end; one at a time."""

from __future__ import annotations

import re

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import (
    ARM_ASYNC,
    ROLLOUT,
    SAFE,
    SWAGGER,
    TROUBLE,
    captured,
    documented,
    recorded,
    seen,
    unverified,
)
from tests.conformance.target import Target, error

GUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


@case(
    "operations.put",
    "A PUT answers 201 with status URL, resource URL and time limit, for updates too",
    recorded(0, 2),
    captured(ROLLOUT, 2, 23, 73),
)
def test_headers_of_a_put(fresh: Fresh) -> None:
    """Of a creation and of an update."""
    house = fresh.planned()
    for _ in range(2):
        begun = house.put()
        assert begun.status_code == 201
        assert begun.headers["Location"].partition("?")[0].endswith(f"{house.target.scope}/{house.path}")
        assert begun.headers["x-ms-async-operation-timeout"] == "PT30M"
        assert "Retry-After" not in begun.headers
        house.target.end_of(begun)


@table(
    row(
        "operations.endpoint-url",
        "An endpoint's operation is `oe:WORKSPACE:ID` below the region",
        recorded(0, 1),
        prefix="oe",
    ),
    row(
        "operations.deployment-url",
        "A deployment's operation is `od:WORKSPACE:ID`",
        recorded(6),
        captured(ROLLOUT, 23),
        prefix="od",
    ),
)
def test_operation_urls(fresh: Fresh, given: Given) -> None:
    """Also in the resource's own properties."""
    house = fresh.named()
    begun = house.put() if given.prefix == "oe" else house.begin("blue")
    url = begun.headers["Azure-AsyncOperation"]
    pattern = (
        rf"/subscriptions/[^/]+/providers/Microsoft\.MachineLearningServices/locations/{house.target.location}"
        rf"/mfeOperationsStatus/{given.prefix}:{GUID}:{GUID}\?api-version=.+"
    )
    assert re.search(pattern + "$", url)
    assert begun.json()["properties"]["properties"]["AzureAsyncOperationUri"] == url
    house.target.end_of(begun)


@case("operations.version", "Operation URLs carry the version that the write was asked with", recorded(0))
def test_version_in_urls(fresh: Fresh) -> None:
    """Every client can go on with its own."""
    house = fresh.planned()
    begun = house.target.ask("PUT", house.path, house.body(), api="2022-02-01-preview")
    assert begun.headers["Azure-AsyncOperation"].endswith("?api-version=2022-02-01-preview")
    assert begun.headers["Location"].endswith("?api-version=2022-02-01-preview")
    house.target.end_of(begun)


@case(
    "operations.polls",
    "A poll is 200: Updating at 0 percent without an end, then Succeeded at 100 with one",
    recorded(1, 3, 4),
)
def test_polls(fresh: Fresh) -> None:
    """Both, key by key, in order."""
    house = fresh.planned()
    begun = house.put()
    first = house.target.ask("GET", begun.headers["Azure-AsyncOperation"])
    assert (first.status_code, first.json()["status"], first.json()["percentComplete"]) == (200, "Updating", 0.0)
    assert list(first.json()) == ["id", "name", "startTime", "percentComplete", "status"]
    last = house.target.end_of(begun)
    assert list(last) == ["id", "name", "startTime", "endTime", "percentComplete", "status"]
    assert (last["status"], last["percentComplete"]) == ("Succeeded", 100.0)
    assert last["id"].endswith(f"/mfeOperationsStatus/{last['name']}")
    assert last["startTime"] < last["endTime"]


@case("operations.asked-again", "An operation that has ended still answers", unverified("for how long"))
def test_ended_operations(fresh: Fresh) -> None:
    """A client that was away may come back."""
    house = fresh.planned()
    begun = house.put()
    house.target.end_of(begun)
    again = house.target.ask("GET", begun.headers["Azure-AsyncOperation"])
    assert (again.status_code, again.json()["status"]) == (200, "Succeeded")


@case("operations.unknown", "An operation that never was is 404", ARM_ASYNC)
def test_unknown_operation(house: House) -> None:
    """Not an empty success."""
    url = house.show()["properties"]["properties"]["AzureAsyncOperationUri"]
    assert (
        house.target.ask("GET", re.sub(rf"{GUID}\?", "00000000-0000-0000-0000-000000000000?", url)).status_code == 404
    )


@case("operations.result", "The result of a deletion is 202 while it runs, then 204", SWAGGER, captured(ROLLOUT, 92))
def test_results(fresh: Fresh) -> None:
    """`mfeOperationResults`."""
    house = fresh.named()
    begun = house.target.ask("DELETE", house.path)
    assert house.target.ask("GET", begun.headers["Location"]).status_code == 202
    house.target.end_of(begun)
    assert house.target.ask("GET", begun.headers["Location"]).status_code == 204


@case(
    "operations.states",
    "A new endpoint is Creating, a changed one Updating, one that goes Deleting; then Succeeded",
    recorded(0, 2, 5),
    SWAGGER,
)
def test_states_of_an_endpoint(fresh: Fresh) -> None:
    """As GET shows them."""
    house = fresh.planned()
    states = []
    for method in ("PUT", "PUT", "DELETE"):
        begun = house.target.ask(method, house.path, house.body() if method == "PUT" else None)
        states.append(house.show()["properties"]["provisioningState"])
        house.target.end_of(begun)
    assert states == ["Creating", "Updating", "Deleting"]


@case(
    "operations.scaling",
    "A deployment that is only scaled shows Scaling",
    unverified("which of the documented states it shows"),
)
def test_scaling_state(fresh: Fresh) -> None:
    """While the count alone changes."""
    house = fresh.house("blue")
    begun = house.begin("blue", capacity=2)
    assert begun.json()["properties"]["provisioningState"] == "Scaling"
    house.target.end_of(begun)


# One at a time


@case(
    "operations.busy-endpoint",
    "A write to an endpoint that is being written is refused with 409",
    TROUBLE,
    unverified("documented for Kubernetes; body and status of managed endpoints"),
)
def test_busy_endpoint(fresh: Fresh) -> None:
    """PUT, PATCH and DELETE."""
    house = fresh.named()
    begun = house.put(description="first")
    later = [
        house.put(description="second"),
        house.target.ask("PATCH", house.path, {"tags": {}}),
        house.target.ask("DELETE", house.path),
    ]
    assert [answer.status_code for answer in later] == [409, 409, 409]
    house.target.end_of(begun)
    assert house.show()["properties"]["description"] == "first"


@case(
    "operations.busy-parent",
    "A deployment cannot be written while its endpoint is",
    seen("Azure/azure-sdk-for-net#36961"),
    unverified("its status"),
)
def test_busy_parent(fresh: Fresh) -> None:
    """In the service's words."""
    house = fresh.named()
    begun = house.put()
    answer = house.begin("blue")
    assert error(answer)["message"] == (
        f"Cannot create a deployment in endpoint {house.name} because it is in Updating provisioning state."
    )
    house.target.end_of(begun)


@case(
    "operations.busy-sibling",
    "A deployment cannot be written while another one of the endpoint is",
    documented('how-to-troubleshoot-online-endpoints.md @a2d90a50: "that same online endpoint"'),
    unverified("whether it is the endpoint or the deployment that is locked"),
)
def test_busy_sibling(fresh: Fresh) -> None:
    """Nor can the endpoint."""
    house = fresh.house("blue", "green")
    begun = house.begin("green", environmentVariables={"A": "1"})
    assert [house.begin("blue").status_code, house.put({"blue": 100}).status_code] == [409, 409]
    house.target.end_of(begun)


@case("operations.reads", "Reads work while a write is under way", SAFE, recorded(2))
def test_reads_while_busy(fresh: Fresh) -> None:
    """Endpoint, deployments, keys."""
    house = fresh.house("blue")
    begun = house.put({"blue": 100})
    statuses = [house.target.ask("GET", path).status_code for path in (house.path, f"{house.path}/deployments")]
    statuses.append(house.target.ask("POST", f"{house.path}/listKeys").status_code)
    assert statuses == [200, 200, 200]
    house.target.end_of(begun)


# Failures: the poll is HTTP 200

CODES = (
    "ImageBuildFailure",
    "OutOfQuota",
    "BadArgument",
    "ResourceNotReady",
    "ResourceNotFound",
    "WorkspaceManagedNetworkNotReady",
    "OperationCanceled",
    "SecretsInjectionError",
    "InternalServerError",
)


@table(
    *(
        row(
            f"failures.{code}",
            f"{code} ends the creation of a deployment as Failed, in a poll that is HTTP 200",
            TROUBLE,
            unverified("the JSON of a failed operation"),
            needs="doors",
            code=code,
        )
        for code in CODES
    )
)
def test_failed_operations(fresh: Fresh, doors: Target, given: Given) -> None:
    """Status, code, sentence; and the deployment says Failed."""
    house = fresh.kept("fail")
    doors.fail_next("deployment_create", given.code, "The sentence.")
    begun = house.begin("blue")
    poll = doors.ask("GET", begun.headers["Azure-AsyncOperation"])
    assert poll.status_code == 200
    end = doors.end_of(begun)
    assert (end["status"], end["error"]["code"], end["error"]["message"]) == ("Failed", given.code, "The sentence.")
    assert house.show("blue")["properties"]["provisioningState"] == "Failed"
    doors.do("DELETE", house.at("blue"))


@case(
    "failures.missing-model",
    "A model that is not registered fails the operation, not the PUT",
    captured("variants", 9),
    TROUBLE,
)
def test_missing_model(fresh: Fresh) -> None:
    """The SDK does not look it up either."""
    house = fresh.named()
    model = f"{house.target.scope}/models/conf-nothing/versions/1"
    begun = house.begin("blue", model=model)
    assert begun.status_code == 201
    end = house.target.end_of(begun)
    assert (end["status"], end["error"]["code"]) == ("Failed", "BadArgument")


@case("failures.quota", "A creation beyond the quota fails with OutOfQuota", TROUBLE, needs="doors")
def test_out_of_quota(fresh: Fresh, doors: Target) -> None:
    """The PUT is taken; the operation says it."""
    house = fresh.named()
    doors.door("PUT", "faults", [{"effect": {"kind": "quota", "cores": 0}}])
    begun = house.begin("blue")
    assert begun.status_code == 201
    end = doors.end_of(begun)
    assert (end["status"], end["error"]["code"]) == ("Failed", "OutOfQuota")
    assert end["error"]["message"].startswith("Not enough subscription CPU quota.")
