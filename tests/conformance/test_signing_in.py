"""Who may ask Resource Manager, and what those are told who may not."""

from __future__ import annotations

import requests

from tests.conformance.case import Given, case, row, table
from tests.conformance.sources import SIGNING_IN, SWAGGER, documented, unverified
from tests.conformance.target import INFERENCE, Target

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
