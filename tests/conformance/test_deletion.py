"""Deleting: what is refused, what goes with it, and what a client sees of it."""

from __future__ import annotations

from tests.conformance.case import case
from tests.conformance.house import Fresh, House
from tests.conformance.sources import ROLLOUT, SAFE, SWAGGER, captured, recorded, seen, unverified
from tests.conformance.target import Target, error, sentence


@case(
    "deletion.live",
    "A deployment with live traffic is not deleted",
    SAFE,
    seen("public file ids 55695609504, 56199309741"),
    unverified("its status"),
)
def test_live_deployment_stays(house: House) -> None:
    """Refused in the service's words."""
    answer = house.target.ask("DELETE", house.at("blue"))
    assert answer.status_code == 400
    assert sentence(answer) == "Can't delete deployment [blue] with non-zero traffic weight"


@case("deletion.idle", "A deployment without traffic is deleted; the endpoint stays", SAFE, captured(ROLLOUT, 84))
def test_idle_deployment_goes(fresh: Fresh) -> None:
    """202 with an operation of the deployment, then 404."""
    house = fresh.house("blue", "green")
    begun = house.target.ask("DELETE", house.at("green"))
    assert (begun.status_code, begun.text) == (202, "null")
    assert "/mfeOperationsStatus/od:" in begun.headers["Azure-AsyncOperation"]
    assert house.show("green")["properties"]["provisioningState"] == "Deleting"
    assert house.target.end_of(begun)["status"] == "Succeeded"
    assert house.target.ask("GET", house.at("green")).status_code == 404
    assert house.weights() == ({"blue": 100}, {})


@case("deletion.zeroed", "Weights set to zero make the last deployment deletable", SAFE)
def test_zero_then_delete(fresh: Fresh) -> None:
    """The documented way to an empty endpoint."""
    house = fresh.house("blue")
    house.set({"blue": 0})
    house.target.do("DELETE", house.at("blue"))
    assert house.target.read(f"{house.path}/deployments")["value"] == []


@case(
    "deletion.endpoint",
    "An endpoint is deleted whatever its traffic, and its deployments with it",
    recorded(10),
    SAFE,
    captured(ROLLOUT, 93),
)
def test_endpoint_goes_with_everything(fresh: Fresh) -> None:
    """202, `null`, status and result URLs; 404 for all of it afterwards."""
    house = fresh.house("blue")
    begun = house.target.ask("DELETE", house.path)
    assert (begun.status_code, begun.text, begun.headers["Content-Length"]) == (202, "null", "4")
    assert "/mfeOperationsStatus/oe:" in begun.headers["Azure-AsyncOperation"]
    assert "/mfeOperationResults/oe:" in begun.headers["Location"]
    assert begun.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert house.target.end_of(begun)["status"] == "Succeeded"
    gone = [house.target.ask("GET", path).status_code for path in (house.path, house.at("blue"))]
    assert gone == [404, 404]


@case("deletion.absent", "Deleting what is not there is 204", SWAGGER)
def test_absent(house: House) -> None:
    """An endpoint and a deployment; no body."""
    for path in ("onlineEndpoints/conf-nothing-here", house.at("nothing")):
        answer = house.target.ask("DELETE", path)
        assert (answer.status_code, answer.text) == (204, "")


@case(
    "deletion.mirrored",
    "A deployment with mirrored traffic only can be deleted, and its share goes with it",
    unverified("the documents name live traffic only"),
)
def test_mirrored_deployment_goes(fresh: Fresh) -> None:
    """No endpoint keeps a share for what does not exist."""
    house = fresh.house("blue", "green")
    house.set({"blue": 100}, {"green": 10})
    house.target.do("DELETE", house.at("green"))
    assert house.weights() == ({"blue": 100}, {})


@case("deletion.again", "A deleted deployment's name is free again", SAFE)
def test_name_is_free_again(fresh: Fresh) -> None:
    """Delete and create: the way to another instance type."""
    house = fresh.house("blue", "green")
    house.target.do("DELETE", house.at("green"))
    house.deploy("green", instanceType="Standard_F2s_v2")
    assert house.show("green")["properties"]["instanceType"] == "Standard_F2s_v2"


@case("deletion.failed", "A failed deployment can be deleted", seen("public file id 43544224813"), needs="doors")
def test_failed_deployment_goes(fresh: Fresh, doors: Target) -> None:
    """It is the only thing that can be done with it."""
    house = fresh.house("blue")
    doors.fail_next("deployment_create", "ResourceNotReady")
    doors.end_of(house.begin("green"))
    house.target.do("DELETE", house.at("green"))
    assert house.target.ask("GET", house.at("green")).status_code == 404


@case(
    "deletion.not-found",
    "A deployment that is not there is told by name",
    seen("Azure-Samples/contoso-chat#139"),
    seen("Azure/azure-dev#4037"),
)
def test_missing_deployment(house: House) -> None:
    """Code, sentence and its parts, verbatim."""
    found = error(house.target.ask("GET", house.at("grey")))
    assert (found["code"], found["message"]) == (
        "UserError",
        f"Deployment grey not found in endpoint {house.name}, workspace {house.target.workspace}",
    )


@case(
    "deletion.late-read",
    "A GET may answer 404 for a while after its PUT was accepted",
    seen("Azure/azure-dev#4037"),
    needs="doors",
)
def test_read_after_write(fresh: Fresh, doors: Target) -> None:
    """On demand, for tests of clients that must bear it."""
    house = fresh.house("blue")
    begun = house.begin("green")
    doors.door("PUT", "faults", [{"method": "GET", "path": "/deployments/green", "effect": {"kind": "stale"}}])
    assert [doors.ask("GET", house.at("green")).status_code for _ in range(2)] == [404, 200]
    doors.end_of(begun)
