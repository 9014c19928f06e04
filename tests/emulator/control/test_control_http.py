"""Resource Manager over HTTPS: headers, envelopes, sign-in, throttling, counts, faults, time, history."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from rollout.emulator.server import EmulatorServer
from rollout.emulator.service import Options
from tests.emulator.control.bodies import deployment_body, endpoint_body
from tests.emulator.control.conftest import Arm


def test_a_write_names_its_operation(arm: Arm) -> None:
    """201 with the operation's URL, which echoes the request's api-version and leads to its end."""
    name = arm.house()
    answer = arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body())
    url = answer.headers["Azure-AsyncOperation"]
    assert (answer.status_code, url.rpartition("?")[2]) == (201, "api-version=2024-04-01")
    assert answer.json()["properties"]["properties"]["AzureAsyncOperationUri"] == url
    assert answer.headers["x-ms-async-operation-timeout"] == "PT30M"
    assert "Retry-After" not in answer.headers
    assert arm.wait(answer)["status"] == "Succeeded"


def test_delete_answers_null_and_a_result_to_ask_for(arm: Arm) -> None:
    """202, `null`, and a result URL that says 202 while it runs and 204 afterwards."""
    name = arm.house("blue")
    answer = arm.ask("DELETE", f"onlineEndpoints/{name}")
    assert (answer.status_code, answer.text) == (202, "null")
    result = answer.headers["Location"]
    assert "/mfeOperationResults/oe:" in result
    assert arm.session.get(result).status_code == 202
    arm.wait(answer)
    assert arm.session.get(result).status_code == 204


def test_paths_in_any_case(arm: Arm) -> None:
    """Resource types and the names of group and workspace are found in any case."""
    name = arm.house()
    path = arm.server.service.scope.workspace_path.replace("resourceGroups/emulator", "resourcegroups/EMULATOR")
    assert arm.ask("GET", f"{path}/onlineendpoints/{name.upper()}").json()["name"] == name


UNAUTHORISED = {
    "no token": (None, "AuthenticationFailed"),
    "not a token": ("Bearer secret", "InvalidAuthenticationToken"),
    "a forged one": ("Bearer eyJ0.eyJhdWQiOiJ4In0.AAAA", "InvalidAuthenticationToken"),
}


@pytest.mark.parametrize("case", UNAUTHORISED)
def test_unknown_tokens(arm: Arm, case: str) -> None:
    """401 in Resource Manager's shape, with a challenge; the token is not repeated."""
    given, code = UNAUTHORISED[case]
    arm.session.headers["Authorization"] = given or ""
    answer = arm.ask("GET", "onlineEndpoints")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
    assert (given or "x-secret").split(".")[-1] not in answer.text


def test_expired_and_misdirected_tokens(arm: Arm) -> None:
    """A token that has run out, and one for another resource, are told apart."""
    entra = arm.server.service.entra
    old = entra.issue(arm.client_id, "https://management.azure.com", time.time() - 4000)
    arm.session.headers["Authorization"] = f"Bearer {old}"
    assert arm.ask("GET", "onlineEndpoints").json()["error"]["code"] == "ExpiredAuthenticationToken"
    arm.session.headers["Authorization"] = f"Bearer {entra.issue(arm.client_id, 'https://ml.azure.com', time.time())}"
    assert arm.ask("GET", "onlineEndpoints").json()["error"]["code"] == "InvalidAuthenticationTokenAudience"


def test_signing_in_with_a_wrong_secret(arm: Arm) -> None:
    """The token endpoint says what Entra says."""
    known = arm.server.service.identity
    form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": "wrong"}
    answer = arm.session.post(f"{arm.server.url}/{known.tenant_id}/oauth2/v2.0/token", data=form)
    assert (answer.status_code, answer.json()["error"], answer.json()["error_codes"]) == (
        401,
        "invalid_client",
        [7000215],
    )


NOT_FOUND = {
    "/subscriptions/other/resourceGroups/emulator": "SubscriptionNotFound",
    "{subscription}/resourceGroups/other/providers/x": "ResourceGroupNotFound",
    "{subscription}/resourceGroups/emulator/providers/Microsoft.MachineLearningServices/workspaces/other": (
        "ResourceNotFound"
    ),
    "{workspace}/batchEndpoints/x": "InvalidResourceType",
}


@pytest.mark.parametrize("path", NOT_FOUND)
def test_what_is_not_there(arm: Arm, path: str) -> None:
    """Each level says which of them is missing."""
    scope = arm.server.service.scope
    url = path.format(subscription=scope.subscription_path, workspace=scope.workspace_path)
    answer = arm.ask("GET", url)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, NOT_FOUND[path])


def test_a_body_that_is_no_json(arm: Arm) -> None:
    """400, not a traceback."""
    scope = arm.server.service.scope
    answer = arm.session.put(f"{arm.server.url}{scope.workspace_path}/onlineEndpoints/abc?api-version=1", data=b"{nope")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")


def test_counts(arm: Arm) -> None:
    """Reads, writes and polls are counted apart; signing in and the emulator's own doors are not."""
    name = arm.house()
    arm.control("POST", "reset-counts")
    arm.ask("GET", f"onlineEndpoints/{name}")
    arm.ask("GET", f"onlineEndpoints/{name}/deployments")
    arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body()))
    arm.sign_in()
    told = arm.control("GET", "status")["requests"]
    assert (told["reads"], told["writes"]) == (2, 1)
    assert told["polls"] >= 2
    assert told["by_operation"] == {
        "OnlineEndpoints_Get": 1,
        "OnlineDeployments_List": 1,
        "OnlineEndpoints_CreateOrUpdate": 1,
        "Operations_GetStatus": told["polls"],
    }


def test_status_tells_where_and_no_secret(arm: Arm) -> None:
    """Everything a client needs to find the workspace; neither the client secret nor a key."""
    told = arm.control("GET", "status")
    known = arm.server.service.identity
    assert (told["url"], told["subscription_id"], told["workspace"], told["speed"]) == (
        arm.server.url,
        known.subscription_id,
        "emulator",
        2000,
    )
    assert known.client_secret not in str(told)
    assert known.signing_secret not in str(told)


def _until_throttled(arm: Arm) -> list[requests.Response]:
    """Reads until one is refused: how many that takes depends on how fast they are."""
    answers = [arm.ask("GET", "onlineEndpoints")]
    while answers[-1].status_code == 200 and len(answers) < 5000:
        answers.append(arm.ask("GET", "onlineEndpoints"))
    return answers


def test_throttling(own_server: EmulatorServer) -> None:
    """Above the bucket: 429 with `Retry-After`; the remaining tokens are told before."""
    own_server.options = Options(speed=1)
    with own_server:
        arm = Arm(own_server)
        answers = _until_throttled(arm)
        codes = {answer.status_code for answer in answers}
        assert codes == {200, 429}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert (refused.headers["Retry-After"], refused.json()["error"]["code"]) == ("1", "TooManyRequests")
        assert answers[0].headers["x-ms-ratelimit-remaining-subscription-reads"] == "249"


def test_time_can_be_skipped(arm: Arm) -> None:
    """`Date` follows the service's clock; skipping time ends what is due; it never goes back."""
    answer = arm.ask("PUT", "onlineEndpoints/clocked", endpoint_body())
    before = parsedate_to_datetime(answer.headers["Date"])
    arm.control("POST", "clock", {"advance": 86_400})
    live = arm.ask("GET", "onlineEndpoints/clocked")
    assert (parsedate_to_datetime(live.headers["Date"]) - before).total_seconds() >= 86_400
    assert "error" in arm.control("POST", "clock", {"advance": -1})
    arm.wait(answer)


def test_history_over_http(arm: Arm) -> None:
    """Every committed state of an endpoint, in the order of time."""
    name = arm.house("blue")
    told = arm.control("GET", f"history?endpoint={name}")["value"]
    assert [(shot["state"], shot["traffic"], list(shot["deployments"])) for shot in told] == [
        ("Creating", {}, []),
        ("Succeeded", {}, []),
        ("Succeeded", {}, ["blue"]),
        ("Succeeded", {}, ["blue"]),
        ("Updating", {}, ["blue"]),
        ("Succeeded", {"blue": 100}, ["blue"]),
    ]
    assert [shot["time"] for shot in told] == sorted(shot["time"] for shot in told)


def test_fault_status_on_the_second_match(arm: Arm) -> None:
    """A rule fires on its nth match, as often as it says, with the header it says."""
    effect = {"kind": "status", "status": 503, "retry_after": 7}
    arm.control("PUT", "faults", [{"method": "GET", "path": "/onlineEndpoints", "nth": 2, "effect": effect}])
    answers = [arm.ask("GET", "onlineEndpoints") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert answers[1].headers["Retry-After"] == "7"


@pytest.mark.parametrize("after", [False, True])
def test_fault_dropped_connection(arm: Arm, after: bool) -> None:
    """The client sees no answer; whether the service has acted is the rule's choice."""
    name = arm.house()
    arm.control("PUT", "faults", [{"method": "DELETE", "effect": {"kind": "drop", "after_acting": after}}])
    with pytest.raises(requests.exceptions.ConnectionError):
        arm.ask("DELETE", f"onlineEndpoints/{name}")
    live = arm.ask("GET", f"onlineEndpoints/{name}").json()
    assert live["properties"]["provisioningState"] == ("Deleting" if after else "Succeeded")


def test_fault_answer_hidden_behind_a_status(arm: Arm) -> None:
    """The service has acted, and the client is told 500."""
    name = arm.house()
    effect = {"kind": "status", "status": 500, "after_acting": True}
    arm.control("PUT", "faults", [{"method": "DELETE", "effect": effect}])
    assert arm.ask("DELETE", f"onlineEndpoints/{name}").status_code == 500
    state = arm.ask("GET", f"onlineEndpoints/{name}").json()["properties"]["provisioningState"]
    assert state == "Deleting"


def test_fault_failing_operation(arm: Arm) -> None:
    """The next operation of the kind ends as `Failed` with the code: HTTP 200, as the service does."""
    name = arm.house()
    effect = {"kind": "fail", "operation": "deployment_create", "code": "ImageBuildFailure", "message": "no"}
    arm.control("PUT", "faults", [{"effect": effect}])
    ended = arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()))
    assert (ended["status"], ended["error"]["code"], ended["error"]["message"]) == (
        "Failed",
        "ImageBuildFailure",
        "no",
    )


def test_fault_quota(arm: Arm) -> None:
    """Without cores the operation fails as out of quota."""
    name = arm.house()
    arm.control("PUT", "faults", [{"effect": {"kind": "quota", "cores": 4}}])
    ended = arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()))
    assert ended["error"]["code"] == "OutOfQuota"


def test_fault_stale_read(arm: Arm) -> None:
    """One GET shows what was before the last change, or nothing if there was nothing."""
    name = arm.house()
    arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}", endpoint_body(tags={"a": "1"})))
    rule = {"method": "GET", "path": f"/{name}\\?", "effect": {"kind": "stale"}}
    arm.control("PUT", "faults", [rule])
    stale, fresh = (arm.ask("GET", f"onlineEndpoints/{name}").json() for _ in range(2))
    assert (stale["tags"], fresh["tags"]) == ({}, {"a": "1"})
    arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body())
    arm.control("PUT", "faults", [{"method": "GET", "path": "/blue", "effect": {"kind": "stale"}}])
    path = f"onlineEndpoints/{name}/deployments/blue"
    assert [arm.ask("GET", path).status_code for _ in range(2)] == [404, 200]


def test_fault_delay(arm: Arm) -> None:
    """An answer comes late."""
    arm.control("PUT", "faults", [{"effect": {"kind": "delay", "seconds": 0.3}}])
    begun = time.monotonic()
    assert arm.ask("GET", "onlineEndpoints").status_code == 200
    assert time.monotonic() - begun >= 0.3


@pytest.mark.parametrize("rule", [{"effect": {"kind": "nope"}}, {"path": "(", "effect": {"kind": "drop"}}, 3])
def test_faults_that_make_no_sense(arm: Arm, rule: Any) -> None:
    """A bad rule is refused with the reason and changes nothing."""
    told = arm.control("PUT", "faults", [rule])
    assert told["error"]["code"] == "BadFault"
    assert arm.control("GET", "faults") == {"value": [], "waiting": []}


def test_autoscale_settings(arm: Arm) -> None:
    """Empty until one is put; then listed until it is deleted."""
    root = arm.server.service.scope.workspace_path.split("/providers/")[0]
    path = f"{root}/providers/Microsoft.Insights/autoscalesettings"
    assert arm.ask("GET", path).json() == {"value": []}
    body = {"location": "eastus2", "properties": {"enabled": True, "targetResourceUri": "/x"}}
    assert arm.ask("PUT", f"{path}/rule", body).status_code == 201
    (listed,) = arm.ask("GET", path).json()["value"]
    assert (listed["name"], listed["properties"]) == ("rule", body["properties"])
    assert arm.ask("DELETE", f"{path}/rule").status_code == 200
    assert arm.ask("GET", path).json() == {"value": []}


def test_usage(arm: Arm) -> None:
    """Cores in use count the reserve: one instance of four cores takes eight."""
    scope = arm.server.service.scope
    path = f"{scope.operations_path}/usages"

    def cores() -> int:
        value = arm.ask("GET", path).json()["value"]
        return int(next(entry["currentValue"] for entry in value if entry["name"]["value"] == "totalCores"))

    before = cores()
    arm.house("blue")
    assert cores() - before == 8


MALFORMED: list[Any] = [
    None,
    [],
    "text",
    {"properties": 3},
    endpoint_body(tags=["a"]),
    endpoint_body(tags={"a": 1}),
    endpoint_body(identity="SystemAssigned"),
    endpoint_body(properties={"authMode": 7}),
    endpoint_body(properties={"authMode": "Key", "traffic": ["blue"]}),
    endpoint_body(properties={"authMode": "Key", "properties": "x"}),
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
def test_bodies_of_another_shape(arm: Arm, number: int) -> None:
    """400 in ARM's shape, and nothing has changed."""
    name = arm.house("blue")
    path = f"onlineEndpoints/{name}"
    before = arm.ask("GET", path).json()
    answer = arm.ask("PUT", path, MALFORMED[number])
    assert (answer.status_code, "error" in answer.json()) == (400, True)
    assert arm.ask("PUT", f"{path}/deployments/blue", MALFORMED[number]).status_code == 400
    assert arm.ask("GET", path).json() == before


def test_blob_storage(arm: Arm) -> None:
    """The container's query opens it and no other; blobs are listed, read in parts and described."""
    path = "codes/c1/versions/1/startPendingUpload"
    told = arm.ask("POST", path, {"pendingUploadType": "TemporaryBlobReference"}).json()
    uri, _, query = told["blobReferenceForConsumption"]["credential"]["sasUri"].partition("?")
    other = arm.ask("POST", path.replace("c1", "c2"), {}).json()["blobReferenceForConsumption"]["blobUri"]
    web = arm.session
    made = web.put(f"{uri}/a/b.txt?{query}", data=b"0123456789", headers={"x-ms-meta-k": "v"})
    assert (made.status_code, web.put(f"{other}/a?{query}", data=b"").status_code) == (201, 403)
    head = web.head(f"{uri}/a/b.txt?{query}")
    assert (head.headers["Content-Length"], head.headers["x-ms-meta-k"]) == ("10", "v")
    part = web.get(f"{uri}/a/b.txt?{query}", headers={"x-ms-range": "bytes=2-4"})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert web.get(f"{uri}/a/b.txt?{query}").content == b"0123456789"
    assert "<Name>a/b.txt</Name>" in web.get(f"{uri}?restype=container&comp=list&prefix=a/&{query}").text
    missing = web.head(f"{uri}/none?{query}")
    assert (missing.status_code, missing.headers["x-ms-error-code"]) == (404, "BlobNotFound")
    guarded = web.put(f"{uri}/a/b.txt?{query}", data=b"", headers={"If-None-Match": "*"})
    assert guarded.headers["x-ms-error-code"] == "BlobAlreadyExists"
