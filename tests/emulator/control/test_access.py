"""Who may do what: roles, several principals, policies, role assignments of identities."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from rollout.emulator.access import BUILT_IN, Role, action, allowed
from rollout.emulator.app import Front
from rollout.emulator.policies import Policy
from rollout.emulator.server import EmulatorServer
from tests.emulator.control.bodies import deployment_body, endpoint_body
from tests.emulator.control.conftest import Arm

ML = "Microsoft.MachineLearningServices/workspaces"
ENDPOINTS = f"{ML}/onlineEndpoints"

ACTIONS = {
    ("Microsoft.MachineLearningServices/workspaces", "GET "): f"{ML}/read",
    (ML, "GET onlineendpoints"): f"{ENDPOINTS}/read",
    (ML, "PUT onlineendpoints/{}"): f"{ENDPOINTS}/write",
    (ML, "PATCH onlineendpoints/{}"): f"{ENDPOINTS}/write",
    (ML, "POST onlineendpoints/{}/listkeys"): f"{ENDPOINTS}/listKeys/action",
    (ML, "POST onlineendpoints/{}/regeneratekeys"): f"{ENDPOINTS}/regenerateKeys/action",
    (ML, "POST onlineendpoints/{}/token"): f"{ENDPOINTS}/token/action",
    (ML, "DELETE onlineendpoints/{}/deployments/{}"): f"{ENDPOINTS}/deployments/delete",
    (ML, "POST onlineendpoints/{}/deployments/{}/getlogs"): f"{ENDPOINTS}/deployments/getLogs/action",
    (ML, "PUT models/{}/versions/{}"): f"{ML}/models/versions/write",
    ("Microsoft.MachineLearningServices/locations", "GET mfeoperationsstatus/{}"): (
        "Microsoft.MachineLearningServices/locations/mfeOperationsStatus/read"
    ),
    ("Microsoft.Insights", "GET metrics"): "Microsoft.Insights/metrics/read",
    ("Microsoft.Authorization", "GET permissions"): "Microsoft.Authorization/permissions/read",
}


@pytest.mark.parametrize("request_", ACTIONS, ids=lambda one: one[1])
def test_actions(request_: tuple[str, str]) -> None:
    """Provider, types in their own case, verb (azureml.md §2.13)."""
    assert action(*request_) == ACTIONS[request_]


GRANTS = {
    ("Reader", f"{ENDPOINTS}/read"): True,
    ("Reader", f"{ENDPOINTS}/write"): False,
    ("Reader", f"{ENDPOINTS}/listKeys/action"): False,
    ("Contributor", f"{ENDPOINTS}/deployments/delete"): True,
    ("Contributor", "Microsoft.Authorization/locks/write"): False,
    ("Contributor", "microsoft.authorization/roleassignments/DELETE"): False,
    ("AzureML Data Scientist", f"{ENDPOINTS}/write"): True,
    ("AzureML Data Scientist", f"{ML}/write"): False,
    ("AzureML Data Scientist", "Microsoft.Insights/metrics/read"): False,
    ("Owner", "Microsoft.Authorization/roleAssignments/write"): True,
}


@pytest.mark.parametrize("case", GRANTS, ids="-".join)
def test_built_in_roles(case: tuple[str, str]) -> None:
    """What they grant, and what they take away again."""
    role, wanted = case
    assert allowed([BUILT_IN[role]], wanted) is GRANTS[case]


def test_what_one_role_takes_another_may_give() -> None:
    """`notActions` are no denial; data actions are apart; nothing grants nothing."""
    taking = Role(("*",), (f"{ENDPOINTS}/delete",))
    assert not allowed([taking], f"{ENDPOINTS}/delete")
    assert allowed([taking, Role((f"{ENDPOINTS}/delete",))], f"{ENDPOINTS}/delete")
    assert not allowed([taking], f"{ENDPOINTS}/score/action", data=True)
    assert allowed([Role(data_actions=(f"{ML}/*/score/action",))], f"{ENDPOINTS}/score/action", data=True)
    assert not allowed([], f"{ENDPOINTS}/read")


@pytest.fixture
def reader(arm: Arm, server: EmulatorServer) -> Any:
    """A second principal that may only read, and a third that may only write endpoints."""
    wish = [
        {"name": "reader", "roles": ["Reader"]},
        {"name": "deployer", "clientId": "deployer-id", "roles": [{"actions": [f"{ENDPOINTS}/*"], "notActions": []}]},
    ]
    told = arm.control("PUT", "principals", wish)["value"]
    clients = {}
    for one in told:
        client = clients[one["name"]] = Arm(server)
        client.sign_in(one["clientId"], one["clientSecret"])
        client.client_id = one["clientId"]
    yield clients
    arm.control("PUT", "principals", [])


def test_several_principals(arm: Arm, reader: dict[str, Arm]) -> None:
    """Each has its own secret and roles; a refusal is Resource Manager's sentence, with the action and the scope."""
    name = arm.house()
    path = f"{arm.server.service.scope.workspace_path}/onlineEndpoints/{name}"
    assert reader["reader"].ask("GET", f"onlineEndpoints/{name}").status_code == 200
    refused = reader["reader"].ask("PUT", f"onlineEndpoints/{name}", endpoint_body())
    object_id = arm.server.service.directory.principal(reader["reader"].client_id).object_id
    assert (refused.status_code, refused.json()["error"]) == (
        403,
        {
            "code": "AuthorizationFailed",
            "message": f"The client '{reader['reader'].client_id}' with object id '{object_id}' does not have "
            f"authorization to perform action '{ENDPOINTS}/write' over scope '{path}' or the scope is invalid. If "
            "access was recently granted, please refresh your credentials.",
        },
    )
    keys = reader["reader"].ask("POST", f"onlineEndpoints/{name}/listKeys").json()["error"]["message"]
    assert f"'{ENDPOINTS}/listKeys/action' over scope '{path}'" in keys
    assert reader["deployer"].ask("PUT", f"onlineEndpoints/{name}", endpoint_body()).status_code == 201
    assert reader["deployer"].ask("GET", "").status_code == 403


def test_permissions_are_the_callers(arm: Arm, reader: dict[str, Arm]) -> None:
    """`Microsoft.Authorization/permissions` answers what is enforced."""
    path = f"{arm.server.service.scope.workspace_path}/providers/Microsoft.Authorization/permissions"
    assert reader["reader"].ask("GET", path).json()["value"] == [
        {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
    ]
    assert arm.ask("GET", path).json()["value"][0]["actions"] == ["*"]


def test_what_is_told_of_principals(arm: Arm, reader: dict[str, Arm]) -> None:
    """Never a secret; those that are taken away cannot sign in, and their tokens do nothing."""
    told = arm.control("GET", "principals")["value"]
    assert [one["name"] for one in told] == ["rollout", "reader", "deployer"]
    assert "ecret" not in str(told)
    arm.control("PUT", "principals", [])
    assert reader["reader"].ask("GET", "onlineEndpoints").status_code == 403
    with pytest.raises(KeyError):
        reader["reader"].sign_in(reader["reader"].client_id, "whatever")


def test_the_own_client_can_be_bound_too(arm: Arm) -> None:
    """`PUT permissions`; an empty list gives everything again."""
    arm.control("PUT", "permissions", [{"actions": ["*/read"]}])
    assert arm.ask("DELETE", "onlineEndpoints/nothing").status_code == 403
    arm.control("PUT", "permissions", [])
    assert arm.ask("DELETE", "onlineEndpoints/nothing").status_code == 204


@pytest.mark.parametrize(
    ("door", "body", "words"),
    [
        ("principals", [{"name": "x", "roles": ["Boss"]}], "there is no role 'Boss': it must be one of Owner"),
        ("principals", [{"name": "x"}], "missing required field `roles`"),
        ("permissions", [{"actions": "all"}], "Expected `array`, got `str` - at `$[0].actions`"),
        ("policies", [{"nam": "x"}], "unknown field `nam`"),
    ],
)
def test_doors_say_what_is_wrong(arm: Arm, door: str, body: Any, words: str) -> None:
    """Nothing is taken over then."""
    assert words in arm.control("PUT", door, body)["error"]["message"]


def test_who_may_score_by_entra(arm: Arm, reader: dict[str, Arm]) -> None:
    """`score/action` among the actions or the data actions of a role; without it the token is as good as none."""
    asked: list[str] = []

    async def plane(scope: Any, receive: Any, send: Any) -> None:
        asked.extend(value.decode() for name, value in scope["headers"] if name == b"authorization")

    front = Front(arm.server.service, plane)
    entra = arm.server.service.entra
    for client in (arm.client_id, reader["deployer"].client_id, reader["reader"].client_id):
        token = f"Bearer {entra.issue(client, 'https://ml.azure.com', time.time())}"
        http = {"type": "http", "method": "POST", "path": "/endpoints/house/score", "query_string": b"",
                "headers": [(b"authorization", token.encode())]}  # fmt: skip
        asyncio.run(front._score(http, None, None, http["path"]))  # type: ignore[arg-type]
    assert [one.startswith("Bearer entra-") for one in asked] == [True, True, False]


def test_azure_policy(arm: Arm) -> None:
    """A write that an assignment denies: 403, with the assignment; other writes go through."""
    policy = {"name": "no-public-endpoints", "field": "properties.publicNetworkAccess", "not_in": ["Disabled"]}
    arm.control("PUT", "policies", [policy])
    try:
        refused = arm.ask("PUT", "onlineEndpoints/policed", endpoint_body())
        private = endpoint_body()
        private["properties"]["publicNetworkAccess"] = "Disabled"
        taken = arm.ask("PUT", "onlineEndpoints/policed", private)
    finally:
        arm.control("PUT", "policies", [])
    error = refused.json()["error"]
    root = f"{arm.server.service.scope.group_path}/providers/Microsoft.Authorization"
    assert (refused.status_code, error["code"], error["target"]) == (403, "RequestDisallowedByPolicy", "policed")
    assert error["message"] == (
        'Resource \'policed\' was disallowed by policy. Policy identifiers: \'[{"policyAssignment":{"name":'
        f'"no-public-endpoints","id":"{root}/policyAssignments/no-public-endpoints"}},"policyDefinition":{{"name":'
        f'"no-public-endpoints","id":"{root}/policyDefinitions/no-public-endpoints"}}}}]\'.'
    )
    assert error["additionalInfo"][0]["type"] == "PolicyViolation"
    assert taken.status_code == 201


def test_policies_by_type_and_value() -> None:
    """Of another type, with another value, of any write."""
    sizes = Policy(name="sizes", resource="deployments", field="properties.instanceType", one_of=("Standard_NC6",))
    assert sizes.denies("deployments", {"properties": {"instanceType": "Standard_NC6"}})
    assert not sizes.denies("deployments", {"properties": {"instanceType": "Standard_DS3_v2"}})
    assert not sizes.denies("onlineEndpoints", {"properties": {"instanceType": "Standard_NC6"}})
    assert Policy(name="all").denies("ONLINEENDPOINTS", None)


ROLES = {"containerregistry": "AcrPull", "storage": "Storage Blob Data Reader"}


@pytest.mark.parametrize("provider", ROLES)
def test_an_identity_without_a_role(arm: Arm, provider: str) -> None:
    """Its assignments can be looked at; without one, a deployment ends as `BadArgument`; with it again, it succeeds."""
    name = arm.house()
    principal = arm.ask("GET", f"onlineEndpoints/{name}").json()["identity"]["principalId"]
    workspace = arm.server.service.scope.group_path
    listing = f"{workspace}/providers/Microsoft.Authorization/roleAssignments"
    mine = arm.ask("GET", listing, params={"$filter": f"principalId eq '{principal}'"}).json()["value"]
    assert len(mine) == 2
    one = next(each for each in mine if provider in each["id"].lower())
    assert arm.ask("DELETE", one["id"]).status_code == 200
    assert arm.ask("DELETE", one["id"]).status_code == 204
    failed = arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()))
    assert (failed["status"], failed["error"]["code"]) == ("Failed", "BadArgument")
    assert f"does not have the role {ROLES[provider]} on the workspace's" in failed["error"]["message"]
    arm.wait(arm.ask("DELETE", f"onlineEndpoints/{name}/deployments/blue"))
    body = {"properties": {key: one["properties"][key] for key in ("roleDefinitionId", "principalId")}}
    again = one["id"].rpartition("/")[0] + "/00000000-0000-0000-0000-000000000001"
    assert arm.ask("PUT", again, body).status_code == 201
    assert arm.ask("PUT", again, body).json()["error"]["code"] == "RoleAssignmentExists"
    assert (
        arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}/deployments/blue", deployment_body()))["status"] == "Succeeded"
    )


def test_identities_of_users(arm: Arm) -> None:
    """A user-assigned identity has ids of its own, always the same ones."""
    user = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/me"
    body = endpoint_body(identity={"type": "UserAssigned", "userAssignedIdentities": {user: {}}})
    for name in ("mine-1", "mine-2"):
        arm.wait(arm.ask("PUT", f"onlineEndpoints/{name}", body))
    first, second = (arm.ask("GET", f"onlineEndpoints/{name}").json()["identity"] for name in ("mine-1", "mine-2"))
    assert first == second
    assert set(first["userAssignedIdentities"][user]) == {"principalId", "clientId"}


def test_principals_survive_a_restart(own_server: EmulatorServer) -> None:
    """With their secrets and roles; what the own client may do is everything again."""
    with own_server:
        arm = Arm(own_server)
        (told,) = arm.control("PUT", "principals", [{"name": "reader", "roles": ["Reader"]}])["value"]
        arm.control("PUT", "permissions", [{"actions": ["*/read"]}])
    with EmulatorServer(own_server.state_dir, own_server.options) as again:
        arm = Arm(again)
        assert arm.ask("PUT", "onlineEndpoints/house", endpoint_body()).status_code == 201
        arm.sign_in(told["clientId"], told["clientSecret"])
        assert arm.ask("GET", "onlineEndpoints").status_code == 200
        assert arm.ask("DELETE", "onlineEndpoints/house").status_code == 403
