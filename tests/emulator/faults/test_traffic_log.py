"""What the router notes of each scoring request, as the metrics and the traffic log then show it."""

from __future__ import annotations

from typing import Any

from tests.emulator.control.bodies import endpoint_body
from tests.emulator.faults.conftest import Served

TABLE = "AmlOnlineEndpointTrafficLog"


def rows(served: Served, query: str) -> list[dict[str, Any]]:
    """The rows of a query over the whole log."""
    path = f"/v1/workspaces/{served.server.service.log_workspace_id}/query"
    (table,) = served.ask("POST", path, {"query": f"{TABLE} | {query}"}).json()["tables"]
    names = [column["name"] for column in table["columns"]]
    return [dict(zip(names, row, strict=True)) for row in table["rows"]]


def test_a_request_and_its_line(served: Served) -> None:
    """Ids, sizes, statuses and the way of signing in."""
    url = f"{served.server.url}/endpoints/{served.name}/score"
    headers = {"Authorization": f"Bearer {served.key}", "x-ms-client-request-id": "mine", "User-Agent": "a-test"}
    answer = served.session.post(url, json={"a": 1}, headers=headers, timeout=20)
    (line,) = rows(served, "where XMSClientRequestId == 'mine'")
    assert line["XRequestId"] == answer.headers["x-request-id"]
    assert (line["EndpointName"], line["DeploymentName"], line["ResponseCode"]) == (served.name, "blue", 200)
    assert (line["AuthType"], line["Method"], line["Path"], line["UserAgent"]) == ("Key", "POST", "/score", "a-test")
    assert (line["RequestPayloadSize"], line["ResponsePayloadSize"]) == (len(b'{"a": 1}'), len(answer.content))
    assert line["_ResourceId"] == f"{served.server.service.scope.workspace_path}/onlineEndpoints/{served.name}".lower()


def test_refused_and_lost_requests(served: Served) -> None:
    """What the front end answers itself has no deployment."""
    url = f"{served.server.url}/endpoints/{served.name}/score"
    wrong = {"Authorization": "Bearer nonsense", "x-ms-client-request-id": "refused"}
    assert served.session.post(url, json={}, headers=wrong, timeout=20).status_code == 401
    (line,) = rows(served, "where XMSClientRequestId == 'refused'")
    assert (line["DeploymentName"], line["ResponseCode"], line["ModelStatusCode"]) == ("", 401, None)


def test_mirrored_requests_count_too(served: Served) -> None:
    """For the deployment that got the copy; clients never saw it."""
    mirrored = endpoint_body({"blue": 100}, {"green": 50})
    served.wait(served.ask("PUT", f"onlineEndpoints/{served.name}", mirrored))
    for _ in range(40):
        assert served.score().headers["azureml-model-deployment"] == "blue"
    served.wait(served.ask("PUT", f"onlineEndpoints/{served.name}", endpoint_body({"blue": 100})))
    counted = rows(served, f"where EndpointName == '{served.name}' | summarize n = count() by DeploymentName")
    often = {one["DeploymentName"] for one in counted if one["n"] > 5}
    assert {"blue", "green"} <= often
