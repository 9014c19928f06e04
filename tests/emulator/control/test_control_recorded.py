"""The emulator's answers against recordings of the real service, key by key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.emulator.control.bodies import Bench, deployment_body, endpoint_body
from tests.emulator.control.conftest import Arm

RECORDINGS = Path(__file__).parents[3].parent / "shared" / "corpus" / "rest" / "recordings"
MISSING = "no recordings of the service in ../shared"
pytestmark = pytest.mark.skipif(not RECORDINGS.exists(), reason=MISSING)


def shape(value: Any) -> Any:
    """Keys in order and kinds of values; what is inside free maps (weights, tags, …) is left out."""
    if isinstance(value, dict):
        free = ("traffic", "mirrorTraffic", "tags", "environmentVariables")
        return {key: {} if key in free else shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


def _recorded(method: str, part: str, number: int = 0) -> dict[str, Any]:
    entries = json.loads((RECORDINGS / "online_deployment_e2e.json").read_text())["entries"]
    found = [entry for entry in entries if entry["method"] == method and part in entry["url"]]
    entry: dict[str, Any] = found[number]
    return entry


def _sorted(value: Any) -> Any:
    return json.loads(json.dumps(shape(value), sort_keys=True))


def test_created_endpoint() -> None:
    """PUT of a new endpoint: the same keys and kinds, in the same order."""
    entry = _recorded("PUT", "/onlineEndpoints/")
    answer = Bench().rules.put_endpoint("house", entry["request"], Bench().now)
    assert answer.status == entry["status"]
    assert json.dumps(shape(answer.body)) == json.dumps(shape(entry["response"]))


def test_updated_endpoint() -> None:
    """PUT of new weights: 201, `Updating`, old weights."""
    entry = _recorded("PUT", "/onlineEndpoints/", 1)
    bench = Bench()
    bench.endpoint(properties={"authMode": "AMLToken"})
    bench.settle()
    bench.deployment("blue")
    bench.settle()
    inner = entry["request"]["properties"] | {"traffic": {"blue": 100}}
    answer = bench.endpoint(properties=inner)
    theirs = entry["response"]
    assert answer.status == entry["status"]
    assert _sorted(answer.body) == _sorted(theirs)
    for key in ("provisioningState", "traffic", "mirrorTraffic"):
        assert answer.body["properties"][key] == theirs["properties"][key]


def test_listed_deployment() -> None:
    """A deployment after success has the recorded keys, kinds and default values."""
    theirs = _recorded("GET", "/deployments?")["response"]["value"][0]
    bench = Bench()
    bench.endpoint()
    bench.settle()
    known = theirs["properties"]
    asked = {key: known[key] for key in ("description", "codeConfiguration", "environmentId", "model", "instanceType")}
    bench.deployment("blue", **asked)
    bench.settle()
    ours = bench.rules.list_deployments("house", bench.now).body["value"][0]
    assert _sorted(ours) == _sorted(theirs)
    differing = {key for key in known if ours["properties"][key] != known[key]}
    assert differing == {"properties"}
    assert (ours["kind"], ours["sku"]) == (theirs["kind"], theirs["sku"])


@pytest.mark.parametrize(("number", "polls"), [(0, 1), (2, 9)])
def test_polls(number: int, polls: int) -> None:
    """A poll while it runs, and one after the end."""
    theirs = _recorded("GET", "/mfeOperationsStatus/oe:", number)["response"]
    bench = Bench()
    operation = bench.endpoint().headers["Azure-AsyncOperation"].rpartition("/")[2].partition("?")[0]
    if polls > 1:
        bench.settle()
    ours = bench.rules.operation(operation, bench.now).body
    assert list(ours) == list(theirs)
    assert (ours["status"], ours["percentComplete"]) == (theirs["status"], theirs["percentComplete"])


def test_token() -> None:
    """A scoring token's answer."""
    theirs = _recorded("POST", "/token?")["response"]
    bench = Bench()
    bench.endpoint(properties={"authMode": "AMLToken"})
    bench.settle()
    ours = bench.rules.token("house", bench.now).body
    assert shape(ours) == shape(theirs)
    lives = [body["expiryTimeUtc"] - body["refreshAfterTimeUtc"] for body in (ours, theirs)]
    assert lives[0] == lives[1]


@pytest.mark.parametrize("number", range(2))
def test_headers(arm: Arm, number: int) -> None:
    """Every recorded header of a write is there, and none that only a hint of ours would add."""
    entry = (_recorded("PUT", "/onlineEndpoints/"), _recorded("DELETE", "/onlineEndpoints/"))[number % 2]
    name = arm.house("blue")
    if number % 2:
        answer = arm.ask("DELETE", f"onlineEndpoints/{name}")
    else:
        answer = arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body({"blue": 100}))
    theirs = {key.lower() for key in entry["headers"]}
    ours = {key.lower() for key in answer.headers}
    assert theirs - ours == set()
    assert "retry-after" not in ours
    assert answer.headers["Content-Type"] == entry["headers"]["Content-Type"]


CASES = {
    "GET deployment that does not exist": lambda b: b.rules.get_deployment("house", "D", b.now),
    "DELETE deployment that has traffic": lambda b: b.rules.delete_deployment("house", "blue", b.now),
}


@pytest.mark.parametrize("case", CASES)
def test_errors(case: str) -> None:
    """The recorded envelopes: status, code, message, details and the kinds of additional information."""
    errors = json.loads((RECORDINGS / "error-bodies.json").read_text())["errors"]
    theirs = next(error for error in errors if error["case"] == case)
    ours = CASES[case](Bench().serving("blue"))
    assert ours.status == theirs["status"]
    mine, known = ours.body["error"], theirs["body"]["error"]
    assert (list(mine), mine["code"]) == (list(known), known["code"])
    assert [one["message"] for one in mine["details"]] == [one["message"] for one in known["details"]]
    assert [one["type"] for one in mine["additionalInfo"]] == [one["type"] for one in known["additionalInfo"]]
    assert shape(mine["additionalInfo"]) == shape(known["additionalInfo"])


def test_unrecoverable_in_the_recorded_words() -> None:
    """The whole detail of a PUT after a failed first create."""
    errors = json.loads((RECORDINGS / "error-bodies.json").read_text())["errors"]
    case = "PUT on a deployment whose first provisioning failed"
    theirs = next(error for error in errors if error["case"] == case)["body"]["error"]
    bench = Bench()
    bench.endpoint()
    bench.settle()
    bench.rules.world.quota_cores = 0
    bench.deployment("latest")
    bench.settle()
    ours = bench.rules.put_deployment("house", "latest", deployment_body(), bench.now).body["error"]
    assert ours["details"] == theirs["details"]
    assert ours["message"] == theirs["message"]
