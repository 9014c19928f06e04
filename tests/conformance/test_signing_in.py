"""Who may ask Resource Manager, and what those are told who may not."""

from __future__ import annotations

from collections.abc import Callable

import requests

from tests.conformance.case import Given, case, row, table
from tests.conformance.sources import SIGNING_IN, SWAGGER, documented, unverified
from tests.conformance.target import ARM, INFERENCE, Target, endpoint_body

ERRORS = documented("azure-resource-manager, common authentication errors")


@table(
    row(
        "auth.missing",
        "Without a token: 401, AuthenticationFailed, and where to get one",
        ERRORS,
        header="",
        code="AuthenticationFailed",
    ),
    row(
        "auth.garbage",
        "With something that is no token: 401, InvalidAuthenticationToken",
        ERRORS,
        header="Bearer nonsense",
        code="InvalidAuthenticationToken",
    ),
    row(
        "auth.audience",
        "With a token for another audience: 401",
        ERRORS,
        unverified("its code"),
        header="inference",
        code="InvalidAuthenticationTokenAudience",
    ),
)
def test_not_signed_in(target: Target, given: Given) -> None:
    """The challenge names the authority."""
    header = f"Bearer {target.token(INFERENCE)}" if given.header == "inference" else given.header
    answer = requests.get(
        f"{target.management}{target.scope}/onlineEndpoints?api-version=2024-04-01",
        headers={"Authorization": header} if header else {},
        verify=target.verify,
        timeout=30,
    )
    assert answer.status_code == 401
    assert "authorization_uri" in answer.headers["WWW-Authenticate"]
    assert answer.json()["error"]["code"] == given.code or not target.emulated


@case(
    "auth.permissions", "A caller can ask what it may do", documented("Microsoft.Authorization/permissions"), SIGNING_IN
)
def test_permissions(target: Target) -> None:
    """Actions and data actions, and what is taken from them."""
    path = f"{target.scope}/providers/Microsoft.Authorization/permissions"
    listed = target.ask("GET", path, api="2022-04-01").json()["value"]
    assert listed
    assert {"actions", "notActions"} <= set(listed[0])


@case(
    "auth.lock",
    "A resource lock refuses deletions with ScopeLocked",
    documented("azure-resource-manager/lock-resources.md"),
    needs="doors",
)
def test_locks(doors: Target) -> None:
    """409, and it is no conflict."""
    lock = f"{doors.scope.partition('/providers/')[0]}/providers/Microsoft.Authorization/locks/keep"
    doors.ask("PUT", lock, {"properties": {"level": "CanNotDelete"}}, api="2016-09-01")
    answer = doors.ask("DELETE", "onlineEndpoints/conf-locked")
    doors.ask("DELETE", lock, api="2016-09-01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ScopeLocked")
    assert doors.ask("DELETE", "onlineEndpoints/conf-locked").status_code == 204


@case("auth.correlation", "A correlation id that the client gives comes back", SWAGGER)
def test_correlation(target: Target) -> None:
    """So both sides can find the request."""
    known = "6ff3cf96-0000-4000-8000-00000000c0de"
    answer = target.ask("GET", "onlineEndpoints", headers={"x-ms-correlation-request-id": known})
    assert answer.headers["x-ms-correlation-request-id"] == known


ROLES = documented("Azure built-in roles; Microsoft.MachineLearningServices operations")


@table(
    row(
        "auth.reader",
        "Who may only read cannot write",
        ROLES,
        role="Reader",
        method="PUT",
        path="onlineEndpoints/conf-role",
        status=403,
        needs="doors",
    ),
    row(
        "auth.reader-reads",
        "… and reads",
        ROLES,
        role="Reader",
        method="GET",
        path="onlineEndpoints",
        status=200,
        needs="doors",
    ),
    row(
        "auth.reader-keys",
        "… and gets no keys",
        ROLES,
        SIGNING_IN,
        role="Reader",
        method="POST",
        path="onlineEndpoints/conf-role/listKeys",
        status=403,
        needs="doors",
    ),
    row(
        "auth.scientist",
        "AzureML Data Scientist writes endpoints",
        ROLES,
        role="AzureML Data Scientist",
        method="DELETE",
        path="onlineEndpoints/conf-role",
        status=204,
        needs="doors",
    ),
)
def test_roles(doors: Target, given: Given) -> None:
    """403 AuthorizationFailed, with the action and the scope."""
    other = _principal(doors, given.role)
    body = endpoint_body(doors.location) if given.method == "PUT" else None
    answer = other(given.method, given.path, body)
    assert answer.status_code == given.status, answer.text
    if given.status == 403:
        found = answer.json()["error"]
        assert found["code"] == "AuthorizationFailed"
        assert "does not have authorization to perform action" in found["message"]


def _principal(target: Target, role: str) -> Callable[..., requests.Response]:
    """Requests of a service principal with one role."""
    (made,) = target.door("PUT", "principals", [{"name": "other", "roles": [role]}])["value"]
    form = {
        "grant_type": "client_credentials",
        "client_id": made["clientId"],
        "client_secret": made["clientSecret"],
        "scope": ARM,
    }
    url = f"{target.management}/{target.variables['ROLLOUT_EMULATOR_TENANT_ID']}/oauth2/v2.0/token"
    token = requests.post(url, data=form, verify=target.verify, timeout=30).json()["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    return lambda method, path, body: target.ask(method, path, body, headers=header)


@case(
    "auth.policy",
    "A policy that denies a write says so, by name",
    documented("azure-policy, deny effect"),
    needs="doors",
)
def test_policies(doors: Target) -> None:
    """403 RequestDisallowedByPolicy."""
    rule = {
        "name": "no-public-endpoints",
        "resource": "onlineEndpoints",
        "field": "properties.publicNetworkAccess",
        "not_in": ["Disabled"],
    }
    doors.door("PUT", "policies", [rule])
    answer = doors.ask("PUT", "onlineEndpoints/conf-denied", endpoint_body(doors.location))
    doors.door("PUT", "policies", [])
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "RequestDisallowedByPolicy")
    assert "no-public-endpoints" in answer.text
