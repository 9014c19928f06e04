"""Which deployment answers, and what the front end says when none does."""

from __future__ import annotations

import asyncio
from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING

import pytest

from tests.reliability.figures import whole

if TYPE_CHECKING:
    from tests.emulator.data.conftest import Plane

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_VALID_DEPLOYMENT = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive "
    "weight values or use a deployment specific header to route."
)


async def test_weights_split_the_requests(plane: Plane) -> None:
    """Of 600 requests (2,000 in the long form) at 90/10, the smaller one's share is within four standard errors."""
    requests = 2000 if whole() else 600
    await plane.serve("split", {"blue": 90, "green": 10}, max_concurrent=4)
    answered: Counter[object] = Counter()
    for _ in range(requests // 8):
        replies = await asyncio.gather(*(plane.score("split") for _ in range(8)))
        answered.update((reply.status, reply.headers["azureml-model-deployment"]) for reply in replies)
    assert set(answered) == {(200, "blue"), (200, "green")}
    assert answered.total() == requests
    assert abs(answered[200, "green"] - requests * 0.1) < 4 * sqrt(requests * 0.1 * 0.9)
    counted = plane.router.metrics.counts("split")
    assert counted == {name: {"2xx": answered[200, name]} for name in ("blue", "green")}


async def test_header_reaches_a_deployment_without_weight(plane: Plane) -> None:
    """The header wins over the weights, in any case of letters, and the answer says who gave it."""
    await plane.serve("header", {"blue": 100, "green": 0})
    reply = await plane.score("header", "Green")
    assert (reply.status, reply.json["version"]) == (200, "green")
    assert reply.headers["azureml-model-deployment"] == "green"
    assert reply.headers["azureml-model-session"] == "green"
    assert reply.headers["server"] == "azureml-frontdoor"
    assert reply.headers["x-ms-run-function-failed"] == "False"
    assert reply.headers["x-request-id"] == reply.headers["x-ms-request-id"]
    assert reply.headers["x-ms-server-version"].startswith("azmlinfsrv/")
    assert "Date" in reply.headers


async def test_unknown_deployment_is_not_found(plane: Plane) -> None:
    """A header that names nothing is answered by the front end itself."""
    await plane.serve("unknown", {"blue": 100})
    reply = await plane.score("unknown", "purple")
    assert (reply.status, reply.text) == (404, NO_VALID_DEPLOYMENT)
    assert "azureml-model-deployment" not in reply.headers


async def test_no_weight_at_all_is_not_found(plane: Plane) -> None:
    """With all weights at zero there is nobody to route to, but the header still works."""
    await plane.serve("zero", {"blue": 0})
    assert (await plane.score("zero")).text == NO_VALID_DEPLOYMENT
    assert (await plane.score("zero", "blue")).status == 200


async def test_unknown_endpoint_and_path_are_not_found(plane: Plane) -> None:
    """Nothing is served outside the three known paths of a known endpoint."""
    await plane.serve("paths", {"blue": 100})
    assert (await plane.score("nowhere")).status == 404
    assert (await plane.score("paths", path="admin")).status == 404


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"authorization": "Bearer another-key"}, "key_auth_access_denied"),
        ({"authorization": "a-key-of-the-tests"}, "key_auth_bad_header_forbidden"),
        ({}, "key_auth_bad_header_forbidden"),
    ],
)
async def test_wrong_key_is_denied(plane: Plane, headers: dict[str, str], text: str) -> None:
    """Without the right key the front end says so in plain text, whatever the endpoint is."""
    plane.route("denied", {"blue": 100})
    reply = await plane.raw("denied", "score", headers, {})
    assert (reply.status, reply.text, reply.headers["content-type"]) == (401, text, "text/plain")


async def test_swagger_and_liveness_come_from_the_instance(plane: Plane) -> None:
    """GET of the swagger page and of the root ask the scoring server; neither counts as a scored request."""
    await plane.serve("probe", {"blue": 100})
    assert (await plane.score("probe", "blue", path="swagger.json")).json["swagger"] == "2.0"
    assert (await plane.score("probe", "blue", path="")).text == "Healthy"
    assert plane.router.metrics.counts("probe") == {}


async def test_mirror_copies_its_share(plane: Plane) -> None:
    """Half of the live requests are copied; requests with the header are not; clients see only live answers."""
    await plane.serve("mirror", {"blue": 100, "green": 0}, max_concurrent=8)
    plane.route("mirror", {"blue": 100}, {"green": 50})
    for _ in range(50):
        replies = await asyncio.gather(*(plane.score("mirror") for _ in range(8)))
        assert {reply.headers["azureml-model-deployment"] for reply in replies} == {"blue"}
    for _ in range(20):
        await plane.score("mirror", "blue")
    await asyncio.sleep(0.3)
    copied = plane.router.metrics.counts("mirror", mirrored=True)
    assert set(copied) == {"green"}
    assert set(copied["green"]) == {"2xx"}
    assert abs(copied["green"]["2xx"] - 200) < 4 * sqrt(400 * 0.5 * 0.5)
    assert plane.router.metrics.counts("mirror") == {"blue": {"2xx": 420}}


async def test_stub_answers_are_labelled(plane: Plane) -> None:
    """Containers that the emulator does not run answer with a declared stub, which says so."""
    await plane.serve("stubbed", {"blue": 100}, kind="mlflow")
    reply = await plane.score("stubbed")
    assert reply.json == {"stub": "mlflow", "endpoint": "stubbed", "deployment": "blue"}
    assert reply.headers["x-emulator-stub"] == "1"
