"""Names of endpoints and deployments."""

from __future__ import annotations

from tests.conformance.case import Given, case, row, table
from tests.conformance.house import Fresh, House
from tests.conformance.sources import QUOTAS, SDK, UNKNOWN_STATUS, recorded, seen, unverified
from tests.conformance.target import Target, endpoint_body

_BAD = {
    "two": ("Two characters are too few", "ab"),
    "long": ("33 characters are too many", "a" * 33),
    "digit": ("A name begins with a letter", "1house"),
    "underscore": ("An underscore is no part of a name", "my_house"),
    "dot": ("A dot is no part of a name", "my.house"),
    "dash-first": ("A dash does not begin a name", "-house"),
    "dash-last": ("A dash does not end a name", "house-"),
}


@table(
    *(
        row(f"names.endpoint-{key}", f"{title} (endpoint)", QUOTAS, SDK, UNKNOWN_STATUS, name=name)
        for key, (title, name) in _BAD.items()
    )
)
def test_refused_endpoint_names(target: Target, given: Given) -> None:
    """Refused before anything is made."""
    answer = target.ask("PUT", f"onlineEndpoints/{given.name}", endpoint_body(target.location))
    target.refuses(answer, f"Endpoint name [{given.name}] is invalid.")


@table(
    *(
        row(f"names.deployment-{key}", f"{title} (deployment)", QUOTAS, SDK, UNKNOWN_STATUS, name=name)
        for key, (title, name) in _BAD.items()
    )
)
def test_refused_deployment_names(house: House, given: Given) -> None:
    """The same rule."""
    house.target.refuses(house.begin(given.name), f"Deployment name [{given.name}] is invalid.")


@table(
    row("names.three", "Three characters are enough", QUOTAS, name="abc"),
    row("names.longest", "32 characters are allowed", QUOTAS, name="a" + "b2-" * 10 + "z"),
)
def test_accepted_deployment_names(fresh: Fresh, given: Given) -> None:
    """Letters, digits, single dashes."""
    house = fresh.house("blue")
    begun = house.begin(given.name)
    assert (begun.status_code, begun.json()["name"]) == (201, given.name)
    house.target.end_of(begun)


@case("names.case", "Names are found in whatever case, and keep the one they were made with", SDK)
def test_case_of_names(fresh: Fresh) -> None:
    """The SDK folds the names it sends, because the service does not tell them apart."""
    house = fresh.house("Blue", traffic={"blue": 100})
    for path in (house.path.upper().replace("ONLINEENDPOINTS", "onlineEndpoints"), house.path):
        assert house.target.read(path)["name"] == house.name
    assert house.target.read(house.at("bLUE"))["name"] == "Blue"
    assert house.begin("BLUE", capacity=1).json()["id"].endswith("/deployments/Blue")


@case("names.id", "An endpoint's id is also told in lower case", recorded(0, 5))
def test_lowered_id(house: House) -> None:
    """`azureml.onlineendpointid`."""
    shown = house.show()
    assert shown["properties"]["properties"]["azureml.onlineendpointid"] == shown["id"].lower()


@case("names.path-case", "Types in paths are taken without regard to case", unverified("Resource Manager's convention"))
def test_case_of_types(house: House) -> None:
    """`onlineendpoints` is `onlineEndpoints`."""
    assert house.target.read(house.path.replace("onlineEndpoints", "onlineendpoints"))["name"] == house.name


@case(
    "names.again",
    "A name can be used again when its endpoint is gone",
    seen("Azure/azure-cli-extensions#7660, #7107: right after the deletion it may answer 404"),
)
def test_name_of_a_deleted_endpoint(fresh: Fresh) -> None:
    """The emulator frees it at once."""
    house = fresh.named()
    house.target.do("DELETE", house.path)
    begun = house.put()
    assert begun.status_code in ((201,) if house.target.emulated else (201, 404))
    if begun.status_code == 201:
        house.target.end_of(begun)
