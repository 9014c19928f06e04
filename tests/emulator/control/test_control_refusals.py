"""What the service refuses, as a table: the request, the status, the sentence."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollout.emulator.answers import Answer
from rollout.emulator.settings import Settings
from tests.emulator.control.bodies import Bench, deployment_body, endpoint_body, sentence

Ask = Callable[[Bench], Answer]

REFUSED: dict[str, tuple[Ask, int, str]] = {
    "weights that are not 100": (
        lambda b: b.endpoint({"blue": 60, "green": 30}),
        400,
        "Traffic percentages must sum to 0 or 100, but the sum is 90.",
    ),
    "weight for nobody": (
        lambda b: b.endpoint({"teal": 100}),
        400,
        "Deployment [teal] in traffic does not exist.",
    ),
    "half a percent": (
        lambda b: b.endpoint({"blue": 99.5, "green": 0.5}),
        400,
        "The traffic percentage of deployment [blue] must be a whole number from 0 to 100.",
    ),
    "one deployment in two spellings": (
        lambda b: b.endpoint({"blue": 50, "BLUE": 50}),
        400,
        "Deployment [BLUE] is named twice in traffic.",
    ),
    "mirror to the live one": (
        lambda b: b.endpoint({"blue": 100}, mirror={"blue": 10}),
        400,
        "Deployment [blue] cannot have both live and mirror traffic.",
    ),
    "two mirrors": (
        lambda b: b.endpoint({"blue": 100}, mirror={"green": 10, "teal2": 0, "grey": 10}),
        400,
        "Deployment [teal2] in mirrorTraffic does not exist.",
    ),
    "mirror of more than half": (
        lambda b: b.endpoint({"blue": 100}, mirror={"green": 51}),
        400,
        "The mirror traffic percentage must be at most 50.",
    ),
    "endpoint without a location": (
        lambda b: b.rules.put_endpoint("house", endpoint_body(location=""), b.now),
        400,
        "The location property is required for this definition.",
    ),
    "endpoint without an identity": (
        lambda b: b.endpoint(identity=None),
        400,
        "The identity of the endpoint is required.",
    ),
    "endpoint moved": (
        lambda b: b.endpoint({"blue": 100}, location="westus"),
        409,
        "The resource 'house' already exists in location 'eastus2'.",
    ),
    "identity of another kind": (
        lambda b: b.endpoint({"blue": 100}, identity={"type": "UserAssigned"}),
        400,
        "The identity type of an endpoint cannot be changed.",
    ),
    "authentication of another kind": (
        lambda b: b.endpoint(properties={"authMode": "AADToken"}),
        400,
        "The authentication mode of an endpoint cannot be changed.",
    ),
    "delete under load": (
        lambda b: b.rules.delete_deployment("house", "blue", b.now),
        400,
        "Can't delete deployment [blue] with non-zero traffic weight",
    ),
    "another instance type": (
        lambda b: b.deployment("blue", size="Standard_F2s_v2"),
        400,
        "The instance type of deployment [blue] cannot be changed. Create a new deployment.",
    ),
    "no instances": (
        lambda b: b.deployment("blue", 0),
        400,
        "The instance count must be from 1 to 50, but is 0.",
    ),
    "more instances than allowed": (
        lambda b: b.deployment("blue", 51),
        400,
        "The instance count must be from 1 to 50, but is 51.",
    ),
    "deployment that is not there": (
        lambda b: b.rules.get_deployment("house", "teal", b.now),
        404,
        "Deployment teal not found in endpoint house, workspace emulator",
    ),
    "endpoint that is not there": (
        lambda b: b.rules.get_endpoint("barn", b.now),
        404,
        "Endpoint barn not found in workspace emulator",
    ),
    "51 tags": (
        lambda b: b.endpoint({"blue": 100}, tags={f"t{n}": "" for n in range(51)}),
        400,
        "A resource can have at most 50 tags; the request has 51.",
    ),
    "tag value of 257": (
        lambda b: b.endpoint({"blue": 100}, tags={"note": "x" * 257}),
        400,
        "The value of tag 'note' has 257 characters; at most 256 are allowed.",
    ),
    "tag name with a slash": (
        lambda b: b.endpoint({"blue": 100}, tags={"a/b": ""}),
        400,
        "The tag name 'a/b' is empty, too long or has reserved characters.",
    ),
    "authentication by PATCH": (
        lambda b: b.rules.patch_endpoint("house", {"properties": {"authMode": "AMLToken"}}, b.now),
        400,
        "PATCH changes tags and identity only, not authMode.",
    ),
    "keys of a deployment's mode": (
        lambda b: b.rules.token("house", b.now),
        400,
        "Tokens are not supported for the authentication mode Key",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str) -> None:
    """Each is refused with its status and sentence, and changes nothing."""
    ask, status, words = REFUSED[case]
    bench = Bench().serving("blue", "green")
    before = bench.rules.get_endpoint("house", bench.now)
    answer = ask(bench)
    assert (answer.status, sentence(answer)) == (status, words)
    assert bench.rules.get_endpoint("house", bench.now) == before
    assert not bench.rules.world.in_flight


@pytest.mark.parametrize("name", ["ab", "a" * 33, "1house", "house-", "ho_use", ""])
def test_names(name: str) -> None:
    """A name outside the documented form is refused for endpoints and for deployments."""
    bench = Bench().serving("blue")
    assert bench.rules.put_endpoint(name, endpoint_body(), bench.now).status == 400
    assert bench.rules.put_deployment("house", name, deployment_body(), bench.now).status == 400


def test_two_mirrors() -> None:
    """Mirrored traffic goes to one deployment only."""
    bench = Bench().serving("blue", "green", "teal")
    answer = bench.endpoint({"blue": 100}, mirror={"green": 10, "teal": 10})
    assert sentence(answer) == "Mirror traffic can go to one deployment only."


def test_mirror_on_kubernetes() -> None:
    """An attached cluster mirrors nothing."""
    bench = Bench()
    inner = endpoint_body()["properties"] | {"compute": "cluster"}
    bench.endpoint(properties=inner)
    bench.settle()
    bench.deployment("blue", endpointComputeType="Kubernetes")
    bench.settle()
    answer = bench.endpoint(properties=inner | {"mirrorTraffic": {"blue": 10}})
    assert sentence(answer) == "Mirror traffic is supported for managed online endpoints only."


def test_twenty_deployments() -> None:
    """The twenty-first deployment of an endpoint is refused."""
    bench = Bench(Settings(cores=10_000))
    bench.serving(*(f"dep{n}" for n in range(20)))
    words = "Endpoint [house] already has 20 deployments, the most that it can."
    assert sentence(bench.deployment("dep20")) == words


def test_lenient_settings() -> None:
    """Each unverified strictness can be switched off."""
    bench = Bench(
        Settings(
            refuse_zero_instances=False,
            refuse_instance_type_change=False,
            refuse_auth_mode_change=False,
            refuse_identity_change=False,
        )
    ).serving("blue")
    assert bench.deployment("blue", 0, size="Standard_F2s_v2").status == 201
    bench.settle()
    inner = endpoint_body({"blue": 100})["properties"] | {"authMode": "AADToken"}
    assert bench.endpoint(properties=inner, identity={"type": "UserAssigned"}).status == 201
    bench.settle()
    live = bench.rules.get_deployment("house", "blue", bench.now).body
    assert (live["sku"]["capacity"], live["properties"]["instanceType"]) == (0, "Standard_F2s_v2")
    assert bench.rules.get_endpoint("house", bench.now).body["properties"]["authMode"] == "AADToken"
